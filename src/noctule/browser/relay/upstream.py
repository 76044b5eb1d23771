"""The relay's connection to a browser's own DevTools endpoint."""

import asyncio
import contextlib
import socket
from typing import Final, Protocol, cast

from noctule.browser.door import Door
from noctule.browser.relay import handshake


class Listener(Protocol):
    """Who hears what the browser's connection does, once it is open."""

    def browser_sent(self, data: bytes) -> None:
        """Bytes of the browser's frames, cut anywhere."""
        ...

    def browser_full(self, full: bool) -> None:
        """The browser does not (or does again) take what is written to it."""
        ...

    def browser_lost(self) -> None:
        """The connection ended."""
        ...


class Upstream(asyncio.Protocol):
    """One open connection. Until ``listen`` is called it reads nothing beyond the handshake."""

    transport: asyncio.Transport

    def __init__(self, opened: asyncio.Future[bytes]) -> None:
        self._opened = opened
        self._head = b""
        self._listener: Listener | None = None
        self._lost = False
        self._leftover = b""

    def listen(self, listener: Listener) -> None:
        """Hand everything from now on to ``listener``."""
        self._listener = listener
        if self._lost:
            listener.browser_lost()
            return
        leftover, self._leftover = self._leftover, b""
        if leftover:
            listener.browser_sent(leftover)
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        no_delay(self.transport)

    def data_received(self, data: bytes) -> None:
        if self._listener is not None:
            self._listener.browser_sent(data)
            return
        self._head += data
        head, blank, self._leftover = self._head.partition(b"\r\n\r\n")
        if self._opened.done():
            return
        if blank:
            self.transport.pause_reading()
            self._opened.set_result(head)
        elif len(head) > handshake.HEAD_LIMIT_BYTES:
            self._opened.set_exception(handshake.BadHandshake("The browser's response has no end."))

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        if not self._opened.done():
            self._opened.set_exception(ConnectionError("The browser hung up."))
        if self._listener is not None:
            self._listener.browser_lost()

    def pause_writing(self) -> None:
        if self._listener is not None:
            self._listener.browser_full(True)

    def resume_writing(self) -> None:
        if self._listener is not None:
            self._listener.browser_full(False)


CONNECT_TIMEOUT_SECONDS: Final = 10.0


async def connect(door: Door) -> Upstream:
    """An open WebSocket to the browser behind the door.

    Raises ``OSError`` (``TimeoutError`` and ``ConnectionError`` are such) or ``BadHandshake``.
    """
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[bytes] = loop.create_future()
    # A failure that nobody awaits any more, after a timeout say, is no news.
    opened.add_done_callback(lambda future: future.cancelled() or future.exception())
    async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
        transport, upstream = await loop.create_connection(lambda: Upstream(opened), door.host, door.port)
        try:
            key = handshake.new_key()
            transport.write(handshake.request(door.host, door.port, door.path, key))
            handshake.check_response(handshake.parse_head(await opened), key)
        except BaseException:
            transport.abort()
            raise
    return upstream


def no_delay(transport: asyncio.BaseTransport) -> None:
    """Send small writes at once."""
    if (connection := transport.get_extra_info("socket")) is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
