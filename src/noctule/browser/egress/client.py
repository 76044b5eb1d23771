"""The browser's side of a connection: requests in, tunnels and answers out.

Two ways to serve: CONNECT becomes a tunnel of bytes; a request for an http:// address is rewritten for its
origin, and whatever the origin answers goes to the browser untouched. No answer is ever kept back: each
piece is passed on as it comes, and when one side cannot take more the other is not read.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Coroutine
from typing import Any, Protocol, cast

from noctule.browser.egress.head import BadRequest, End, Event, Request, RequestReader
from noctule.browser.egress.remote import Remote

HEAD_TIMEOUT_SECONDS = 15.0
_DRAIN_SECONDS = 5.0
_HIGH_WATER_BYTES = 256 * 1024
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_REASONS = {
    400: "Bad Request",
    403: "Forbidden",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class Unreachable(Exception):
    """A destination that this connection does not get. ``status`` is the HTTP status for the browser."""

    def __init__(self, status: int, rule: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.rule = rule
        self.message = message


class Gate(Protocol):
    """The listener, as its connections see it."""

    def admits(self, connection: "ClientConnection", transport: asyncio.Transport) -> Unreachable | None:
        """Take a new connection in, or say why not."""
        ...

    def forget(self, connection: "ClientConnection") -> None:
        """A connection is over."""
        ...

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that ends with the listener at the latest."""
        ...

    async def open(self, host: str, port: int) -> Remote:
        """A connection to a destination. Raises ``Unreachable``; bounded in time."""
        ...


