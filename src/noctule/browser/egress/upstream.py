"""A session's upstream proxy: its address, its handshake, and what goes around it.

The handshakes are python-socks' (its sans-I/O connectors over a stream of ours, so that every byte is
counted and nothing that follows an answer is lost). An upstream is always asked for an address that the
policy has judged, never for a name; only the check at start asks for a well-known name, since it must work
before anything is known about this machine's DNS.
"""

import asyncio
import errno
import ipaddress
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from python_socks import ProxyType
from python_socks._abc import AsyncResolver, AsyncSocketStream
from python_socks._connectors.factory_async import create_connector
from python_socks._errors import IncompleteReadError
from python_socks._protocols.errors import ReplyError

from noctule.browser.commands import Upstream, UpstreamRefused
from noctule.browser.egress.addresses import Network, parse_host
from noctule.browser.egress.policy import EgressPolicy, EgressRefused
from noctule.browser.egress.remote import Remote, dial
from noctule.browser.egress.resolver import ResolveFailed
from noctule.browser.egress.traffic import Traffic

CHECK_TIMEOUT_SECONDS = 10.0
HANDSHAKE_TIMEOUT_SECONDS = 10.0
_CHECK_TARGET = ("example.com", 443)
_MAX_TRIES = 3
_SCHEMES = {
    "http": (ProxyType.HTTP, 80),
    "socks5": (ProxyType.SOCKS5, 1080),
    "socks5h": (ProxyType.SOCKS5, 1080),
    "socks4": (ProxyType.SOCKS4, 1080),
}
# What an HTTP proxy answers when it will not serve this customer, whatever the target.
_TURNED_AWAY = {
    401: "refused the credentials",
    402: "asks for payment",
    407: "refused the credentials",
}


class UpstreamFailed(Exception):
    """The upstream did not connect us. ``status`` is its HTTP status or SOCKS reply code, if it gave one."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def validate(upstream: Upstream) -> None:
    """Raise ``UpstreamRefused`` for an address or credentials that no upstream could have."""
    kind, _, _, username, password = _parse_server(upstream.server)
    _check_credentials(kind, upstream.username or username, upstream.password or password)


class UpstreamRoute:
    """The way through one upstream.

    Raises ``UpstreamRefused`` for an address or credentials that cannot be used.
    """

    def __init__(self, upstream: Upstream, policy: EgressPolicy, traffic: Traffic) -> None:
        self._policy = policy
        self._traffic = traffic
        self._pooled = upstream.from_pool
        self._type, self._host, self._port, username, password = _parse_server(upstream.server)
        self._username = upstream.username or username
        self._password = upstream.password or password
        self._bypass = tuple(_Bypass(entry) for entry in upstream.bypass)
        self._name = f"The upstream proxy {self._host}:{self._port}"
        _check_credentials(self._type, self._username, self._password)

    def bypasses(self, host: str, address: str) -> bool:
        """Whether a destination is reached without the upstream."""
        name = host.lower().strip("[]").removesuffix(".")
        return any(entry.fits(name, address) for entry in self._bypass)

    async def check(self) -> None:
        """Connect and shake hands once, inside ten seconds.

        Any answer that proves the upstream alive and willing will do: it may well not reach the target that
        it is asked for. Raises ``UpstreamRefused`` with a sentence without credentials.
        """
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                remote = await self._open_one(*_CHECK_TARGET)
        except TimeoutError:
            raise UpstreamRefused(f"{self._name} did not answer in time.") from None
        except UpstreamFailed as error:
            if error.status is None or (self._type == ProxyType.HTTP and error.status in _TURNED_AWAY):
                raise UpstreamRefused(error.message) from None
            return
        remote.abort()

    async def open(self, addresses: Sequence[tuple[str, int]]) -> Remote:
        """A connection through the upstream to the first of these judged addresses that it reaches, IPv4
        first since many upstreams have nothing else. Raises ``UpstreamFailed``; bounded in time."""
        failure: UpstreamFailed | None = None
        for host, port in sorted(addresses, key=lambda address: ":" in address[0])[:_MAX_TRIES]:
            try:
                async with asyncio.timeout(HANDSHAKE_TIMEOUT_SECONDS):
                    return await self._open_one(host, port)
            except TimeoutError:
                raise UpstreamFailed(f"{self._name} did not answer in time.") from None
            except UpstreamFailed as error:
                failure = error
                if error.status is None or error.status in _TURNED_AWAY:
                    break
        assert failure is not None
        raise failure

    async def _open_one(self, host: str, port: int) -> Remote:
        remote = await self._dial()
        try:
            await self._shake_hands(remote, host, port)
        except BaseException:
            remote.abort()
            raise
        return remote

    async def _dial(self) -> Remote:
        resolve = self._policy.resolve_trusted if self._pooled else self._policy.resolve
        try:
            addresses = await resolve(self._host, self._port)
            return await dial(addresses, lambda: Remote(self._traffic, pooled=self._pooled))
        except EgressRefused as error:
            raise UpstreamFailed(f"The upstream proxy may not be used: {error.message}") from None
        except ResolveFailed as error:
            raise UpstreamFailed(f"{self._name} was not found: {error.message}.") from None
        except TimeoutError:
            raise UpstreamFailed(f"{self._name} did not answer in time.") from None
        except OSError as error:
            what = "refused the connection" if error.errno == errno.ECONNREFUSED else "could not be reached"
            raise UpstreamFailed(f"{self._name} {what}.") from None

    async def _shake_hands(self, remote: Remote, host: str, port: int) -> None:
        connector = create_connector(self._type, self._username, self._password, True, AsyncResolver())
        try:
            await connector.connect(_HandshakeStream(remote), host, port)
        except ReplyError as error:
            raise UpstreamFailed(self._why(error), error.error_code) from None
        except IncompleteReadError:
            raise UpstreamFailed(f"{self._name} closed the connection during the handshake.") from None

    def _why(self, error: ReplyError) -> str:
        if error.error_code is None:
            # Nothing that the upstream said is repeated, for it could say anything.
            if self._type == ProxyType.SOCKS5 and "authentication" in str(error):
                return f"{self._name} refused the credentials."
            return f"{self._name} does not speak {self._type.name}."
        if self._type == ProxyType.HTTP:
            words = _TURNED_AWAY.get(error.error_code, "did not reach the destination")
            return f"{self._name} {words} (HTTP {error.error_code})."
        return f"{self._name} did not reach the destination (reply code {error.error_code})."


class _HandshakeStream(AsyncSocketStream):
    """What python-socks reads and writes: one answer a read, and never more than that."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def write(self, data: bytes) -> None:
        self._remote.write(data)

    async def read(self, max_bytes: int = 0) -> bytes:
        return await self._remote.read_head()

    async def read_exactly(self, n: int) -> bytes:
        data = await self._remote.read_exactly(n)
        if len(data) < n:
            raise IncompleteReadError("closed")
        return data

    async def close(self) -> None:
        self._remote.abort()


