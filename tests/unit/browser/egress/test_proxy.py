"""The listener as a whole: what it answers, its bounds, and its end."""

import asyncio
import os
import time

import pytest

from noctule.browser.egress import EgressPolicy, EgressProxy, peer
from noctule.browser.egress.proxy import MAX_CONNECTIONS
from tests.support.origin import Origin
from tests.unit.browser.egress.wire import Client, Names, Run, allowing, running, until


def test_a_refusal_says_so_by_status_header_and_text(run: Run) -> None:
    async def scenario() -> None:
        async with running(EgressPolicy([])) as proxy:
            mark = proxy.mark()
            for ask in ("GET http://127.1:81/ HTTP/1.1", "CONNECT 127.1:81 HTTP/1.1"):
                client = await Client.connect(proxy.port)
                client.send(f"{ask}\r\n\r\n")
                answer = await client.answer()
                assert answer.status == 403
                assert answer.headers["x-noctule-egress"] == "refused; rule=loopback-address"
                assert b"'loopback-address'" in answer.body
                assert b"NOCTULE_EGRESS_ALLOW" in answer.body
                assert await client.reader.read() == b""
            refusals = proxy.refusals_since(mark)
            assert [(one.host, one.port, one.rule) for one in refusals] == [("127.1", 81, "loopback-address")] * 2
            assert (proxy.request_bytes, proxy.response_bytes) == (0, 0)

    run(scenario())


def test_what_cannot_be_reached_is_told_apart_from_what_is_refused(run: Run) -> None:
    async def scenario() -> None:
        names = Names()
        async with running(EgressPolicy(["127.0.0.1"], resolver=names)) as proxy:
            client = await Client.connect(proxy.port)
            answer = await client.get("http://nowhere.example/")
            assert (answer.status, answer.body) == (502, b"nowhere.example could not be resolved.\n")
            client = await Client.connect(proxy.port)
            answer = await client.get("http://127.0.0.1:1/")
            assert (answer.status, answer.body) == (502, b"127.0.0.1:1 refused the connection.\n")
            assert [one.rule for one in proxy.refusals_since(0)] == ["name-not-resolved", "connect-failed"]

    run(scenario())


def test_closing_ends_every_tunnel_at_once(run: Run) -> None:
    async def scenario(origin: Origin) -> None:
        policy = allowing(origin)
        async with running(policy) as proxy:
            clients = [await Client.connect(proxy.port) for _ in range(20)]
            for client in clients:
                assert (await client.tunnel(f"127.0.0.1:{origin.port}")).status == 200
            assert proxy.port in policy.own_ports
            began = time.monotonic()
            await proxy.close()
            assert time.monotonic() - began < 4
            for client in clients:
                assert await client.is_cut_off()
            with pytest.raises(OSError):
                await Client.connect(proxy.port)
            assert proxy.port not in policy.own_ports

    with Origin() as origin:
        run(scenario(origin))


def test_closing_does_not_wait_for_what_is_being_connected(run: Run) -> None:
    class Hanging:
        async def resolve(self, host: str) -> list[str]:
            await asyncio.sleep(60)
            return []

    async def scenario() -> None:
        async with running(EgressPolicy([], resolver=Hanging())) as proxy:
            client = await Client.connect(proxy.port)
            client.send("CONNECT a.example:443 HTTP/1.1\r\n\r\n")
            await until(lambda: bool(proxy._work))
            began = time.monotonic()
            await proxy.close()
            assert time.monotonic() - began < 4

    run(scenario())


def test_there_is_a_limit_of_connections(run: Run) -> None:
    async def scenario() -> None:
        async with running(EgressPolicy([])) as proxy:
            clients = [await Client.connect(proxy.port) for _ in range(MAX_CONNECTIONS)]
            await until(lambda: len(proxy._connections) == MAX_CONNECTIONS)
            one_more = await Client.connect(proxy.port)
            assert (await one_more.answer()).status == 503
            for client in clients:
                client.close()
            await until(lambda: len(proxy._connections) < MAX_CONNECTIONS)
            again = await Client.connect(proxy.port)
            assert (await again.get("http://10.0.0.1/")).status == 403

    run(scenario())


@pytest.mark.skipif(not peer.available(), reason="this machine has no socket diagnostics")
def test_another_users_process_is_not_served(run: Run) -> None:
    async def scenario() -> None:
        async with running(EgressPolicy([])) as proxy:
            assert proxy.serve_only(os.geteuid())
            client = await Client.connect(proxy.port)
            assert (await client.get("http://10.0.0.1/")).headers["x-noctule-egress"].endswith("private-address")
            assert proxy.serve_only(os.geteuid() + 1)
            client = await Client.connect(proxy.port)
            assert (await client.answer()).headers["x-noctule-egress"].endswith("foreign-client")

    run(scenario())


def test_our_own_listeners_cannot_be_reached_through_one_another(run: Run) -> None:
    async def scenario() -> None:
        policy = EgressPolicy(["127.0.0.0/8"])
        other = EgressProxy(policy)
        await other.start()
        async with running(policy) as proxy:
            for port in (proxy.port, other.port):
                client = await Client.connect(proxy.port)
                answer = await client.tunnel(f"127.0.0.1:{port}")
                assert answer.headers["x-noctule-egress"] == "refused; rule=own-port"
        await other.close()

    run(scenario())


def test_nothing_is_left_when_a_browser_goes_away_in_the_middle(run: Run) -> None:
    async def scenario(origin: Origin) -> None:
        async with running(allowing(origin)) as proxy:
            for _ in range(20):
                client = await Client.connect(proxy.port)
                await client.tunnel(f"127.0.0.1:{origin.port}")
                client.send("GET /bytes/10000000 HTTP/1.1\r\nHost: a\r\n\r\n")
                await client.reader.read(1000)
                client.writer.transport.abort()
            await until(lambda: not proxy._connections and not proxy._traffic.live and not proxy._work)
            before = proxy.request_bytes
            assert before == origin.received_bytes

    with Origin() as origin:
        run(scenario(origin))


def test_a_tunnel_that_is_quiet_for_an_hour_is_dropped_and_a_busy_one_is_not(run: Run) -> None:
    async def scenario(origin: Origin) -> None:
        async with running(allowing(origin)) as proxy:
            client = await Client.connect(proxy.port)
            await client.tunnel(f"127.0.0.1:{origin.port}")
            for _ in range(2):
                for _ in range(60):
                    proxy._sweep()
                client.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
                assert (await client.answer()).status == 200
            for _ in range(61):
                proxy._sweep()
            assert await client.is_cut_off()

    with Origin() as origin:
        run(scenario(origin))


def test_a_half_closed_tunnel_is_dropped_after_two_minutes(run: Run) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.sleep(60)
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_server(deaf, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with running(EgressPolicy([f"127.0.0.1:{port}"])) as proxy:
            client = await Client.connect(proxy.port)
            await client.tunnel(f"127.0.0.1:{port}")
            client.writer.write_eof()
            await until(lambda: any(connection.half_open for connection in proxy._connections))
            for _ in range(3):
                proxy._sweep()
            assert await client.is_cut_off()
        server.close()

    run(scenario())
