"""A person takes a session over in the middle of a run and hands it back; who may only look, only looks."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.viewer.stage import Remote, wait_until

pytestmark = pytest.mark.slow

PRESS = {"type": "mouse", "x": 350, "y": 200, "button": "left", "clicks": 1, "modifiers": 0}
CLICK: tuple[dict[str, Any], ...] = ({**PRESS, "kind": "down", "buttons": 1}, {**PRESS, "kind": "up", "buttons": 0})


@contextmanager
def _in_the_background(remote: Remote, **action: Any) -> Iterator[list[httpx.Response]]:
    """A program's action, under way during the block."""
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(remote.try_to(**action)))
    thread.start()
    try:
        yield answers
    finally:
        thread.join(60)
    assert answers


def _viewer(remote: Remote, token: str, options: str = "") -> ClientConnection:
    root = remote.server.url.replace("http", "ws", 1)
    return connect(f"{root}/sessions/{remote.id}/debug/view?token={token}{options}", proxy=None)


def _hears(socket: ClientConnection, kind: str) -> Any:
    """The data of the next event of that kind."""
    while True:
        message = socket.recv(timeout=10)
        if isinstance(message, str) and (event := json.loads(message))["type"] == kind:
            return event["data"]


def _clicks(remote: Remote) -> list[str]:
    return [line for line in remote.told() if line.startswith("click")]


def test_an_action_waits_while_a_person_has_control_and_goes_on_after_the_hand_back(remote: Remote) -> None:
    person = remote.person()
    expect(person.page.locator("#control")).to_have_text("Take over")
    person.page.locator("#control").click()
    expect(person.page.locator("#control")).to_have_text("Hand back")

    with _in_the_background(remote, type="click", selector="#link") as answers:
        person.click(400, 60)
        person.keyboard.type("by hand")
        # Looking goes on, so that the program can see what the person does.
        observe = f"/sessions/{remote.id}/page/observe"
        wait_until(lambda: "by hand" in remote.api.post(observe, json={}).text, "the typed text")
        assert not answers
        person.page.locator("#control").click()
        expect(person.page.locator("#control")).to_have_text("Take over")
    assert answers[0].json()["success"]
    assert remote.js("location.pathname") == "/second"


def test_an_action_is_refused_when_the_person_keeps_control(remote: Remote) -> None:
    person = remote.person()
    person.page.locator("#control").click()
    expect(person.page.locator("#control")).to_have_text("Hand back")
    refused = remote.try_to(type="click", selector="#link")
    assert refused.status_code == 409
    assert "A person has taken session" in refused.json()["message"]
    assert refused.headers["retry-after"] == "5"
    person.page.locator("#control").click()
    expect(person.page.locator("#control")).to_have_text("Take over")
    assert remote.js("location.pathname") == "/viewed"


def test_control_comes_back_when_the_person_closes_the_viewer(remote: Remote) -> None:
    person = remote.person()
    person.page.locator("#control").click()
    expect(person.page.locator("#control")).to_have_text("Hand back")
    with _in_the_background(remote, type="click", selector="#link") as answers:
        person.page.close()
    assert answers[0].json()["success"]


def test_of_two_people_the_one_who_took_over_last_has_control(remote: Remote) -> None:
    first, second = remote.person(), remote.person()
    first.page.locator("#control").click()
    expect(second.page.locator("#badge")).to_have_text("Another person has control of this session")
    second.click(350, 200)
    second.is_told("Another person has control")
    second.page.locator("#control").click()
    expect(second.page.locator("#control")).to_have_text("Hand back")
    expect(first.page.locator("#control")).to_have_text("Take over")
    second.click(350, 200)
    second.page.locator("#control").click()
    expect(first.page.locator("#badge")).to_be_hidden()
    assert _clicks(remote) == ["click 350,200,0,1"]


def test_who_may_only_look_changes_nothing_on_the_page_or_beside_it(remote: Remote) -> None:
    person = remote.person("&interactive=0")
    expect(person.page.locator("#control")).to_be_hidden()
    person.click(350, 200)
    for token, options in (
        (remote.viewer_url.partition("&token=")[2], "&interactive=0"),
        (remote.debug().headers["x-noctule-view-only-url"].partition("&token=")[2], "&interactive=1"),
    ):
        with _viewer(remote, token, options) as socket:
            assert _hears(socket, "hello")["interactive"] is False
            # Another notice of the same words would wait, so each is asked for on a stream of its own.
            for message in CLICK:
                socket.send(json.dumps(message))
            assert _hears(socket, "notice") == "This view is for looking only."
            socket.send('{"type": "take_over"}')
            socket.send('{"type": "go", "url": "about:blank"}')
            socket.send('{"type": "key", "kind": "down", "key": "a", "text": "a"}')
            socket.send('{"type": "shut", "tab": "any"}')
    assert remote.try_to(type="wait", time_ms=1).json()["success"]
    assert _clicks(remote) == []
    assert remote.js("location.pathname") == "/viewed"


def test_what_a_viewer_held_down_goes_up_when_it_leaves(remote: Remote) -> None:
    seen: list[str] = []

    def saw(*kinds: str) -> bool:
        seen.extend(remote.told())
        return all(any(line.startswith(kind) for line in seen) for kind in kinds)

    with _viewer(remote, remote.viewer_url.partition("&token=")[2]) as socket:
        socket.send(json.dumps(CLICK[0]))
        socket.send('{"type": "key", "kind": "down", "key": "Shift", "code": "ShiftLeft", "key_code": 16}')
        wait_until(lambda: saw("mousedown", "keydown Shift"), "the mouse and the key to go down")
        assert not saw("mouseup")
    wait_until(lambda: saw("mouseup", "keyup Shift"), "the mouse and the key to go up")


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("no JSON", "not JSON"),
        ('{"type": "nothing"}', "Invalid value"),
        ('{"type": "mouse", "kind": "move", "x": 1e9, "y": 0}', "x"),
        ('{"type": "mouse", "kind": "move", "x": 0, "y": 0, "more": 1}', "more"),
        ('{"type": "hello", "who": "?"}', "who"),
        ('{"type": "text", "text": "' + "x" * 1_100_000 + '"}', ""),
    ],
    ids=["not JSON", "unknown", "too far", "an extra field", "a bad name", "too long"],
)
def test_what_cannot_be_understood_ends_the_stream_with_words(remote: Remote, message: str, says: str) -> None:
    with _viewer(remote, remote.viewer_url.partition("&token=")[2]) as socket:
        _hears(socket, "hello")
        socket.send(message)
        with pytest.raises(ConnectionClosed) as failure:
            _hears(socket, "what never comes")
    closed = failure.value.rcvd
    assert closed is not None
    assert closed.code in (1007, 1009)
    assert says in closed.reason
