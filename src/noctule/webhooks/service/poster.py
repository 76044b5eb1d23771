"""One POST to a URL that a stranger chose.

What must hold: a connection is only made to addresses that the egress policy judged for this very attempt;
nothing is followed, decompressed, kept or believed; and it is over in bounded time, whatever the other
side does.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from noctule.browser.egress.addresses import parse_host
from noctule.browser.egress.policy import EgressPolicy, EgressRefused
from noctule.browser.egress.resolver import ResolveFailed
from noctule.webhooks.domain import BadTarget, Target

TIMEOUT_SECONDS = 10.0
_MOST_READ_BYTES = 64 * 1024
_DRAIN_SECONDS = 1.0
_LONGEST_ERROR = 300

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt. ``error`` is a sentence for people, ``None`` for a success."""

    status: int | None = None
    error: str | None = None
    retry_after: str | None = None


class Poster:
    """Sends bodies to targets that the policy allows.

    ``ssl_context`` stands for the system's certificates where a server has others.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        ssl_context: ssl.SSLContext | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._policy = policy
        self._ssl = ssl_context or True
        self._timeout_seconds = timeout_seconds

    async def judge(self, target: Target) -> list[Address]:
        """The addresses that a target may be reached at. Raises ``EgressRefused``, ``ResolveFailed``, ``BadTarget``."""
        addresses = await self._policy.resolve(target.host, target.port)
        host = parse_host(target.host)
        if not isinstance(host, str) and str(host) != target.host:
            raise BadTarget(f"an address is written in its usual form: {host}")
        return addresses

    async def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Send a body and tell how it was answered; raises nothing that a target could cause."""
        answered: list[Outcome] = []
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._exchange(target, headers, body, await self.judge(target), answered)
        except (EgressRefused, ResolveFailed) as error:
            return _failure(error.message)
        except BadTarget as error:
            return _failure(str(error))
        except TimeoutError:
            # An answer whose rest does not come is an answer all the same.
            return answered[0] if answered else _failure(f"no answer within {self._timeout_seconds:g} seconds")
        except aiohttp.ClientConnectorCertificateError as error:
            reason = getattr(error.certificate_error, "verify_message", None) or "it does not fit the host"
            return _failure(f"the server's certificate was not accepted: {reason}")
        except (aiohttp.ClientConnectorSSLError, ssl.SSLError):
            return _failure("no TLS connection could be made")
        except aiohttp.ClientConnectorError as error:
            return _failure(f"could not connect: {error.os_error.strerror or type(error.os_error).__name__}")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Their texts may repeat what was sent or received; their names say enough.
            return answered[0] if answered else _failure(f"no valid answer: {type(error).__name__}")
        return answered[0]

    async def _exchange(
        self, target: Target, headers: Mapping[str, str], body: bytes, addresses: Sequence[Address], into: list[Outcome]
    ) -> None:
        connector = aiohttp.TCPConnector(
            resolver=_Pinned(addresses),
            use_dns_cache=False,
            force_close=True,
            limit=1,
            ssl=self._ssl,
            socket_factory=_guard(addresses),
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept-Encoding",),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            trust_env=False,
        )
        async with (
            session,
            session.post(URL(target.url, encoded=True), data=body, headers=headers, allow_redirects=False) as response,
        ):
            into.append(_outcome(response.status, response.headers.get("Retry-After")))
            await _drain(response.content)


class _Pinned(AbstractResolver):
    """Knows one answer: what was judged."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=judged_port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address, judged_port in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _guard(addresses: Sequence[Address]) -> aiohttp.SocketFactoryType:
    """Makes sockets for judged addresses alone: the client asks no resolver for a host that is an address."""
    allowed = frozenset(addresses)

    def make(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if (address[0], address[1]) not in allowed:
            raise OSError("an address that was not judged")
        return socket.socket(family, kind, protocol)

    return make


async def _drain(content: aiohttp.StreamReader) -> None:
    """Read a little of the answer, so that a polite server can finish saying it."""
    left = _MOST_READ_BYTES
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while left > 0 and (piece := await content.read(left)):
                left -= len(piece)


def _outcome(status: int, retry_after: str | None) -> Outcome:
    if 200 <= status < 300:
        return Outcome(status)
    hint = "; redirects are not followed" if 300 <= status < 400 else ""
    return Outcome(status, f"answered {status}{hint}", retry_after)


def _failure(reason: str) -> Outcome:
    return Outcome(error=reason if len(reason) <= _LONGEST_ERROR else reason[:_LONGEST_ERROR] + "…")
