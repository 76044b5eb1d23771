"""Connects to somebody else's browser by the address that a session gave (``cdp_url``).

The address is a user's, so it passes the egress policy like any that a page asks for, and the connection goes to
the very address that was checked. It may be the WebSocket itself or the HTTP root that tells it.
"""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlsplit

import httptools
import msgspec

from noctule.browser.cdp import CdpConnection, CdpError
from noctule.browser.commands import CommandFailed
from noctule.browser.driver import Driver

_TIMEOUT_SECONDS = 10.0
_MAX_ANSWER_BYTES = 256 * 1024
_DEFAULT_PORTS = {"ws": 80, "http": 80, "wss": 443, "https": 443}


class Resolver(Protocol):
    """The part of the egress policy that this needs."""

    async def resolve(self, host: str, port: int) -> Sequence[tuple[str, int]]:
        """Addresses that may be connected to. Raises an exception whose text names the rule."""
        ...


class Place:
    """A parsed address. Its text is never shown whole: the path and query may hold a token."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("cdp_url must start with ws://, wss://, http:// or https:// and name a host")
        self.scheme = parts.scheme
        self.host = parts.hostname
        self.port = parts.port or _DEFAULT_PORTS[parts.scheme]
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.tls = parts.scheme in ("wss", "https")
        if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in self.path):
            raise ValueError("cdp_url holds a blank or a control character")


async def connect(cdp_url: str, resolver: Resolver) -> Driver:
    """A driver of that browser. Raises ``CommandFailed`` saying, without the address' secrets, why not."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            place = Place(cdp_url)
            if place.scheme in ("http", "https"):
                place = Place(await _discover(place, resolver))
            address, port = await _resolve(place, resolver)
            connection = await CdpConnection.connect(
                address, port, place.path, tls=_tls(place), server_name=place.host, timeout_seconds=_TIMEOUT_SECONDS
            )
            driver = Driver(connection, None)
            try:
                await driver.attach()
            except BaseException:
                driver.close()
                raise
            return driver
    except TimeoutError:
        raise CommandFailed(
            "PageLoadingError", f"The browser at cdp_url did not answer within {_TIMEOUT_SECONDS:g} s"
        ) from None
    except (OSError, ValueError, KeyError, CdpError) as error:
        raise CommandFailed("PageLoadingError", f"The browser at cdp_url cannot be used: {error}") from None


async def _resolve(place: Place, resolver: Resolver) -> tuple[str, int]:
    try:
        addresses = await resolver.resolve(place.host, place.port)
    except asyncio.CancelledError:
        raise
    except Exception as error:
        raise CommandFailed("PageLoadingError", f"The browser at cdp_url may not be reached: {error}") from None
    return addresses[0]


async def _discover(place: Place, resolver: Resolver) -> str:
    """Ask ``/json/version`` for the WebSocket."""
    address, port = await _resolve(place, resolver)
    tls = _tls(place)
    reader, writer = await asyncio.open_connection(
        address, port, ssl=tls, server_hostname=place.host if tls else None, limit=_MAX_ANSWER_BYTES
    )
    try:
        host = f"[{place.host}]" if ":" in place.host else place.host
        base, _, query = place.path.partition("?")
        path = base.rstrip("/") + "/json/version" + (f"?{query}" if query else "")
        request = f"GET {path} HTTP/1.1\r\nHost: {host}:{place.port}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode("latin-1", "replace"))
        answer = await _read_answer(reader)
    finally:
        writer.close()
    found = msgspec.json.decode(answer).get("webSocketDebuggerUrl")
    if not isinstance(found, str):
        raise ValueError("its /json/version names no webSocketDebuggerUrl")
    return found


async def _read_answer(reader: asyncio.StreamReader) -> bytes:
    """The body of a 200 answer, at most ``_MAX_ANSWER_BYTES`` of it."""
    answer = _Answer()
    parser = httptools.HttpResponseParser(answer)
    received = 0
    try:
        while not answer.complete and (data := await reader.read(65536)):
            received += len(data)
            if received > _MAX_ANSWER_BYTES:
                raise ValueError("its /json/version is too long")
            parser.feed_data(data)
        status = parser.get_status_code()
    except httptools.HttpParserError as error:
        raise ValueError(f"it does not speak HTTP: {error}") from None
    if status != 200:
        raise ValueError(f"its /json/version answered {status}")
    return bytes(answer.body)


class _Answer:
    """What httptools has parsed so far."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.complete = False

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True


def _tls(place: Place) -> ssl.SSLContext | None:
    return ssl.create_default_context() if place.tls else None