class ClientConnection(asyncio.Protocol):
    """One connection of the browser. ``quiet_sweeps`` counts the sweeps since a byte passed."""

    def __init__(self, gate: Gate) -> None:
        self.quiet_sweeps = 0
        self.half_open = False
        self._gate = gate
        self._transport: asyncio.Transport
        self._reader = RequestReader()
        self._events: deque[Event] = deque()
        self._early: list[bytes] = []
        self._remote: Remote | None = None
        self._tunnel: Remote | None = None
        self._destination: tuple[str, int] | None = None
        self._chunked = False
        self._opening = False
        self._over = False
        self._full = False
        self._head_timer: asyncio.TimerHandle | None = None

    def abort(self) -> None:
        """Drop both sides at once."""
        self._over = True
        self._let_go(at_once=True)
        self._transport.abort()

    # -- asyncio ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        refused = self._gate.admits(self, self._transport)
        if refused is not None:
            self._answer(refused)

    def data_received(self, data: bytes) -> None:
        self.quiet_sweeps = 0
        if self._tunnel is not None:
            self._tunnel.write(data)
        elif self._opening:
            self._early.append(data)
        elif not self._over:
            self._read(data)

    def eof_received(self) -> bool:
        # Outside a tunnel a browser that ends its side has lost interest in the answer.
        if self._tunnel is None or self.half_open:
            return False
        self.half_open = True
        self._tunnel.write_eof()
        return True

    def pause_writing(self) -> None:
        self._full = True
        if self._remote is not None:
            self._remote.pause_reading()

    def resume_writing(self) -> None:
        self._full = False
        self.quiet_sweeps = 0
        if self._remote is not None:
            self._remote.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._over = True
        self._stop_head_timer()
        self._let_go(at_once=error is not None)
        self._gate.forget(self)

    # -- the remote side --------------------------------------------------------------------------------

    def from_remote(self, data: bytes) -> None:
        self.quiet_sweeps = 0
        self._transport.write(data)

    def remote_ended(self) -> bool:
        if self._tunnel is None or self.half_open or not self._transport.can_write_eof():
            return False
        self.half_open = True
        with contextlib.suppress(OSError, RuntimeError):
            self._transport.write_eof()
        return True

    def remote_lost(self, error: Exception | None) -> None:
        self._remote = None
        if error is not None:
            self._transport.abort()
        else:
            self._close()

    def hold(self) -> None:
        self._pause()

    def release(self) -> None:
        if not self._opening:
            self._resume()

    # -- requests ---------------------------------------------------------------------------------------

    def _read(self, data: bytes) -> None:
        try:
            self._events.extend(self._reader.feed(data))
        except BadRequest as error:
            self._fail(Unreachable(error.status, "malformed-request", error.message))
            return
        self._serve()

    def _serve(self) -> None:
        while self._events and not self._opening and not self._over and self._tunnel is None:
            event = self._events.popleft()
            if isinstance(event, Request):
                self._begin(event)
            elif self._remote is not None:
                self._continue(event, self._remote)
        if self._reader.in_head and not self._over:
            if self._head_timer is None:
                loop = asyncio.get_running_loop()
                self._head_timer = loop.call_later(HEAD_TIMEOUT_SECONDS, self._head_timed_out)
        else:
            self._stop_head_timer()

    def _begin(self, request: Request) -> None:
        destination = (request.host, request.port)
        remote = self._remote
        if remote is not None and remote.is_open and destination == self._destination and not request.is_connect:
            self._send(request, remote)
            return
        if remote is not None and not remote.answered:
            self._fail(Unreachable(400, "malformed-request", "A request came before the answer to the one before it."))
            return
        self._let_go()
        self._destination = destination
        self._opening = True
        self._pause()
        self._gate.run(self._open(request))

    def _continue(self, event: bytes | End, remote: Remote) -> None:
        if isinstance(event, bytes):
            remote.write(b"%x\r\n%s\r\n" % (len(event), event) if self._chunked else event)
        elif self._chunked:
            remote.write(b"0\r\n\r\n")
            self._chunked = False

    def _send(self, request: Request, remote: Remote) -> None:
        self._chunked = request.chunked
        remote.answered = False
        remote.write(request.head)

    async def _open(self, request: Request) -> None:
        try:
            remote = await self._gate.open(request.host, request.port)
        except Unreachable as error:
            self._opening = False
            self._answer(error)
            return
        except BaseException:
            self.abort()
            raise
        self._opening = False
        if self._over:
            remote.abort()
            return
        self._remote = remote
        early, self._early = self._early, []
        if request.is_connect:
            self._tunnel = remote
            self._events.clear()
            self._transport.write(_ESTABLISHED)
            for data in (self._reader.leftover, *early):
                remote.write(data)
            self._join(remote)
            return
        self._send(request, remote)
        self._join(remote)
        self._serve()
        for data in early:
            self.data_received(data)

    def _join(self, remote: Remote) -> None:
        self._resume()
        remote.attach(self)
        if self._full:
            remote.pause_reading()

    def _head_timed_out(self) -> None:
        self._head_timer = None
        self._fail(Unreachable(408, "malformed-request", "The request's head did not arrive in time."))

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    # -- ends -------------------------------------------------------------------------------------------

    def _fail(self, error: Unreachable) -> None:
        """Answer, unless an answer of the origin's may be under way: then only closing is unambiguous."""
        if self._remote is not None:
            self.abort()
        else:
            self._answer(error)

    def _answer(self, error: Unreachable) -> None:
        """Say why, then close. What the browser still sends is read and dropped for a while, for a closed
        socket with unread data would take the answer back."""
        if self._over or self._transport.is_closing():
            return
        self._over = True
        self._stop_head_timer()
        self._events.clear()
        body = f"{error.message}\n".encode()
        refused = f"X-Noctule-Egress: refused; rule={error.rule}\r\n"
        self._transport.write(
            f"HTTP/1.1 {error.status} {_REASONS[error.status]}\r\n"
            f"{refused}"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Cache-Control: no-store\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + body
        )
        with contextlib.suppress(OSError, RuntimeError):
            self._transport.write_eof()
        self._resume()
        asyncio.get_running_loop().call_later(_DRAIN_SECONDS, self._transport.abort)

    def _close(self) -> None:
        """Close once the browser has what waits for it."""
        self._over = True
        self._stop_head_timer()
        self._transport.close()

    def _let_go(self, *, at_once: bool = False) -> None:
        remote, self._remote, self._tunnel = self._remote, None, None
        if remote is None:
            return
        if at_once:
            remote.abort()
        else:
            remote.close()

    def _pause(self) -> None:
        if not self._transport.is_closing() and self._transport.is_reading():
            self._transport.pause_reading()

    def _resume(self) -> None:
        if not self._transport.is_closing() and not self._transport.is_reading():
            self._transport.resume_reading()
