"""One client and one browser, joined: floods, silence, refusals and good-byes, over real sockets."""

import contextlib
import json
import socket
import threading
import time
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from noctule.browser.relay import Patience, frames, handshake
from noctule.browser.relay.frames import MessageReader
from tests.unit.browser.relay.stage import Gate, Stage, puppet, served


def _open(stage: Stage) -> ClientConnection:
    return connect(stage.url, compression=None, max_size=None, proxy=None)


def _closed(client: ClientConnection, seconds: float = 10) -> tuple[int | None, str]:
    """Code and reason that the client is closed with."""
    try:
        while True:
            client.recv(timeout=seconds)
    except ConnectionClosed as closed:
        return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")


def _echo(browser: socket.socket) -> None:
    """Answer every message with itself."""
    reader = MessageReader(1 << 30)
    while data := browser.recv(1 << 16):
        for opcode, payload in reader.feed(data):
            if opcode == Opcode.TEXT:
                browser.sendall(frames.frame(Opcode.TEXT, payload))


def test_a_message_reaches_the_browser_as_it_was_judged(tmp_path: Path) -> None:
    with puppet(_echo) as port, served(Gate(port, "/x", tmp_path)) as stage, _open(stage) as client:
        client.send('{"id":1,"method":"Page.navigate","params":{"url":"file:///x","\\u0075rl":"https://a.test"}}')
        assert client.recv(timeout=10) == '{"id":1,"method":"Page.navigate","params":{"url":"https://a.test"}}'
        client.send('{"id":2,"method":"Page.navigate","params":{"url":"https://a.test","\\u0075rl":"file:///x"}}')
        assert json.loads(client.recv(timeout=10))["error"]["message"].startswith("Refused by Noctule: ")
        assert stage.gate.touched == 2


def test_fragments_and_large_messages_arrive_whole(tmp_path: Path) -> None:
    with puppet(_echo) as port, served(Gate(port, "/x", tmp_path)) as stage, _open(stage) as client:
        for size in (10, 70_000, 5_000_000):
            text = json.dumps(
                {"id": 1, "method": "Runtime.evaluate", "params": {"e": "x" * size}}, separators=(",", ":")
            )
            third = len(text) // 3
            client.send(iter([text[:third], text[third : 2 * third], text[2 * third :]]))
            assert client.recv(timeout=20) == text


def test_bad_messages_are_answered_or_close_the_client(tmp_path: Path) -> None:
    with puppet(_echo) as port, served(Gate(port, "/x", tmp_path)) as stage, _open(stage) as client:
        client.send("{")
        assert json.loads(client.recv(timeout=10))["error"]["code"] == -32700
        client.send('{"id":5,"method":"SystemInfo.getInfo"}')
        answer = json.loads(client.recv(timeout=10))
        assert (answer["id"], answer["error"]["code"]) == (5, -32000)
        client.send(b"\xd8\x5a")
        assert _closed(client)[0] == 1003
    with puppet(_echo) as port, served(Gate(port, "/x", tmp_path)) as stage, _open(stage) as client:
        client.send(b'"\xff"', text=True)
        assert _closed(client)[0] == 1007


def test_a_client_that_breaks_the_protocol_is_told_so(tmp_path: Path) -> None:
    with puppet(_echo) as port, served(Gate(port, "/x", tmp_path)) as stage, _open(stage) as client:
        client.socket.sendall(Frame(Opcode.TEXT, b"{}").serialize(mask=False))
        assert _closed(client)[0] == 1002
    with puppet(_echo) as port, served(Gate(port, "/x", tmp_path)) as stage, _open(stage) as client:
        client.socket.sendall(b"\x81\xff" + (65 << 20).to_bytes(8, "big") + bytes(4))
        assert _closed(client)[0] == 1009


def test_our_words_stand_between_the_browsers_messages_not_inside(tmp_path: Path) -> None:
    half_sent, answered = threading.Event(), threading.Event()
    message = frames.frame(Opcode.TEXT, b'"' + b"x" * 1000 + b'"')

    def play(browser: socket.socket) -> None:
        browser.sendall(message[:500])
        half_sent.set()
        assert answered.wait(10)
        browser.sendall(message[500:] + message)
        _echo(browser)

    with puppet(play) as port, served(Gate(port, "/x", tmp_path)) as stage, _open(stage) as client:
        assert half_sent.wait(10)
        time.sleep(0.2)
        client.send('{"id":5,"method":"SystemInfo.getInfo"}')
        pong = client.ping()
        time.sleep(0.2)
        answered.set()
        received = [json.loads(client.recv(timeout=10)) for _ in range(3)]
        assert received[0] == received[2] == "x" * 1000
        assert received[1]["id"] == 5
        assert pong.wait(10)


def test_closing_the_browser_is_answered_and_ends_only_this_client(tmp_path: Path) -> None:
    with puppet(_echo) as port, served(Gate(port, "/x", tmp_path)) as stage, _open(stage) as client:
        client.send('{"id":9,"method":"Browser.close"}')
        assert json.loads(client.recv(timeout=10)) == {"id": 9, "result": {}}
        assert _closed(client)[0] == 1000
        assert stage.gate.closers == []