class _Bypass:
    """One entry of a bypass list: ``*``, a CIDR or an address, ``*.x`` or ``.x`` for what is below x, or ``x``
    for x and what is below it."""

    def __init__(self, entry: str) -> None:
        text = entry.strip().lower().removesuffix(".")
        self._network = _network(text)
        self._everything = text == "*"
        self._exact = text if not text.startswith(("*.", ".")) else None
        self._suffix = "." + text.removeprefix("*").removeprefix(".")

    def fits(self, name: str, address: str) -> bool:
        if self._network is not None:
            return ipaddress.ip_address(address) in self._network
        return self._everything or name == self._exact or name.endswith(self._suffix)


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None


def _parse_server(server: str) -> tuple[ProxyType, str, int, str | None, str | None]:
    """Protocol, host, port and the credentials that stand in the address. The text itself is never shown,
    for it may hold a password."""
    shape = UpstreamRefused("The address of the upstream proxy must be http://host:port or socks5://host:port.")
    try:
        parts = urlsplit(server if "://" in server else f"http://{server}")
        host, port = parts.hostname, parts.port
        if parts.scheme not in _SCHEMES or not host or parts.path not in ("", "/"):
            raise shape
        parse_host(host)
    except ValueError:
        raise shape from None
    kind, default_port = _SCHEMES[parts.scheme]
    username = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    return kind, host, port or default_port, username, password


def _check_credentials(kind: ProxyType, username: str | None, password: str | None) -> None:
    """Refuse now what the handshake could not carry."""
    for text in (username or "", password or ""):
        if kind == ProxyType.HTTP:
            fits = all(ord(letter) < 256 for letter in text)
        else:
            fits = text.isascii() and len(text) <= 255 and "\0" not in text
        if not fits:
            raise UpstreamRefused(f"The upstream proxy's credentials cannot be sent over {kind.name}.")
    if kind == ProxyType.HTTP and ":" in (username or ""):
        raise UpstreamRefused("The user name of an HTTP upstream proxy may hold no colon.")
