"""The browser's side, spoken to by hand: requests, bodies, tunnels, back-pressure."""

import asyncio
import os
import time

import pytest

from noctule.browser.egress import EgressPolicy
from tests.support.origin import Origin
from tests.unit.browser.egress.wire import Client, Names, Run, allowing, running, until


def test_requests_of_one_connection_go_over_one_connection(run: Run) -> None:
    async def scenario(origin: Origin) -> None:
        async with running(allowing(origin)) as proxy:
            client = await Client.connect(proxy.port)
            for number in range(3):
                answer = await client.get(f"{origin.url}echo?{number}", "Proxy-Connection: keep-alive")
                assert answer.status == 200
            client.close()
        assert [seen.target for seen in origin.requests] == ["/echo?0", "/echo?1", "/echo?2"]
        assert {seen.connection for seen in origin.requests} == {1}
        assert origin.requests[0].headers == (("Host", f"127.0.0.1:{origin.port}"), ("Connection", "keep-alive"))

    with Origin() as origin:
        run(scenario(origin))


def test_another_destination_on_the_same_connection_is_judged_and_connected_anew(run: Run) -> None:
    async def scenario(first: Origin, second: Origin) -> None:
        policy = EgressPolicy([f"127.0.0.1:{first.port}", f"127.0.0.1:{second.port}"])
        async with running(policy) as proxy:
            client = await Client.connect(proxy.port)
            assert (await client.get(first.url)).status == 200
            assert (await client.get(second.url)).status == 200
            assert (await client.get(first.url)).status == 200
            assert (await client.get("http://127.0.0.1:1/")).status == 403
        assert (first.connections, second.connections) == (2, 1)

    with Origin() as first, Origin() as second:
        run(scenario(first, second))


def test_a_name_that_changes_its_answer_gains_nothing(run: Run) -> None:
    async def scenario(origin: Origin) -> None:
        names = Names(rebind_example=["127.0.0.1"])
        async with running(EgressPolicy([f"rebind.example:{origin.port}"], resolver=names)) as proxy:
            client = await Client.connect(proxy.port)
            await client.get(f"http://rebind.example:{origin.port}/")
            names.names["rebind.example"] = ["10.0.0.1"]
            assert (await client.get(f"http://rebind.example:{origin.port}/again")).status == 200
        assert names.asked == ["rebind.example"]

    with Origin() as origin:
        run(scenario(origin))


@pytest.mark.parametrize("framing", ["Content-Length: 300000", "Transfer-Encoding: chunked"])
def test_bodies_pass_with_either_framing(run: Run, framing: str) -> None:
    body = os.urandom(300_000)

    async def scenario(origin: Origin) -> None:
        async with running(allowing(origin)) as proxy:
            client = await Client.connect(proxy.port)
            for _ in range(2):
                client.send(f"POST {origin.url}echo HTTP/1.1\r\n{framing}\r\n\r\n")
                if "chunked" in framing:
                    for at in range(0, len(body), 70_000):
                        piece = body[at : at + 70_000]
                        client.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                    client.send(b"0\r\n\r\n")
                else:
                    client.send(body)
                assert (await client.answer()).status == 200
            assert (proxy.request_bytes, proxy.response_bytes) == (origin.received_bytes, origin.sent_bytes)
        assert [seen.body == body for seen in origin.requests] == [True, True]

    with Origin() as origin:
        run(scenario(origin))


def test_a_tunnel_carries_bytes_both_ways_and_counts_them_exactly(run: Run) -> None:
    async def scenario(origin: Origin) -> None:
        async with running(allowing(origin)) as proxy:
            client = await Client.connect(proxy.port)
            assert (await client.tunnel(f"127.0.0.1:{origin.port}")).status == 200
            client.send("GET /bytes/5000000 HTTP/1.1\r\nHost: a\r\n\r\n")
            assert len((await client.answer()).body) == 5_000_000
            assert proxy.request_bytes == origin.received_bytes
            assert proxy.response_bytes == origin.sent_bytes
            assert proxy.proxied_bytes == 0
            proxy.reset_counters()
            assert (proxy.request_bytes, proxy.response_bytes) == (0, 0)

    with Origin() as origin:
        run(scenario(origin))


def test_bytes_behind_a_connect_are_not_lost(run: Run) -> None:
    async def scenario(origin: Origin) -> None:
        async with running(allowing(origin)) as proxy:
            client = await Client.connect(proxy.port)
            client.send(f"CONNECT 127.0.0.1:{origin.port} HTTP/1.1\r\n\r\nGET /echo HTTP/1.1\r\n")
            client.send("Host: a\r\n\r\n")
            assert (await client.answer()).status == 200
            assert b'"GET"' in (await client.answer()).body

    with Origin() as origin:
        run(scenario(origin))


