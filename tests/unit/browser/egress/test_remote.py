"""Dialling: the first address that answers, and nothing left of the others."""

import asyncio
import socket
import time

import pytest

from noctule.browser.egress.remote import Remote, dial
from noctule.browser.egress.traffic import Traffic
from tests.support.origin import Origin


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_dead_address_is_passed_over_at_once() -> None:
    async def dialled(origin: Origin) -> None:
        traffic = Traffic()
        began = time.monotonic()
        remote = await dial([("127.0.0.1", free_port()), ("127.0.0.1", origin.port)], lambda: Remote(traffic))
        assert time.monotonic() - began < 4
        remote.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await remote.read_head()).startswith(b"HTTP/1.1 200")
        remote.abort()
        assert not traffic.live

    with Origin() as origin:
        asyncio.run(dialled(origin))


def test_no_address_that_answers_is_an_error() -> None:
    async def dialled() -> None:
        with pytest.raises(ConnectionRefusedError):
            await dial([("127.0.0.1", free_port()), ("::1", free_port())], lambda: Remote(Traffic()))

    asyncio.run(dialled())


def test_a_silent_address_does_not_hold_up_the_next_one() -> None:
    async def dialled(origin: Origin) -> None:
        # A full backlog: the kernel drops further connection attempts without a word.
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            fillers = [socket.socket() for _ in range(4)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(deaf.getsockname())
            traffic = Traffic()
            began = time.monotonic()
            remote = await dial([deaf.getsockname(), ("127.0.0.1", origin.port)], lambda: Remote(traffic))
            assert 0.2 < time.monotonic() - began < 10
            assert len(traffic.live) == 1
            remote.abort()
            for filler in fillers:
                filler.close()

    with Origin() as origin:
        asyncio.run(dialled(origin))


def test_a_head_that_never_ends_is_read_to_the_limit() -> None:
    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        except ConnectionError:
            writer.close()

    async def dialled() -> None:
        server = await asyncio.start_server(flood, "127.0.0.1", 0)
        remote = await dial([server.sockets[0].getsockname()], lambda: Remote(Traffic()))
        async with asyncio.timeout(5):
            assert 64 * 1024 <= len(await remote.read_head()) < 1024 * 1024
        remote.abort()
        server.close()

    asyncio.run(dialled())
