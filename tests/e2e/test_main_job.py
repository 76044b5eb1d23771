"""The main job, as a stranger does it: start, drive, look, stop, and read to the cent what it cost."""

import contextlib
import io
import struct
import time
from typing import Any

import httpx
import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, sync_playwright

from tests.support.origin import Origin
from tests.support.server import KEY, Server

pytestmark = pytest.mark.slow

_MINUTE = 833_333 / 1e9


@pytest.fixture
def client(server: Server) -> httpx.Client:
    """A client with the server's key."""
    return server.client()


def _start(client: httpx.Client, **wish: object) -> dict[str, Any]:
    answer = client.post("/sessions/start", json=wish)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _execute(client: httpx.Client, session: dict[str, str], **action: object) -> dict[str, object]:
    answer = client.post(f"/sessions/{session['session_id']}/page/execute", json=action)
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json()
    return body


def _stop(client: httpx.Client, session: dict[str, str]) -> dict[str, object]:
    answer = client.delete(f"/sessions/{session['session_id']}/stop")
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json()
    return body


def _text(result: dict[str, object]) -> str:
    assert result["success"], result
    data = result["data"]
    assert isinstance(data, dict)
    text: str = data["markdown"]
    return text


def test_a_session_from_start_to_bill(client: httpx.Client, origin: Origin) -> None:
    before = client.get("/usage").json()
    session = _start(client)
    assert session["status"] == "active"
    went = _execute(client, session, type="goto", url=origin.url)
    assert went["success"], went
    assert went["action"] == {"type": "goto", "url": origin.url}
    assert went["exception"] is None
    assert _text(_execute(client, session, type="evaluate_js", code="location.href")).startswith(origin.url)

    picture = client.post(f"/sessions/{session['session_id']}/page/screenshot")
    assert picture.headers["content-type"] == "image/jpeg"
    width, height = _jpeg_size(picture.content)
    assert (width, height) == (1280, 1080)

    seen = client.get(f"/sessions/{session['session_id']}").json()
    assert [step["type"] for step in seen["steps"]] == ["execution_result", "execution_result"]
    assert seen["network_response_bytes"] > 0
    assert client.get(f"/sessions/{session['session_id']}/offset").json() == {"offset": 2}
    assert session["session_id"] in {each["session_id"] for each in client.get("/sessions").json()["items"]}

    stopped = _stop(client, session)
    assert stopped["status"] == "closed"
    assert stopped["cdp_url"] is None
    assert _stop(client, session)["closed_at"] == stopped["closed_at"]
    assert session["session_id"] not in {each["session_id"] for each in client.get("/sessions").json()["items"]}

    after = client.get("/usage").json()
    assert after["session_count"] == before["session_count"] + 1
    assert after["browser_usage_cost"] - before["browser_usage_cost"] == pytest.approx(_MINUTE, abs=1e-9)
    assert after["total_cost"] == pytest.approx(after["browser_usage_cost"] + after["proxy_usage_cost"], abs=1e-12)


def test_execute_and_playwright_drive_the_same_page(client: httpx.Client, origin: Origin) -> None:
    session = _start(client)
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(session["cdp_url"])
        page: Page = browser.contexts[0].pages[0]
        assert len(browser.contexts) == 1
        assert len(browser.contexts[0].pages) == 1
        _execute(client, session, type="goto", url=origin.url)
        page.wait_for_url(origin.url + "**")
        page.evaluate("window.mark = 'from playwright'")
        assert _text(_execute(client, session, type="evaluate_js", code="window.mark")) == "from playwright"

        other = playwright.chromium.connect_over_cdp(session["cdp_url"])
        assert other.contexts[0].pages[0].evaluate("window.mark") == "from playwright"
        other.close()
        browser.close()
    assert _text(_execute(client, session, type="evaluate_js", code="window.mark")) == "from playwright"
    _stop(client, session)


def test_cookies_set_before_navigation_are_there_at_once_and_reach_the_page(
    client: httpx.Client, origin: Origin
) -> None:
    session = _start(client)
    cookie = {"name": "a", "value": "b", "domain": "127.0.0.1", "path": "/", "httpOnly": False, "sameSite": "lax"}
    set_ = client.post(f"/sessions/{session['session_id']}/cookies", json={"cookies": [cookie]})
    assert set_.json()["success"] is True
    got = client.get(f"/sessions/{session['session_id']}/cookies").json()["cookies"]
    assert [(each["name"], each["value"], each["sameSite"]) for each in got] == [("a", "b", "Lax")]
    _execute(client, session, type="goto", url=origin.url)
    assert "a=b" in _text(_execute(client, session, type="evaluate_js", code="document.cookie"))
    _stop(client, session)


def test_the_options_of_a_start_reach_the_page(client: httpx.Client, origin: Origin) -> None:
    session = _start(
        client,
        viewport_width=800,
        viewport_height=600,
        user_agent="Bat/1.0",
        extra_http_headers={"X-Echo": "squeak"},
        idle_timeout_minutes=1,
        max_duration_minutes=2,
    )
    assert [session[f"viewport_{side}"] for side in ("width", "height")] == [800, 600]
    _execute(client, session, type="goto", url=origin.url)
    code = "[innerWidth, innerHeight, navigator.userAgent].join()"
    assert _text(_execute(client, session, type="evaluate_js", code=code)) == "800,600,Bat/1.0"
    _stop(client, session)


def test_a_private_destination_is_refused_with_the_rule_s_name(client: httpx.Client, server: Server) -> None:
    session = _start(client)
    for url in (server.url, "http://127.0.0.1:8080/", "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data"):
        began = time.monotonic()
        result = _execute(client, session, type="goto", url=url)
        assert result["success"] is False
        assert "refused" in str(result["message"]).lower(), result["message"]
        assert result["exception"]
        assert time.monotonic() - began < 30
    _stop(client, session)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "view-source:http://example.org", "chrome://version", "example"])
