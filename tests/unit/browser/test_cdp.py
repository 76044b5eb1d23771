"""Our DevTools connection against a server of the usual WebSocket library."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from noctule.browser.cdp import CdpClosed, CdpConnection, CdpError, CdpTimeout

Behaviour = Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]


@asynccontextmanager
async def _connected(behave: Behaviour) -> AsyncIterator[CdpConnection]:
    async def handle(socket: ServerConnection) -> None:
        async for message in socket:
            await behave(socket, json.loads(message))

    async with serve(handle, "127.0.0.1", 0, compression=None, max_size=None) as server:
        port = server.sockets[0].getsockname()[1]
        connection = await CdpConnection.connect("127.0.0.1", port, "/devtools/browser/x", timeout_seconds=5)
        try:
            yield connection
        finally:
            connection.abort()


async def _echo(socket: ServerConnection, message: dict[str, Any]) -> None:
    await socket.send(json.dumps({"id": message["id"], "result": {"params": message.get("params")}}))


def test_a_call_gets_the_result_that_carries_its_number() -> None:
    async def run() -> None:
        async with _connected(_echo) as connection:
            answers = await asyncio.gather(*(connection.call("Some.method", {"n": n}) for n in range(50)))
            assert [answer["params"]["n"] for answer in answers] == list(range(50))

    asyncio.run(run())


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 300_000])
def test_messages_of_every_length_arrive_whole(size: int) -> None:
    async def run() -> None:
        async with _connected(_echo) as connection:
            answer = await connection.call("Some.method", {"text": "ü" * size})
            assert answer["params"]["text"] == "ü" * size

    asyncio.run(run())


def test_an_error_of_the_browser_is_raised_with_its_words() -> None:
    async def refuse(socket: ServerConnection, message: dict[str, Any]) -> None:
        await socket.send(json.dumps({"id": message["id"], "error": {"code": -32000, "message": "No", "data": "why"}}))

    async def run() -> None:
        async with _connected(refuse) as connection:
            with pytest.raises(CdpError, match="No why"):
                await connection.call("Some.method")

    asyncio.run(run())


def test_a_call_without_answer_ends_at_its_timeout() -> None:
    async def ignore(socket: ServerConnection, message: dict[str, Any]) -> None:
        pass

    async def run() -> None:
        async with _connected(ignore) as connection:
            with pytest.raises(CdpTimeout, match=r"Some\.method was not answered within 0\.05 s"):
                await connection.call("Some.method", timeout_seconds=0.05)

    asyncio.run(run())


def test_calls_in_flight_end_when_the_browser_goes_away() -> None:
    async def hang_up(socket: ServerConnection, message: dict[str, Any]) -> None:
        await socket.close()

    async def run() -> None:
        async with _connected(hang_up) as connection:
            with pytest.raises(CdpClosed):
                await connection.call("Some.method")
            assert await asyncio.wait_for(connection.closed, 1)
            with pytest.raises(CdpClosed):
                await connection.call("Some.method")
            connection.post("Some.method")

    asyncio.run(run())


def test_calls_on_a_target_that_is_gone_end_and_others_do_not() -> None:
    async def late(socket: ServerConnection, message: dict[str, Any]) -> None:
        if message.get("sessionId") != "gone":
            await asyncio.sleep(0.05)
            await _echo(socket, message)

    async def run() -> None:
        async with _connected(late) as connection:
            lost = asyncio.create_task(connection.call("Some.method", session_id="gone"))
            kept = asyncio.create_task(connection.call("Some.method", {"n": 1}, session_id="other"))
            await asyncio.sleep(0.01)
            connection.fail_session("gone", "the tab was closed")
            with pytest.raises(CdpClosed, match="the tab was closed"):
                await lost
            assert (await kept)["params"] == {"n": 1}

    asyncio.run(run())


def test_an_answer_beyond_the_limit_fails_its_call_and_nothing_else() -> None:
    async def flood(socket: ServerConnection, message: dict[str, Any]) -> None:
        size = 65 * 1024 * 1024 if message["method"] == "Big.one" else 10
        await socket.send(json.dumps({"id": message["id"], "result": {"text": "x" * size}}))

    async def run() -> None:
        async with _connected(flood) as connection:
            with pytest.raises(CdpError, match="larger than 64 MiB"):
                await connection.call("Big.one", timeout_seconds=20)
            assert len((await connection.call("Small.one"))["text"]) == 10

    asyncio.run(run())


def test_events_reach_the_handler_and_ignored_ones_do_not() -> None:
    async def tell(socket: ServerConnection, message: dict[str, Any]) -> None:
        for method in ("Network.dataReceived", "Page.loadEventFired"):
            await socket.send(json.dumps({"method": method, "params": {}, "sessionId": "s"}, separators=(",", ":")))
        await _echo(socket, message)

    async def run() -> None:
        heard: list[tuple[str, str]] = []
        async with _connected(tell) as connection:
            connection.on_event = lambda session_id, method, params: heard.append((session_id, method))
            connection.ignored_events = (b'{"method":"Network.',)
            await connection.call("Some.method")
        assert heard == [("s", "Page.loadEventFired")]

    asyncio.run(run())


def test_half_a_surrogate_pair_in_a_message_is_no_reason_to_hang_up() -> None:
    async def odd(socket: ServerConnection, message: dict[str, Any]) -> None:
        await socket.send(f'{{"id":{message["id"]},"result":{{"title":"\\ud800"}}}}')

    async def run() -> None:
        async with _connected(odd) as connection:
            assert (await connection.call("Some.method"))["title"] == "\ud800"

    asyncio.run(run())


def test_pings_are_answered() -> None:
    async def ping(socket: ServerConnection, message: dict[str, Any]) -> None:
        await asyncio.wait_for(await socket.ping(b"there?"), 1)
        await _echo(socket, message)

    async def run() -> None:
        async with _connected(ping) as connection:
            await connection.call("Some.method", {})

    asyncio.run(run())


def test_what_is_no_websocket_is_refused_in_time() -> None:
    async def serve_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def run() -> None:
        for behave, said in ((serve_http, "404"), (stay_silent, "within 0.1 s")):
            server = await asyncio.start_server(behave, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(CdpClosed, match=said):
                await CdpConnection.connect("127.0.0.1", port, "/", timeout_seconds=0.1)
            server.close()
        with pytest.raises(CdpClosed, match="no DevTools connection"):
            await CdpConnection.connect("127.0.0.1", port, "/", timeout_seconds=1)

    asyncio.run(run())
