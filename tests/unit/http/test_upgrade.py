"""Who is let through to a session's CDP stream, and that every other connection is left to uvicorn."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from noctule.browser.relay import Patience
from noctule.http.upgrade import CLIENTS_PER_SESSION
from tests.unit.browser.relay.stage import ENDED_SESSION, SESSION, TAB, TOKEN, Gate, Stage, puppet, served


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server whose one session has a browser that nobody answers for."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with served(Gate(unused.getsockname()[1], "/devtools/browser/x", tmp_path_factory.mktemp("files"))) as stage:
            yield stage


def _refused(stage: Stage, target: str) -> tuple[int, dict[str, object]]:
    with pytest.raises(InvalidStatus) as raised:
        connect(f"ws://127.0.0.1:{stage.port}{target}", proxy=None)
    response = raised.value.response
    assert response.headers["content-type"] == "application/json"
    body = json.loads(response.body or b"")
    assert set(body) == {"status", "message"}
    assert body["status"] == response.status_code
    assert TOKEN not in body["message"]
    return response.status_code, body


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (f"/sessions/{SESSION}/cdp", 401),
        (f"/sessions/{SESSION}/cdp?token=", 401),
        (f"/sessions/{SESSION}/cdp?token=wrong", 401),
        (f"/sessions/{SESSION}/cdp?Token={TOKEN}", 401),
        (f"/sessions/another/cdp?token={TOKEN}", 404),
        (f"/sessions/..%2F{SESSION}/cdp?token={TOKEN}", 404),
        (f"/sessions/{ENDED_SESSION}/cdp?token={TOKEN}", 409),
        (f"/sessions/{SESSION}/cdp?token={TOKEN}", 503),
        (f"//sessions///{SESSION}//cdp/?token={TOKEN}", 503),
        (f"/sessions/{SESSION}/cdp?token=first&token={TOKEN}", 503),
        (f"/sessions/{SESSION}/devtools/{TAB}", 401),
        (f"/sessions/{SESSION}/devtools/{TAB}?token=wrong", 401),
        (f"/sessions/another/devtools/{TAB}?token={TOKEN}", 404),
        (f"/sessions/{SESSION}/devtools/another?token={TOKEN}", 404),
        (f"/sessions/{SESSION}/devtools/{TAB}?token={TOKEN}", 503),
        (f"//sessions//{SESSION}//devtools//{TAB}//?token={TOKEN}", 503),
    ],
)
def test_a_refused_upgrade_is_plain_http_with_the_error_body(stage: Stage, target: str, status: int) -> None:
    assert _refused(stage, target)[0] == status


def _handshake(stage: Stage, **changes: str | None) -> bytes:
    headers = {
        "Host": "x",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    request = f"GET /sessions/{SESSION}/cdp?token={TOKEN} HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n"
    with socket.create_connection(("127.0.0.1", stage.port), timeout=10) as connection:
        connection.sendall(request.encode())
        return connection.recv(65536)


def test_a_handshake_of_another_version_or_without_a_key_is_refused(stage: Stage) -> None:
    answer = _handshake(stage, Sec_WebSocket_Version="8")
    assert answer.startswith(b"HTTP/1.1 426 ")
    assert b"Sec-WebSocket-Version: 13\r\n" in answer
    for key in (None, "", "short", "not base64 at all !!!!!!", "AAAA"):
        assert _handshake(stage, Sec_WebSocket_Key=key).startswith(b"HTTP/1.1 400 ")


def test_other_sockets_and_plain_requests_are_left_to_uvicorn(stage: Stage) -> None:
    with connect(f"ws://127.0.0.1:{stage.port}/echo", proxy=None) as echo:
        echo.send("x" * 100_000)
        assert echo.recv(timeout=10) == "x" * 100_000
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{stage.port}/sessions/{SESSION}/cdp/more?token={TOKEN}", proxy=None)
    with urlopen(f"http://127.0.0.1:{stage.port}/health", timeout=10) as response:
        assert json.load(response) == {"status": "ok"}


def test_a_client_of_another_socket_that_reads_nothing_is_not_waited_for_without_end(tmp_path: Path) -> None:
    gate = Gate(1, "/x", tmp_path)
    with served(gate, Patience(stuck_after_seconds=0.3)) as stage, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", stage.port))
        head = (
            "GET /flood HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        connection.sendall(head.encode())
        assert connection.recv(12) == b"HTTP/1.1 101"
        time.sleep(1)
        received = 0
        with suppress(ConnectionResetError):
            while data := connection.recv(1 << 20):
                received += len(data)
        assert received < 16 << 20


def test_extensions_and_subprotocols_are_never_agreed_on(tmp_path: Path) -> None:
    with puppet(lambda browser: None) as port, served(Gate(port, "/x", tmp_path)) as stage:
        answer = _handshake(
            stage,
            Sec_WebSocket_Extensions="permessage-deflate",
            Sec_WebSocket_Protocol="cdp",
            Origin="http://evil.test",
        )
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"extensions" not in answer.lower()
    assert b"protocol:" not in answer.lower()


def test_a_session_has_a_limit_of_clients_and_places_are_given_back(tmp_path: Path) -> None:
    def listen(browser: ServerConnection) -> None:
        for _ in browser:
            pass

    with ExitStack() as stack:
        browser = stack.enter_context(serve(listen, "127.0.0.1", 0))
        thread = threading.Thread(target=browser.serve_forever, daemon=True)
        thread.start()
        stage = stack.enter_context(served(Gate(browser.socket.getsockname()[1], "/x", tmp_path)))
        target = f"/sessions/{SESSION}/cdp?token={TOKEN}"
        with ExitStack() as clients:
            for _ in range(CLIENTS_PER_SESSION):
                clients.enter_context(connect(stage.url, proxy=None))
            assert _refused(stage, target)[0] == 429
        deadline = time.monotonic() + 10
        while stage.gate.closers:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        for _ in range(3):
            with connect(stage.url, proxy=None):
                pass