def test_the_end_of_the_session_closes_its_clients_with_a_reason(tmp_path: Path) -> None:
    with puppet(_echo) as port, served(Gate(port, "/x", tmp_path)) as stage, _open(stage) as client:
        stage.loop.call_soon_threadsafe(stage.gate.release)
        assert _closed(client) == (1001, "The session has ended.")
        assert stage.gate.closers == []


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("The budget 'nightly' is used up.", "The budget 'nightly' is used up."),
        # What does not fit into a close frame is cut between two characters.
        ("The budget 'a' " + "\u00e4" * 100, "The budget 'a' " + "\u00e4" * 54),
        ("The budget 'ab' " + "\u00e4" * 100, "The budget 'ab' " + "\u00e4" * 53),
    ],
)
def test_a_client_hears_why_its_session_ended(tmp_path: Path, reason: str, told: str) -> None:
    with puppet(_echo) as port, served(Gate(port, "/x", tmp_path)) as stage, _open(stage) as client:
        stage.loop.call_soon_threadsafe(stage.gate.release, reason)
        assert _closed(client) == (1001, told)
        assert len(told.encode()) <= 123


def test_a_browser_that_goes_takes_its_clients_along(tmp_path: Path) -> None:
    with puppet(lambda browser: None) as port, served(Gate(port, "/x", tmp_path)) as stage, _open(stage) as client:
        assert _closed(client)[0] == 1001


def test_a_server_that_stops_says_good_bye(tmp_path: Path) -> None:
    with puppet(_echo) as port:
        with served(Gate(port, "/x", tmp_path)) as stage:
            client = connect(stage.url, proxy=None, legacy=True)
        assert _closed(client)[0] == 1001


def test_a_browser_that_breaks_the_protocol_closes_the_client(tmp_path: Path) -> None:
    def play(browser: socket.socket) -> None:
        browser.sendall(b"\xc1\x01x")
        browser.recv(10)

    with puppet(play) as port, served(Gate(port, "/x", tmp_path)) as stage, _open(stage) as client:
        assert _closed(client)[0] == 1011


@pytest.mark.slow
def test_a_client_that_does_not_read_stops_the_browser_and_is_disconnected(tmp_path: Path) -> None:
    sent_bytes = 0

    def play(browser: socket.socket) -> None:
        nonlocal sent_bytes
        message = frames.frame(Opcode.TEXT, bytes(1 << 16))
        while True:
            browser.sendall(message)
            sent_bytes += len(message)

    patience = Patience(ping_interval_seconds=0.2, stuck_after_seconds=2)
    with puppet(play) as port, served(Gate(port, "/x", tmp_path), patience) as stage, _raw(stage):
        time.sleep(1)
        at_first = sent_bytes
        time.sleep(0.7)
        # All of it lies in the kernel's buffers and in one bounded buffer of ours.
        assert sent_bytes - at_first < 1 << 17
        assert sent_bytes < 32 << 20
        deadline = time.monotonic() + 10
        while stage.gate.closers:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.slow
def test_a_client_that_asks_without_reading_is_not_heard_any_more(tmp_path: Path) -> None:
    with puppet(_echo) as port, served(Gate(port, "/x", tmp_path)) as stage, _raw(stage) as connection:
        connection.settimeout(1)
        refused = frames.masked_frame(Opcode.TEXT, b'{"id":1,"method":"SystemInfo.getInfo"}')
        sent_bytes = 0
        with contextlib.suppress(TimeoutError):
            while sent_bytes < 256 << 20:
                sent_bytes += connection.send(refused * 1000)
        assert sent_bytes < 64 << 20


def _raw(stage: Stage) -> socket.socket:
    """A connection through the relay that answers and reads nothing by itself."""
    connection = socket.create_connection(("127.0.0.1", stage.port), timeout=10)
    target = stage.url.partition(str(stage.port))[2]
    key = handshake.new_key()
    connection.sendall(handshake.request("127.0.0.1", stage.port, target, key))
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    handshake.check_response(handshake.parse_head(head.partition(b"\r\n\r\n")[0]), key)
    return connection


def test_both_sides_are_pinged_and_a_silent_client_is_given_up(tmp_path: Path) -> None:
    heard = bytearray()

    def play(browser: socket.socket) -> None:
        while data := browser.recv(1 << 16):
            heard.extend(data)
            browser.sendall(frames.frame(Opcode.PONG, b""))

    patience = Patience(ping_interval_seconds=0.1)
    with puppet(play) as port, served(Gate(port, "/x", tmp_path), patience) as stage:
        with _raw(stage) as connection:
            received = b""
            with contextlib.suppress(ConnectionError):
                while data := connection.recv(100):
                    received += data
            assert received.startswith(frames.frame(Opcode.PING, b"") * 2)
        assert heard.startswith(frames.masked_frame(Opcode.PING, b"") * 2)


def test_a_silent_browser_is_given_up_and_the_client_is_told(tmp_path: Path) -> None:
    def play(browser: socket.socket) -> None:
        while browser.recv(1 << 16):
            pass

    patience = Patience(ping_interval_seconds=0.1)
    with puppet(play) as port, served(Gate(port, "/x", tmp_path), patience) as stage, _open(stage) as client:
        assert _closed(client) == (1001, "The session's browser does not answer.")


@pytest.mark.slow
def test_sides_that_answer_pings_stay_connected(tmp_path: Path) -> None:
    def play(browser: socket.socket) -> None:
        reader = MessageReader(1 << 20)
        while data := browser.recv(1 << 16):
            for opcode, payload in reader.feed(data):
                browser.sendall(frames.frame(Opcode.PONG if opcode == Opcode.PING else Opcode.TEXT, payload))

    patience = Patience(ping_interval_seconds=0.1)
    with puppet(play) as port, served(Gate(port, "/x", tmp_path), patience) as stage, _open(stage) as client:
        time.sleep(1)
        client.send('{"id":1,"method":"Browser.getVersion"}')
        assert client.recv(timeout=10) == '{"id":1,"method":"Browser.getVersion"}'
