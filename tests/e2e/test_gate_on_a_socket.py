"""The door behind a real uvicorn on a real socket: what only a connection can show."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn

from noctule.db.engine import Database
from tests.unit.http.door import Door, open_door


@asynccontextmanager
async def served(database: Database) -> AsyncIterator[tuple[Door, int]]:
    """The test application on a loopback port."""
    async with open_door(database) as door:
        server = uvicorn.Server(
            uvicorn.Config(door.app, port=0, log_config=None, access_log=False, lifespan="off", http="httptools")
        )
        running = asyncio.create_task(server.serve())
        try:
            async with asyncio.timeout(10):
                while not server.started:
                    await asyncio.sleep(0.01)
            yield door, server.servers[0].sockets[0].getsockname()[1]
        finally:
            server.should_exit = True
            await asyncio.wait_for(running, 10)


async def _raw(port: int, request: bytes, *, wait: bool = True) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), 10) if wait else b""
    finally:
        writer.close()


def _request(line: str, door: Door, *headers: str, body: bytes = b"") -> bytes:
    lines = [line, "Host: here", f"Authorization: Bearer {door.key}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def test_a_plain_request_works_over_a_socket(sqlite: Database) -> None:
    async def story() -> None:
        async with served(sqlite) as (door, port), httpx.AsyncClient(trust_env=False) as client:
            headers = {"Authorization": f"Bearer {door.key}"}
            answer = await client.get(f"http://127.0.0.1:{port}//who/", headers=headers)
            assert answer.status_code == 200
            assert answer.json()["base_url"] == f"http://127.0.0.1:{port}"

    asyncio.run(story())


def test_a_client_that_leaves_in_the_middle_of_a_write_finds_it_done(sqlite: Database) -> None:
    async def story() -> None:
        async with served(sqlite) as (door, port):
            door.things.may_finish = asyncio.Event()
            headers = ("Content-Length: 2", "Content-Type: application/json", "Idempotency-Key: k")
            request = _request("POST /things HTTP/1.1", door, *headers, body=b"{}")
            _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            await writer.drain()
            async with asyncio.timeout(5):
                while door.things.begun == 0:
                    await asyncio.sleep(0.005)
            writer.transport.abort()
            await asyncio.sleep(0.05)
            door.things.may_finish.set()
            answer = await _raw(port, request)
            assert b"idempotent-replayed: true" in answer
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["count"] == 1
            assert door.things.begun == 1

    asyncio.run(story())


def test_a_client_that_leaves_before_its_body_is_complete_has_done_nothing(sqlite: Database) -> None:
    async def story() -> None:
        async with served(sqlite) as (door, port):
            await _raw(port, _request("POST /things HTTP/1.1", door, "Content-Length: 50", body=b"{"), wait=False)
            await asyncio.sleep(0.1)
            assert door.things.begun == 0
            assert b" 200 " in await _raw(port, _request("GET /who HTTP/1.1", door))

    asyncio.run(story())


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(sqlite: Database) -> None:
    async def story() -> None:
        async with served(sqlite) as (door, port):
            answer = await _raw(port, _request("POST /things HTTP/1.1", door, "Content-Length: 99999999999"))
            assert answer.startswith(b"HTTP/1.1 413 ")
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 413

    asyncio.run(story())


def test_a_chunked_body_is_read(sqlite: Database) -> None:
    async def story() -> None:
        async with served(sqlite) as (door, port):
            body = b'8\r\n{"name":\r\n4\r\n"c"}\r\n0\r\n\r\n'
            answer = await _raw(port, _request("PUT /things HTTP/1.1", door, "Transfer-Encoding: chunked", body=body))
            assert b'"id":"c"' in answer

    asyncio.run(story())


def test_an_event_stream_arrives_whole(sqlite: Database) -> None:
    async def story() -> None:
        async with served(sqlite) as (door, port), httpx.AsyncClient(trust_env=False) as client:
            headers = {"Authorization": f"Bearer {door.key}"}
            async with client.stream("POST", f"http://127.0.0.1:{port}/stream", headers=headers) as answer:
                lines = [line async for line in answer.aiter_lines() if line]
            assert lines == ["data: 0", "data: 1", "data: 2"]

    asyncio.run(story())


def test_garbage_on_the_socket_does_not_reach_anything(sqlite: Database) -> None:
    async def story() -> None:
        async with served(sqlite) as (door, port):
            for garbage in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
                answer = await _raw(port, garbage)
                assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
            answer = await _raw(port, _request("GET /things/%00 HTTP/1.1", door))
            assert answer.startswith(b"HTTP/1.1 422 ")
            answer = await _raw(port, _request("GET /things/%zz%ff HTTP/1.1", door))
            assert answer.startswith(b"HTTP/1.1 404 ")
            assert b" 200 " in await _raw(port, _request("GET /who HTTP/1.1", door))

    asyncio.run(story())
