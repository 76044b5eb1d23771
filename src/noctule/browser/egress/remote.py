"""The remote side of a browser's connection: an origin, or the upstream proxy in front of it.

A ``Remote`` first keeps what arrives (a handshake with an upstream reads it from there), then hands every
piece to the browser's connection, which is told to stop when the other side cannot take more. All bytes of
both directions are counted here and nowhere else.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from noctule.browser.egress.traffic import Traffic

CONNECT_TIMEOUT_SECONDS = 10.0
_NEXT_ADDRESS_AFTER_SECONDS = 0.25
_HIGH_WATER_BYTES = 128 * 1024
_MAX_KEPT_BYTES = 64 * 1024
_LINGER_SECONDS = 30.0

# A peer that is gone without a word is noticed within two minutes.
_KEEPALIVE = (("SO_KEEPALIVE", 1), ("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


class Sink(Protocol):
    """The browser's connection, as the remote side sees it."""

    def from_remote(self, data: bytes) -> None: ...
    def remote_ended(self) -> bool:
        """The remote side sends no more; ``True`` keeps the connection for the other direction."""
        ...

    def remote_lost(self, error: Exception | None) -> None: ...
    def hold(self) -> None:
        """The remote side takes no more for now."""
        ...

    def release(self) -> None: ...


class Remote(asyncio.Protocol):
    """One connection to the remote side. ``pooled`` says that the operator's pool carries it."""

    def __init__(self, traffic: Traffic, *, pooled: bool = False) -> None:
        self.pooled = pooled
        self.answered = False
        self.is_open = False
        self._traffic = traffic
        self._transport: asyncio.Transport | None = None
        self._sink: Sink | None = None
        self._kept = bytearray()
        self._ended = False
        self._held = False
        self._news: asyncio.Future[None] | None = None

    # -- what the browser's connection asks for ---------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send and count."""
        if not self.is_open:
            return
        assert self._transport is not None
        traffic = self._traffic
        traffic.sent += len(data)
        if self.pooled:
            traffic.proxied += len(data)
        self._transport.write(data)

    def attach(self, sink: Sink) -> None:
        """From now on everything goes to the browser, first what was kept."""
        self._sink = sink
        if self._kept:
            sink.from_remote(bytes(self._kept))
            self._kept.clear()
        if self._held:
            sink.hold()
        if self.is_open:
            self.resume_reading()
        else:
            sink.remote_lost(None)

    def pause_reading(self) -> None:
        if self.is_open and self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self.is_open and not self._ended and self._transport is not None and not self._transport.is_reading():
            self._transport.resume_reading()

    def write_eof(self) -> None:
        """Send no more, but go on receiving."""
        if self.is_open and self._transport is not None and self._transport.can_write_eof():
            with contextlib.suppress(OSError, RuntimeError):
                self._transport.write_eof()

    def close(self) -> None:
        """Send what waits, for a bounded time, and close; the browser hears no more of this connection."""
        self._sink = None
        if not self.is_open or self._transport is None:
            return
        transport = self._transport
        if transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(_LINGER_SECONDS, self.abort)
        transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._sink = None
        if self.is_open and self._transport is not None:
            self._traffic.forget_unsent(self)
            self.is_open = False
            self._transport.abort()

    def unsent(self) -> int:
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    # -- what a handshake reads -------------------------------------------------------------------------

    async def read_exactly(self, count: int) -> bytes:
        """The next ``count`` bytes, fewer at the end. The caller bounds the time."""
        while len(self._kept) < count and await self._more():
            pass
        return self._take(count)

    async def read_head(self) -> bytes:
        """Up to and with the next empty line, or what there is at the end or at the limit."""
        while (end := self._kept.find(b"\r\n\r\n")) < 0:
            if len(self._kept) >= _MAX_KEPT_BYTES or not await self._more():
                return self._take(len(self._kept))
        return self._take(end + 4)

    async def _more(self) -> bool:
        if self._ended or not self.is_open:
            return False
        self.resume_reading()
        self._news = asyncio.get_running_loop().create_future()
        try:
            await self._news
        finally:
            self._news = None
        return True

    def _take(self, count: int) -> bytes:
        taken = bytes(self._kept[:count])
        del self._kept[:count]
        return taken

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    # -- asyncio ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        self.is_open = True
        self._traffic.live.add(self)
        keep_alive(transport)

    def data_received(self, data: bytes) -> None:
        traffic = self._traffic
        traffic.received += len(data)
        if self.pooled:
            traffic.proxied += len(data)
        self.answered = True
        if self._sink is not None:
            self._sink.from_remote(data)
            return
        self._kept += data
        if len(self._kept) >= _MAX_KEPT_BYTES:
            self.pause_reading()
        self._tell()

    def eof_received(self) -> bool:
        self._ended = True
        self._tell()
        return self._sink.remote_ended() if self._sink is not None else False

    def pause_writing(self) -> None:
        self._held = True
        if self._sink is not None:
            self._sink.hold()

    def resume_writing(self) -> None:
        self._held = False
        if self._sink is not None:
            self._sink.release()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        self._traffic.live.discard(self)
        self._tell()
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.remote_lost(error)


def keep_alive(transport: asyncio.BaseTransport) -> None:
    """Let the kernel notice a peer that vanished."""
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is None:
        return
    for name, value in _KEEPALIVE:
        option = getattr(socket, name, None)
        if option is not None:
            level = socket.SOL_SOCKET if name == "SO_KEEPALIVE" else socket.IPPROTO_TCP
            with contextlib.suppress(OSError):
                sock.setsockopt(level, option, value)


async def dial(addresses: Sequence[tuple[str, int]], make: Callable[[], Remote]) -> Remote:
    """A connection to the first of these addresses that answers; each later one starts a quarter of a second
    after the one before it, or when that failed. Both families take turns.

    Raises ``OSError`` (the first failure) when none answers, ``TimeoutError`` after ten seconds.
    """
    async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
        if len(addresses) == 1:
            return await _connect(addresses[0], make)
        return await _race(_taking_turns(addresses), make)


async def _connect(address: tuple[str, int], make: Callable[[], Remote]) -> Remote:
    _, remote = await asyncio.get_running_loop().create_connection(make, *address)
    return remote


async def _race(addresses: Sequence[tuple[str, int]], make: Callable[[], Remote]) -> Remote:
    waiting = list(addresses)
    running: set[asyncio.Task[Remote]] = set()
    winner: Remote | None = None
    failure: OSError | None = None
    try:
        while winner is None and (waiting or running):
            if waiting:
                running.add(asyncio.create_task(_connect(waiting.pop(0), make)))
            done, running = await asyncio.wait(
                running,
                timeout=_NEXT_ADDRESS_AFTER_SECONDS if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                try:
                    remote = task.result()
                except OSError as error:
                    failure = failure or error
                    continue
                if winner is None:
                    winner = remote
                else:
                    remote.abort()
    finally:
        for task in running:
            task.add_done_callback(_drop)
            task.cancel()
    if winner is None:
        raise failure or OSError("no address")
    return winner


def _drop(task: asyncio.Task[Remote]) -> None:
    """End a connection that came second."""
    if not task.cancelled() and task.exception() is None:
        task.result().abort()


def _taking_turns(addresses: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    families: dict[bool, list[tuple[str, int]]] = {}
    for address in addresses:
        families.setdefault(":" in address[0], []).append(address)
    longest = max(len(family) for family in families.values())
    return [family[turn] for turn in range(longest) for family in families.values() if turn < len(family)]