def test_a_url_that_may_not_be_opened_is_a_plain_failure(client: httpx.Client, url: str) -> None:
    session = _start(client)
    result = _execute(client, session, type="goto", url=url)
    assert result["success"] is False
    assert result["exception"] == result["message"]
    _stop(client, session)


def test_files_of_the_server_are_out_of_reach_over_cdp(client: httpx.Client) -> None:
    session = _start(client)
    with sync_playwright() as playwright:
        page = playwright.chromium.connect_over_cdp(session["cdp_url"]).contexts[0].pages[0]
        for url in ("file:///etc/passwd", "view-source:file:///etc/passwd", "chrome://version/"):
            with pytest.raises(PlaywrightError, match="Refused by Noctule"):
                page.goto(url)
    _stop(client, session)


def test_a_token_opens_one_session_and_nothing_else(client: httpx.Client, server: Server) -> None:
    first, second = _start(client), _start(client)
    token = first["cdp_url"].partition("token=")[2]
    with sync_playwright() as playwright:
        for session_id, credential, status in (
            (second["session_id"], token, "401"),
            (first["session_id"], KEY, "401"),
            (first["session_id"], "nonsense", "401"),
        ):
            url = f"{server.url.replace('http', 'ws')}/sessions/{session_id}/cdp?token={credential}"
            with pytest.raises(PlaywrightError, match=status):
                playwright.chromium.connect_over_cdp(url)
    assert httpx.get(f"{server.url}/sessions", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert KEY not in first["cdp_url"]
    _stop(client, first)
    _stop(client, second)


def test_stopping_closes_the_clients_of_the_session(client: httpx.Client) -> None:
    session = _start(client)
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(session["cdp_url"])
        gone: list[object] = []
        browser.on("disconnected", lambda closed: gone.append(closed))
        _stop(client, session)
        with pytest.raises(PlaywrightError):
            browser.contexts[0].pages[0].evaluate("1")
        assert gone or not browser.is_connected()
        with pytest.raises(PlaywrightError, match="409"):
            playwright.chromium.connect_over_cdp(session["cdp_url"])


def test_a_browser_that_dies_makes_an_error_session(client: httpx.Client, server: Server) -> None:
    before = set(server.browsers())
    session = _start(client)
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(session["cdp_url"])
        page = browser.contexts[0].pages[0]
        cdp = page.context.new_cdp_session(page)
        with pytest.raises(PlaywrightError, match="Refused by Noctule"):
            cdp.send("Browser.crash")
    children = server.process.children()
    # The session's browser is the one that was warm when it started.
    for child in children:
        if child.pid in before:
            child.kill()
    deadline = time.monotonic() + 10
    while (found := client.get(f"/sessions/{session['session_id']}").json())["status"] == "active":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert found["status"] == "error"
    assert found["error"]
    refused = client.post(f"/sessions/{session['session_id']}/page/execute", json={"type": "wait", "time_ms": 1})
    assert refused.status_code == 409


def test_a_stopped_server_stops_its_sessions_and_bills_them(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Server(tmp_path_factory.mktemp("stop") / "data")
    try:
        server.start()
        with server.client() as client:
            session = _start(client)
        began = time.monotonic()
        assert server.terminate(15) == 0
        assert time.monotonic() - began < 40
        assert server.browsers() == []
        server.start()
        with server.client() as client:
            found = client.get(f"/sessions/{session['session_id']}").json()
            assert found["status"] == "closed"
            assert client.get("/usage").json()["browser_usage_cost"] == pytest.approx(_MINUTE, abs=1e-12)
    finally:
        server.close()


def test_the_end_of_the_money_ends_the_session_of_a_raw_cdp_client(server: Server) -> None:
    server.noctule("workspaces", "create", "broke", "--plan", "prepaid")
    key = server.noctule("keys", "create", "--workspace", "broke", "--name", "k").stdout
    secret = next(word for word in key.split() if word.startswith("noct_"))
    server.noctule("workspaces", "topup", "broke", "0.0005")
    with server.client(secret) as client, sync_playwright() as playwright:
        balance = client.get("/usage").json()["balance_amount"]
        assert balance == pytest.approx(0.0005)
        session = _start(client)
        usage = client.get("/usage").json()
        assert usage["is_usage_limit_exceeded"] is True
        assert client.post("/sessions/start", json={}).status_code == 402
        browser = playwright.chromium.connect_over_cdp(session["cdp_url"])
        page = browser.contexts[0].pages[0]
        deadline = time.monotonic() + 70
        while browser.is_connected() and time.monotonic() < deadline:
            with contextlib.suppress(PlaywrightError):
                page.wait_for_timeout(500)
        assert not browser.is_connected()
        # The connection is cut a moment before the session is written down as closed.
        while (found := client.get(f"/sessions/{session['session_id']}").json())["status"] == "active":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert found["status"] == "closed"
        assert "credit" in found["error"].lower() or "balance" in found["error"].lower()
        assert client.get("/usage").json()["browser_usage_cost"] == pytest.approx(_MINUTE, abs=1e-12)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    stream = io.BytesIO(data)
    assert stream.read(2) == b"\xff\xd8"
    while True:
        marker, length = struct.unpack(">HH", stream.read(4))
        if 0xFFC0 <= marker <= 0xFFC3:
            _, height, width = struct.unpack(">BHH", stream.read(5))
            return width, height
        stream.seek(length - 2, 1)