def test_one_side_of_a_tunnel_may_end_before_the_other(run: Run) -> None:
    async def shout_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_server(shout_back, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with running(EgressPolicy([f"127.0.0.1:{port}"])) as proxy:
            client = await Client.connect(proxy.port)
            await client.tunnel(f"127.0.0.1:{port}")
            client.send("quiet")
            client.writer.write_eof()
            assert await client.reader.read() == b"QUIET"
        server.close()

    run(scenario())


def test_a_refused_upload_still_reads_its_answer(run: Run) -> None:
    async def scenario() -> None:
        async with running(EgressPolicy([])) as proxy:
            client = await Client.connect(proxy.port)
            client.send("POST http://10.0.0.1/ HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n")
            client.send(bytes(5_000_000))
            await client.writer.drain()
            assert (await client.answer()).status == 403

    run(scenario())


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02", b"GET / HTTP/1.1\r\n\r\n", b"GET http://a b/ HTTP/1.1\r\n\r\n"]
)
def test_a_malformed_request_gets_a_400_and_reaches_nobody(run: Run, garbage: bytes) -> None:
    async def scenario() -> None:
        async with running(EgressPolicy([])) as proxy:
            client = await Client.connect(proxy.port)
            client.send(garbage)
            assert (await client.answer()).status == 400
            assert await client.reader.read() == b""

    run(scenario())


def test_an_answer_without_a_length_ends_with_its_connection(run: Run) -> None:
    async def scenario(origin: Origin) -> None:
        async with running(allowing(origin)) as proxy:
            client = await Client.connect(proxy.port)
            assert len((await client.get(f"{origin.url}until-close/300000")).body) == 300_000

    with Origin() as origin:
        run(scenario(origin))


def test_events_are_passed_on_as_they_come(run: Run) -> None:
    async def scenario(origin: Origin) -> None:
        async with running(allowing(origin)) as proxy:
            client = await Client.connect(proxy.port)
            began = time.monotonic()
            client.send(f"GET {origin.url}sse?count=5&seconds=0.2 HTTP/1.1\r\n\r\n")
            await client.reader.readuntil(b"data: 0")
            assert time.monotonic() - began < 4
            await client.reader.readuntil(b"data: 4")
            assert time.monotonic() - began > 0.7

    with Origin() as origin:
        run(scenario(origin))


def test_a_slow_reader_slows_the_origin_down(run: Run) -> None:
    total = 200_000_000

    async def scenario(origin: Origin) -> None:
        async with running(allowing(origin)) as proxy:
            client = await Client.connect(proxy.port)
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            client.send(f"GET {origin.url}bytes/{total} HTTP/1.1\r\n\r\n")
            await until(lambda: proxy.response_bytes > 0)
            seen = -1
            while seen != proxy.response_bytes:
                seen = proxy.response_bytes
                await asyncio.sleep(0.2)
            assert seen < 20_000_000
            client.writer.transport.resume_reading()  # type: ignore[attr-defined]
            left = total
            await client.reader.readuntil(b"\r\n\r\n")
            while left:
                left -= len(await client.reader.read(1 << 20))

    with Origin() as origin:
        run(scenario(origin))


def test_a_slow_origin_slows_an_upload_down(run: Run) -> None:
    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await gate.wait()
        writer.transport.abort()

    gate = asyncio.Event()

    async def scenario() -> None:
        server = await asyncio.start_server(deaf, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with running(EgressPolicy([f"127.0.0.1:{port}"])) as proxy:
            client = await Client.connect(proxy.port)
            await client.tunnel(f"127.0.0.1:{port}")
            for _ in range(1000):
                client.send(bytes(100_000))
            seen = -1
            while seen != proxy.request_bytes:
                seen = proxy.request_bytes
                await asyncio.sleep(0.2)
            assert seen < 30_000_000
            gate.set()
            client.writer.transport.abort()
            await until(lambda: not proxy._connections)
        server.close()

    run(scenario())


def test_a_head_that_dribbles_in_is_put_together(run: Run) -> None:
    async def scenario(origin: Origin) -> None:
        async with running(allowing(origin)) as proxy:
            client = await Client.connect(proxy.port)
            for letter in f"GET {origin.url}echo HTTP/1.1\r\nX: y\r\n\r\n":
                client.send(letter)
                await client.writer.drain()
                await asyncio.sleep(0.001)
            assert (await client.answer()).status == 200

    with Origin() as origin:
        run(scenario(origin))


@pytest.mark.slow
def test_a_head_that_does_not_arrive_in_time_is_given_up(run: Run) -> None:
    async def scenario() -> None:
        async with running(EgressPolicy([]), limit_seconds=30) as proxy:
            client = await Client.connect(proxy.port)
            client.send("GET http://a.example/ HTTP/1.1\r\nX: ")
            assert (await client.answer()).status == 408

    run(scenario())
