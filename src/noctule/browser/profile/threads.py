"""Bytes between blocking code on a thread and coroutines on the loop, a piece at a time."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor, Future

_PIECE_BYTES = 1024 * 1024
_PIECE_SECONDS = 60.0


async def pieces(made: Iterator[bytes], executor: Executor) -> AsyncIterator[bytes]:
    """What a blocking iterator makes, gathered into pieces worth a thread's while."""
    loop = asyncio.get_running_loop()

    def gather() -> bytes:
        gathered = bytearray()
        while len(gathered) < _PIECE_BYTES and (piece := next(made, None)) is not None:
            gathered += piece
        return bytes(gathered)

    while piece := await loop.run_in_executor(executor, gather):
        yield piece


class Incoming(io.RawIOBase):
    """A stream of the loop's as a file that a thread reads. ``stop`` makes the next read fail."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._at = 0
        self._waiting: Future[bytes] | None = None
        self._stopped = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._at == len(self._buffer):
            self._buffer, self._at = self._next(), 0
        taken = self._buffer[self._at : self._at + len(buffer)]
        buffer[: len(taken)] = taken
        self._at += len(taken)
        return len(taken)

    def stop(self) -> None:
        """Nobody waits for it any more."""
        self._stopped = True
        if self._waiting is not None:
            self._waiting.cancel()

    def _next(self) -> bytes:
        if self._stopped:
            raise EOFError
        self._waiting = asyncio.run_coroutine_threadsafe(self._chunk(), self._loop)
        return self._waiting.result(_PIECE_SECONDS)

    async def _chunk(self) -> bytes:
        async for chunk in self._chunks:
            if chunk:
                return chunk
        return b""
