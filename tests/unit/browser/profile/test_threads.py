"""Bytes between threads and the loop."""

import asyncio
import io
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from noctule.browser.profile.threads import Incoming, pieces


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk


def test_small_pieces_are_gathered_into_large_ones() -> None:
    async def main() -> None:
        with ThreadPoolExecutor(1) as executor:
            made = [piece async for piece in pieces((b"x" * 1000 for _ in range(5000)), executor)]
        assert b"".join(made) == b"x" * 5_000_000
        assert len(made) < 10

    asyncio.run(main())


def test_a_thread_reads_what_the_loop_gets() -> None:
    async def main() -> None:
        incoming = Incoming(_chunks(b"ab", b"", b"cde", b"f" * 100_000))
        read = await asyncio.to_thread(io.BufferedReader(incoming).read)
        assert read == b"abcde" + b"f" * 100_000

    asyncio.run(main())


def test_what_the_source_raises_comes_out_of_the_read() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise RuntimeError("gone")

    async def main() -> None:
        with pytest.raises(RuntimeError, match="gone"):
            await asyncio.to_thread(io.BufferedReader(Incoming(broken())).read)

    asyncio.run(main())


def test_a_thread_does_not_wait_for_a_source_that_nobody_wants_any_more() -> None:
    async def endless() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async def main() -> None:
        incoming = Incoming(endless())
        reading = asyncio.create_task(asyncio.to_thread(io.BufferedReader(incoming).read))
        await asyncio.sleep(0.05)
        incoming.stop()
        with pytest.raises((EOFError, asyncio.CancelledError, Exception)):
            await asyncio.wait_for(reading, 5)

    asyncio.run(main())
