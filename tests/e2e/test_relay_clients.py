"""Real clients on a real Chromium through the relay: everything works, and nothing reaches too far."""

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Page, sync_playwright
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.unit.browser.relay.stage import FULL, SHELL, Chromium, Stage, chromium, staged

pytestmark = pytest.mark.slow


class _Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
            return
        self.send_response(200)
        if self.path == "/report.txt":
            self.send_header("Content-Disposition", "attachment")
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>Site</title><a href='/report.txt'>get</a><input type=file>")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module", params=[SHELL, FULL], ids=["shell", "full"])
def browser(request: pytest.FixtureRequest) -> Iterator[Chromium]:
    if not Path(request.param).exists():
        pytest.skip(f"{request.param} is not installed")
    with chromium(request.param) as browser:
        yield browser


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder


@pytest.fixture
def stage(browser: Chromium, downloads: Path) -> Iterator[Stage]:
    with staged(browser, downloads) as stage:
        yield stage


class _Raw:
    """A client that speaks CDP by hand, on one page of its own."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._id = 0
        self._session: str | None = None
        self.target = self.result("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.result("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        self._id += 1
        message = {"id": self._id, "method": method, "params": params}
        if session or (self._session and not method.startswith(("Target.", "Browser."))):
            message["sessionId"] = session or self._session
        self._connection.send(json.dumps(message))
        while (answer := json.loads(self._connection.recv(timeout=20))).get("id") != self._id:
            pass
        return dict(answer)

    def result(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        answer = self.call(method, session, **params)
        assert "result" in answer, answer
        return dict(answer["result"])

    def evaluate(self, expression: str, **params: Any) -> Any:
        return self.result(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True, **params
        )["result"].get("value")


@pytest.fixture
def raw(stage: Stage) -> Iterator[_Raw]:
    with connect(stage.url, compression=None, max_size=None, proxy=None) as connection:
        raw = _Raw(connection)
        yield raw
        with contextlib.suppress(ConnectionClosed):
            raw.call("Target.closeTarget", targetId=raw.target)


def _blank(page: Page) -> bool:
    return page.url == "about:blank"


def test_playwright_does_its_work_and_closing_it_leaves_the_browser(
    stage: Stage, browser: Chromium, site: str, downloads: Path, tmp_path: Path
) -> None:
    upload = tmp_path / "upload.txt"
    upload.write_text("from the client")
    with sync_playwright() as playwright:
        client = playwright.chromium.connect_over_cdp(stage.url)
        page = client.contexts[0].pages[0]
        page.goto(site)
        assert page.title() == "Site"

        page.set_input_files("input", upload)
        assert page.evaluate("document.querySelector('input').files[0].text()") == "from the client"
        page.set_input_files("input", {"name": "b.txt", "mimeType": "text/plain", "buffer": b"from memory"})
        assert page.evaluate("document.querySelector('input').files[0].text()") == "from memory"

        with page.expect_download() as expected:
            page.click("a")
        assert expected.value.suggested_filename == "report.txt"
        for _ in range(100):
            if any(file.read_text().startswith("<title>") for file in downloads.iterdir()):
                break
            page.wait_for_timeout(50)
        else:
            raise AssertionError(f"no download in the session's folder: {list(downloads.iterdir())}")

        second = client.contexts[0].new_page()
        second.goto(f"{site}/second")
        context = client.new_context(viewport={"width": 500, "height": 400})
        inside = context.new_page()
        inside.goto(site)
        assert inside.evaluate("innerWidth") == 500
        assert len(inside.screenshot()) > 100
        inside.set_content("<b>hi</b>")
        assert inside.inner_text("b") == "hi"
        for url in ("file:///etc/passwd", "chrome://version", "view-source:" + site):
            with pytest.raises(Error, match=r"Refused by Noctule"):
                second.goto(url)
        with pytest.raises(Error, match=r"Refused by Noctule"):
            client.new_context(proxy={"server": "http://127.0.0.1:9"})
        context.close()
        second.close()
        page.goto("about:blank")
        client.close()

        again = playwright.chromium.connect_over_cdp(stage.url)
        assert _blank(again.contexts[0].pages[0])
        again.close()
    assert browser.process.poll() is None
    assert stage.gate.touched > 50


def test_two_clients_see_the_same_page_and_one_may_leave(stage: Stage, site: str) -> None:
    with sync_playwright() as playwright:
        one, two = (playwright.chromium.connect_over_cdp(stage.url) for _ in range(2))
        one.contexts[0].pages[0].goto(site)
        two.contexts[0].pages[0].wait_for_url(f"{site}/")
        one.close()
        assert two.contexts[0].pages[0].title() == "Site"
        two.contexts[0].pages[0].goto("about:blank")
        two.close()


def test_the_last_page_may_be_closed_and_the_browser_lives(stage: Stage, browser: Chromium, raw: _Raw) -> None:
    for target in raw.result("Target.getTargets")["targetInfos"]:
        if target["type"] == "page":
            raw.result("Target.closeTarget", targetId=target["targetId"])
    assert raw.result("Target.createTarget", url="about:blank")["targetId"]
    assert raw.result("Browser.close") == {}
    assert browser.process.poll() is None


@pytest.mark.parametrize("start", ["about:blank", "data:text/html,<p>x"])
@pytest.mark.parametrize("world", ["page", "isolated"])
def test_page_script_opens_no_file_and_no_page_of_the_browser(
    raw: _Raw, browser: Chromium, start: str, world: str
) -> None:
    raw.result("Page.navigate", url=start)
    params: dict[str, Any] = {}
    if world == "isolated":
        # The right that automation libraries ask for in their own world; it must not open files either.
        frame = raw.result("Page.getFrameTree")["frameTree"]["frame"]["id"]
        made = raw.result("Page.createIsolatedWorld", frameId=frame, worldName="w", grantUniveralAccess=True)
        params["contextId"] = made["executionContextId"]
    for url in ("file:///etc/passwd", "chrome://version", "view-source:about:blank", "devtools://devtools/x"):
        assert raw.evaluate(f"fetch('{url}').then(r => r.text(), () => 'failed')", **params) == "failed"
        script = f"""new Promise(done => {{
            const opened = window.open({url!r}); const frame = document.createElement('iframe');
            frame.src = {url!r}; (document.body || document.documentElement).append(frame);
            try {{ location = {url!r} }} catch (e) {{}}
            setTimeout(() => {{ const seen = [location.href];
                for (const w of [opened, frame.contentWindow]) try {{ seen.push(w.location.href) }} catch (e) {{}}
                opened && opened.close(); frame.remove(); done(seen) }}, 400) }})"""
        seen = raw.evaluate(script, **params)
        assert all(place.startswith(("about:blank", "data:")) for place in seen), seen


def test_a_redirect_to_a_file_is_not_followed(raw: _Raw, site: str) -> None:
    assert raw.result("Page.navigate", url=f"{site}/redirect")["errorText"] == "net::ERR_UNSAFE_REDIRECT"


def test_the_browsers_own_pages_cannot_be_spoken_to(raw: _Raw) -> None:
    for target in raw.result("Target.getTargets")["targetInfos"]:
        session = raw.result("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        answer = raw.call("Runtime.evaluate", session, expression="location.href")
        if target["url"].startswith("chrome"):
            assert "Refused by Noctule" in answer["error"]["message"]
        else:
            assert "result" in answer


def test_an_event_with_a_long_address_still_opens_its_session(raw: _Raw) -> None:
    target = raw.result("Target.createTarget", url="data:text/html,<p>" + "x" * 300_000)["targetId"]
    session = raw.result("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    assert raw.result("Runtime.evaluate", session, expression="1+1")["result"]["value"] == 2


def test_large_answers_and_large_calls_pass(raw: _Raw) -> None:
    assert len(raw.evaluate("'x'.repeat(2e7)")) == 20_000_000
    assert raw.evaluate(f"'{'y' * 5_000_000}'.length") == 5_000_000


def test_no_stroke_that_passes_puts_a_page_of_the_browser_in_place_of_the_clients(browser: Chromium, raw: _Raw) -> None:
    raw.result("Page.bringToFront")
    refused = 0
    strokes = [(key, f"Key{chr(key)}") for key in range(65, 91)] + [
        (36, "Home"),
        (46, "Delete"),
        (123, "F12"),
        (112, "F1"),
    ]
    for modifiers in (0, 1, 2, 3, 4, 8, 9, 10):
        for key, code in strokes:
            # Either way of naming the key, alone and together.
            for named in ({"windowsVirtualKeyCode": key}, {"code": code}, {"windowsVirtualKeyCode": key, "code": code}):
                answer = raw.call(
                    "Input.dispatchKeyEvent", type="rawKeyDown", nativeVirtualKeyCode=key, modifiers=modifiers, **named
                )
                refused += "error" in answer
    assert refused > 50
    # The browser acts on what the page left only after the page has answered.
    time.sleep(0.5)
    targets = raw.result("Target.getTargets")["targetInfos"]
    assert [target["url"] for target in targets if target["type"] == "page" and target["targetId"] == raw.target] == [
        "about:blank"
    ]
    assert not [
        target for target in targets if target["type"] == "page" and target["url"].startswith(("chrome:", "devtools:"))
    ]
