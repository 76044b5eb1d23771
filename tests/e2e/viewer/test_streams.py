"""The streams for programs: pictures and steps as they happen, at each client's own pace, for any number of clients."""

import json
import time
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.e2e.viewer.stage import Person, Remote, wait_until
from tests.support.pictures import colour, decode

pytestmark = pytest.mark.slow

# Draws something else in every frame.
RESTLESS = """(() => {
  let count = 0;
  const box = document.getElementById('last');
  const turn = () => { box.textContent = ++count; requestAnimationFrame(turn); };
  turn();
  globalThis.cpu = () => count;
})()"""


def _open(remote: Remote, stream: str) -> ClientConnection:
    return connect(remote.debug().json()["ws"][stream], proxy=None, max_size=1 << 24)


def _picture(socket: ClientConnection) -> bytes:
    while True:
        message = socket.recv(timeout=10)
        if isinstance(message, bytes):
            return message


def _event_after_pictures(socket: ClientConnection) -> tuple[dict[str, Any], list[bytes]]:
    """The next event, and the pictures that came before it."""
    pictures: list[bytes] = []
    while True:
        message = socket.recv(timeout=10)
        if isinstance(message, str):
            return json.loads(message), pictures
        pictures.append(message)


def _event(socket: ClientConnection) -> dict[str, Any]:
    return _event_after_pictures(socket)[0]


def _pictures_in(socket: ClientConnection, seconds: float, *, receipts: bool = False) -> int:
    count, until = 0, time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        try:
            message = socket.recv(timeout=left)
        except TimeoutError:
            break
        if isinstance(message, bytes):
            count += 1
            if receipts:
                socket.send('{"type": "receipt"}')
    return count


def test_a_client_that_sends_nothing_gets_pictures_and_steps_until_the_end(remote: Remote) -> None:
    with _open(remote, "recording") as socket:

        def colours() -> list[str]:
            picture = decode(_picture(socket), width=1280, height=1080)
            return [colour(picture, *at) for at in ((50, 50), (150, 50), (50, 150), (150, 150))]

        # The first picture is the last one that was taken, which may be a moment old.
        wait_until(lambda: colours() == ["r", "g", "b", "rg"], "the page")
        remote.js("document.getElementById('last').style.background = '#0ff'")
        step, pictures = _event_after_pictures(socket)
        assert set(step) == {"type", "data", "timestamp"}
        assert step["type"] == "execution_result"
        assert step["data"]["action"]["type"] == "evaluate_js"
        assert step["timestamp"].endswith("+00:00")
        seen = chain(pictures, iter(lambda: _picture(socket), None))
        wait_until(lambda: colour(decode(next(seen), width=1280, height=1080), 150, 150) == "gb", "the change")

        remote.api.post(f"/sessions/{remote.id}/page/observe", json={})
        assert _event(socket)["type"] == "observation"
        remote.stop()
        last = _event(socket)
        assert (last["type"], last["data"]) == ("error", "The session was stopped.")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000


def test_logs_tell_of_observations_and_actions(remote: Remote) -> None:
    with _open(remote, "logs") as socket:
        remote.act(type="click", selector="#button")
        remote.api.post(f"/sessions/{remote.id}/page/observe", json={})
        first, second = _event(socket), _event(socket)
        assert (first["type"], first["data"]["action"]["type"]) == ("execution_result", "click")
        assert second["type"] == "observation"
        remote.stop()
        assert _event(socket)["type"] == "error"


def test_a_page_at_rest_is_sent_once(remote: Remote) -> None:
    with _open(remote, "recording") as socket:
        _picture(socket)
        _pictures_in(socket, 1.0)
        assert _pictures_in(socket, 1.5) == 0


def test_a_client_that_acknowledges_is_sent_no_more_than_it_has_taken(remote: Remote) -> None:
    remote.js(RESTLESS)
    with _open(remote, "recording") as socket:
        _picture(socket)
        socket.send('{"type": "receipt"}')
        unanswered = _pictures_in(socket, 1.5)
        assert unanswered <= 3
        assert _pictures_in(socket, 1.5, receipts=True) <= 3
        socket.send('{"type": "receipt"}')
        assert _pictures_in(socket, 2.0, receipts=True) > 5


def test_a_slow_client_slows_no_other(remote: Remote) -> None:
    remote.js(RESTLESS)
    with _open(remote, "recording") as quick:
        _picture(quick)
        alone = _pictures_in(quick, 2.0)
        with _open(remote, "recording") as slow, _open(remote, "recording") as silent:
            _picture(slow)
            slow.send('{"type": "receipt"}')
            together = _pictures_in(quick, 2.0)
            assert silent is not None
        assert together > alone * 0.6
        assert together > 5


def test_more_clients_than_a_session_may_have_are_refused(remote: Remote) -> None:
    url = remote.debug().json()["ws"]["recording"]
    with ExitStack() as others:
        sockets = [others.enter_context(connect(url, proxy=None)) for _ in range(32)]
        with pytest.raises(InvalidStatus, match="429"), connect(url, proxy=None):
            pass
        sockets[0].close()
        wait_until(lambda: _is_let_in(url), "a place to be free again")


def test_a_person_who_finds_no_place_is_told_and_let_in_as_soon_as_there_is_one(remote: Remote, pictures: Path) -> None:
    url = remote.debug().json()["ws"]["recording"]
    with ExitStack() as others:
        sockets = [others.enter_context(connect(url, proxy=None)) for _ in range(32)]
        page = remote.open(remote.viewer_url)
        expect(page.locator("#curtain")).to_contain_text("32 clients are watching this session already")
        expect(page.locator("#curtain-title")).to_have_text("Waiting to be let in")
        page.screenshot(path=pictures / "waiting.png")
        sockets[0].close()
        Person(page).sees_it_live()
        expect(page.locator("#curtain")).to_be_hidden()


def _is_let_in(url: str) -> bool:
    try:
        with connect(url, proxy=None):
            return True
    except InvalidStatus:
        return False
