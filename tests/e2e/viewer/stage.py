"""What the tests of the viewer share: a session, and people who look at it through the viewer's page."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import httpx
from playwright.sync_api import Browser, Page, expect

from tests.support.origin import Origin
from tests.support.server import Server

_PATIENCE_SECONDS = 10.0

# Four coloured quarters, a field, and a list of all that happens.
FIRST_PAGE = """<!doctype html><title>First page</title><meta charset=utf-8>
<style>
body{margin:0;height:3000px;font:20px sans-serif}
.quarter{position:absolute;width:100px;height:100px}
#field{position:absolute;left:300px;top:40px;width:300px;height:40px;font:20px monospace}
#link{position:absolute;left:300px;top:120px}
#button{position:absolute;left:300px;top:180px;width:120px;height:40px;cursor:grab}
</style>
<div class=quarter style="left:0;top:0;background:#f00"></div>
<div class=quarter style="left:100px;top:0;background:#0f0"></div>
<div class=quarter style="left:0;top:100px;background:#00f"></div>
<div class=quarter id=last style="left:100px;top:100px;background:#ff0"></div>
<input id=field><a id=link href="/second">second page</a><button id=button>Button</button>
<script>
window.told = [];
const tell = (kind, detail) => told.push(kind + ' ' + detail);
for (const kind of ['mousedown', 'mouseup', 'click', 'dblclick', 'contextmenu'])
  addEventListener(kind, (e) => tell(kind, [e.clientX, e.clientY, e.button, e.detail].join()), true);
addEventListener('contextmenu', (e) => e.preventDefault());
for (const kind of ['keydown', 'keyup'])
  addEventListener(kind, (e) => tell(kind, [e.key, e.code, e.keyCode, +e.ctrlKey, +e.shiftKey].join('/')), true);
for (const kind of ['compositionstart', 'compositionupdate', 'compositionend'])
  addEventListener(kind, (e) => tell(kind, e.data), true);
</script>"""


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that must come about."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.02)


class Person:
    """Somebody at the viewer's page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def keyboard(self) -> Any:
        return self.page.keyboard

    def sees_it_live(self) -> Self:
        """Wait until the picture is there."""
        expect(self.page.locator("#status-text")).to_have_text("Live", timeout=10_000)
        expect(self.page.locator("html:not([data-waiting])")).to_be_attached(timeout=10_000)
        return self

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where in the person's window a point of the remote page is."""
        box = self.page.locator("#canvas").bounding_box()
        assert box is not None
        width = self.page.evaluate("document.getElementById('canvas').width")
        return box["x"] + x * box["width"] / width, box["y"] + y * box["width"] / width

    def click(self, x: float, y: float, **options: Any) -> None:
        """Click at a point of the remote page."""
        self.page.mouse.click(*self.place(x, y), **options)

    def colour(self, x: int, y: int) -> tuple[int, int, int]:
        """The pixel of the canvas at a point of the remote page."""
        code = "([x, y]) => [...document.getElementById('canvas').getContext('2d').getImageData(x, y, 1, 1).data]"
        red, green, blue, _ = self.page.evaluate(code, [x, y])
        return red, green, blue

    def sees(self, x: int, y: int, colour: tuple[int, int, int]) -> None:
        """Wait until a pixel has, nearly, a colour: the picture is a JPEG."""

        def is_close() -> bool:
            return all(abs(a - b) < 40 for a, b in zip(self.colour(x, y), colour, strict=True))

        wait_until(is_close, f"{colour} at {x}, {y}")

    def control(self) -> str:
        """What the button of control says."""
        return self.page.locator("#control").inner_text()

    def is_told(self, text: str) -> None:
        """Wait for a notice."""
        expect(self.page.locator("#notices")).to_contain_text(text, timeout=10_000)


class Remote:
    """A live session, spoken to over HTTP, and those who look at it."""

    def __init__(self, server: Server, origin: Origin, browser: Browser, **start: Any) -> None:
        self.server = server
        self.origin = origin
        self._browser = browser
        self._start = start
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.api: httpx.Client = self._stack.enter_context(self.server.client())
        answer = self.api.post("/sessions/start", json={"idle_timeout_minutes": 5, **self._start})
        assert answer.status_code == 200, answer.text
        self.session = answer.json()
        self.id: str = self.session["session_id"]
        self.viewer_url: str = self.session["viewer_url"]
        self._stack.callback(self.api.delete, f"/sessions/{self.id}/stop")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def act(self, **action: Any) -> dict[str, Any]:
        """``execute``, which is carried out."""
        answer = self.try_to(**action)
        assert answer.status_code == 200, answer.text
        reply: dict[str, Any] = answer.json()
        assert reply["success"], reply["message"]
        return reply

    def try_to(self, **action: Any) -> httpx.Response:
        """``execute``, whatever comes of it."""
        return self.api.post(f"/sessions/{self.id}/page/execute", json=action)

    def js(self, code: str) -> str:
        """What code answers in the remote page."""
        return str(self.act(type="evaluate_js", code=code)["data"]["markdown"])

    def told(self) -> list[str]:
        """What happened in the remote page since it was asked last."""
        return [line for line in self.js("told.splice(0).join('\\n')").split("\n") if line]

    def debug(self) -> httpx.Response:
        """Where the session is looked at."""
        return self.api.get(f"/sessions/{self.id}/debug")

    def stop(self) -> None:
        """End the session."""
        assert self.api.delete(f"/sessions/{self.id}/stop").status_code == 200

    def open(self, url: str, *, width: int = 1500, height: int = 1250, **context: Any) -> Page:
        """A page of a browser of its own, as another person has."""
        opened = self._browser.new_context(viewport={"width": width, "height": height}, **context)
        self._stack.callback(opened.close)
        page = opened.new_page()
        page.goto(url)
        return page

    def person(self, options: str = "", **how: Any) -> Person:
        """Somebody who has opened the viewer and sees the picture."""
        return Person(self.open(self.viewer_url + options, **how)).sees_it_live()
