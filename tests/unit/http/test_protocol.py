"""Heads of requests that never end, come too late, or are none, against a real uvicorn."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from noctule.http.protocol import BoundedHttp


class _Hasty(BoundedHttp):
    head_seconds = 0.3


async def _echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=[Route("/", _echo, methods=["GET", "POST"])])
    config = uvicorn.Config(app, http=_Hasty, lifespan="off", log_config=None, timeout_keep_alive=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def client(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        yield client


def _all(client: socket.socket) -> tuple[int, bytes]:
    """Status and body of the last answer, once the server has closed the connection."""
    received = b""
    try:
        while part := client.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    head, _, body = received.rpartition(b"HTTP/1.1 ")[2].partition(b"\r\n\r\n")
    return (int(head[:3]) if head else 0), body


def _read_until(client: socket.socket, end: bytes) -> None:
    received = b""
    while not received.endswith(end):
        part = client.recv(65536)
        assert part, received
        received += part


def _assert_refused(client: socket.socket, status: int, message: str) -> None:
    found, body = _all(client)
    assert found == status
    assert json.loads(body) == {"status": status, "message": message, "path": ""}


@pytest.mark.parametrize(
    "sent",
    [
        b"BREW / HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: some\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
    ],
)
def test_what_is_no_http_is_told_so_in_the_error_shape(client: socket.socket, sent: bytes) -> None:
    client.sendall(sent)
    _assert_refused(client, 400, "This cannot be read as a request in HTTP/1.1.")


@pytest.mark.parametrize("piece", [b"a" * 10_000, b"a: b\r\n" * 1000])
def test_an_endless_head_is_cut_off(client: socket.socket, piece: bytes) -> None:
    client.sendall(b"GET / HTTP/1.1\r\nX: ")
    sent = 0
    try:
        while sent < 20_000_000:
            client.sendall(piece)
            sent += len(piece)
    except OSError:
        pass
    assert sent < 20_000_000
    assert _all(client)[0] in (0, 431)


def test_a_head_that_is_a_little_too_large_is_told_so(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 256 * 1024)
    _assert_refused(client, 431, "The headers are larger than 256 KiB.")


@pytest.mark.parametrize("begun", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_does_not_come_is_not_waited_for(client: socket.socket, begun: bytes) -> None:
    client.sendall(begun)
    _assert_refused(client, 408, "The request did not arrive within 0.3 seconds.")


def test_a_second_head_is_bounded_like_the_first(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    _read_until(client, b"\r\n\r\n0")
    client.sendall(b"GET / HT")
    _assert_refused(client, 408, "The request did not arrive within 0.3 seconds.")


def test_a_body_may_take_longer_and_a_connection_may_rest(client: socket.socket) -> None:
    client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
    time.sleep(0.5)
    client.sendall(b"cd")
    _read_until(client, b"\r\n\r\n4")
    time.sleep(0.5)
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert _all(client) == (200, b"0")
