"""The pages of ``tests/site`` do what their tables say, so that a test that fails on them has found a fault of ours.

A browser's own mouse and keyboard act on every row, through Playwright; nothing of Noctule is in between.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Dialog,
    Error,
    Locator,
    Page,
    Playwright,
    sync_playwright,
)

from noctule.browser import binaries
from tests.support.site import FOLDER, Row, Site, Step, fields, rows, serving_site

pytestmark = pytest.mark.slow

PAGES = tuple(sorted(path.name for path in FOLDER.glob("*.html")))
_LOGGED_SECONDS = 6.0
# Long enough for what a click does at once, in rows that say that it does nothing.
_QUIET_MS = 150
_MIDDLE_OF_AREA = """area => {
    const picture = document.querySelector(`img[usemap="#${area.parentElement.name}"]`);
    picture.scrollIntoView({ block: "center" });
    const place = picture.getBoundingClientRect();
    const [left, top, right, bottom] = area.coords.split(",").map(Number);
    return [place.left + (left + right) / 2, place.top + (top + bottom) / 2];
}"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving_site() as site:
        yield site


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with _launched(playwright) as browser:
        yield browser


@contextmanager
def _launched(playwright: Playwright, *args: str) -> Iterator[Browser]:
    program, _ = binaries.find().choose(wants_chromium=False)
    browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *args])
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 1080})
    yield context
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_without_a_complaint(name: str, site: Site, context: BrowserContext) -> None:
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("response", lambda reply: complaints.append(reply.url) if reply.status >= 400 else None)
    page.goto(site.url(name), wait_until="networkidle")
    assert page.title()
    assert not complaints
    assert all(request.host in site.allow for request in site.requests)


def test_every_control_of_the_tables_is_there(site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    for name in PAGES:
        page.goto(site.url(name))
        wanted = [row.step.id for row in rows() if row.page == name and not (row.before or row.step.host)]
        missing = [
            wanted_id
            for wanted_id in wanted
            if not any(frame.query_selector(f"[id='{wanted_id}']") for frame in page.frames)
            # These come later than the page.
            and wanted_id not in {"late", "item-1", "item-20"}
        ]
        assert not missing, name


@pytest.mark.parametrize("name", [name for name in PAGES if any(row.page == name for row in rows())])
def test_acting_on_each_control_is_recorded_as_the_tables_say(
    name: str, site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("hello")
    actor = _Actor(context, site, file)
    wrong = []
    for row in rows():
        if row.page != name or row.act == "–":
            continue
        try:
            reason = actor.perform(row)
        except Error as error:
            reason = error.message.splitlines()[0]
        if reason:
            wrong.append(f"{row.step.id} · {row.act} {row.value} · {row.logs}: {reason}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_the_big_page_is_as_big_as_it_says(site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    for seed in ("", "?seed=7"):
        page.goto(site.url(f"big.html{seed}"))
        assert page.evaluate("census()") == {"nodes": 10_000, "controls": 1_500}


def test_a_click_that_a_script_made_up_does_not_count(site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(site.url("controls.html"))
    page.evaluate("document.getElementById('save').click()")
    assert page.evaluate("[events, untrusted]") == [[], ["click save"]]


def test_a_paid_checkout_reaches_the_server(site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(site.url("form.html"))
    for name, value in {"first": "Ada", "last": "Lovelace", "email": "ada@example.org", "cc-number": "4242"}.items():
        page.fill(f"#{name}", value)
    page.check("#accept")
    page.click("#pay")
    page.wait_for_url("**/submit")
    assert page.evaluate("events") == ["received first+last+email+cc-number+cc-month+cc-year+accept"]
    assert dict(fields(site.seen("/submit")[-1]))["email"] == "ada@example.org"


@pytest.mark.parametrize(
    ("kind", "moved"), [("tall", "page"), ("app", "main"), ("smooth", "page"), ("still", ""), ("locked", "")]
)
def test_a_page_scrolls_as_its_kind_says(kind: str, moved: str, site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(site.url(f"scroll.html?kind={kind}"))
    page.mouse.move(20, 400)
    page.mouse.wheel(0, 300)
    if moved:
        page.wait_for_function("name => events.some(entry => entry.startsWith(`scrolled ${name}=`))", arg=moved)
    else:
        page.wait_for_timeout(_QUIET_MS)
        assert page.evaluate("[scrollY, document.querySelector('main').scrollTop, events]") == [0, 0, []]


def test_frames_of_the_other_origin_are_processes_of_their_own(site: Site, playwright: Playwright) -> None:
    # Full Chromium isolates sites by itself, the headless shell when it is told to.
    with _launched(playwright, "--site-per-process") as browser:
        browser.new_page().goto(site.url("frames.html"), wait_until="networkidle")
        targets = browser.new_browser_cdp_session().send("Target.getTargets")["targetInfos"]
    isolated = {
        target["url"].partition("say=")[2].partition("&")[0] for target in targets if target["type"] == "iframe"
    }
    assert {"other", "framed", "outer", "middle"} <= isolated
    assert "same" not in isolated


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("report.pdf", 200, "application/pdf"),
        ("notes.txt", 200, "text/plain; charset=utf-8"),
        ("data.json", 200, "application/json"),
        ("picture.png", 200, "image/png"),
        ("redirect?to=/landing.html", 200, "text/html; charset=utf-8"),
        ("slow?seconds=0.1&as=json", 200, "application/json"),
        ("missing.html", 404, "text/html; charset=utf-8"),
        ("../conftest.py", 404, "text/html; charset=utf-8"),
        ("slow?seconds=99", 400, "text/html; charset=utf-8"),
        ("slow?seconds=soon", 400, "text/html; charset=utf-8"),
        ("redirect?to=//elsewhere.example", 400, "text/html; charset=utf-8"),
        ("items?page=11", 400, "text/html; charset=utf-8"),
    ],
)
def test_what_the_pages_call_answers(path: str, status: int, kind: str, site: Site, context: BrowserContext) -> None:
    reply = context.request.get(site.url(path))
    assert (reply.status, reply.headers["content-type"]) == (status, kind)


class _Actor:
    """Acts on one row after another, each on a page just loaded, and knows everything that was recorded since."""

    def __init__(self, context: BrowserContext, site: Site, file: Path) -> None:
        context.set_default_timeout(8_000)
        self._context, self._site, self._file = context, site, file
        self._downloads: list[str] = []
        context.on("page", self._meet)
        self._page = context.new_page()

    def perform(self, row: Row) -> str | None:
        """Act; answers what was wrong, if anything was."""
        self._begin(row.page)
        for step in row.before:
            self._act(step, "click", "")
            # A chosen file arrives a moment after the click.
            self._page.wait_for_function(
                "[...document.querySelectorAll('input[type=file]:focus')].every(input => input.files.length)"
            )
        if row.logs == "nothing":
            return self._press_in_vain(row)
        self._act(row.step, row.act, row.value)
        deadline = time.monotonic() + _LOGGED_SECONDS
        while not self._is_recorded(row):
            if time.monotonic() > deadline:
                return f"recorded {self._recorded('events')}"
            self._page.wait_for_timeout(20)
        return None

    def _begin(self, page: str) -> None:
        self._downloads.clear()
        for other in self._context.pages:
            if other != self._page:
                other.close()
        self._page.goto(self._site.url(page))

    def _press_in_vain(self, row: Row) -> str | None:
        before = self._recorded("events")
        control = self._page.locator(f"[id='{row.step.id}']")
        control.evaluate("element => element.scrollIntoView({ block: 'center' })")
        box = control.bounding_box()
        assert box
        self._page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        if row.act == "type":
            self._page.keyboard.type(row.value)
        self._page.wait_for_timeout(_QUIET_MS)
        new = self._recorded("events")[len(before) :]
        return f"recorded {new}" if any(row.step.id in entry for entry in new) else None

    def _act(self, step: Step, act: str, value: str) -> None:
        if step.host:
            return self._act_in_root(step, act, value)
        control = self._control(step)
        match act:
            case "click" if step.id.startswith("area-"):
                # An area has no box of its own: its place is in its picture.
                x, y = control.evaluate(_MIDDLE_OF_AREA)
                self._page.mouse.click(x, y)
            case "click":
                control.click()
            case "type":
                # A field that its page enables later.
                control.and_(self._scope(step).locator(":not(:disabled)")).focus()
                self._type(value)
            case "press":
                control.press(value)
            case "drag":
                box = control.bounding_box()
                assert box
                x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
                self._page.mouse.move(x, y)
                self._page.mouse.down()
                self._page.mouse.move(x + float(value), y, steps=5)
                self._page.mouse.up()
            case "select":
                control.select_option(value)
            case "set":
                control.fill(value)
        return None

    def _act_in_root(self, step: Step, act: str, value: str) -> None:
        # Closed roots are closed to Playwright's selectors, and open to the protocol.
        session = self._context.new_cdp_session(self._page)
        root = session.send("DOM.getDocument", {"depth": -1, "pierce": True})["root"]
        host = _find(root, lambda node: _attribute(node, "id") == step.host)
        assert host, f"no {step.host}"
        found = _find({"children": host["shadowRoots"]}, lambda node: _attribute(node, "id") == step.id)
        assert found, f"no {step.id} in {step.host}"
        node = {"nodeId": found["nodeId"]}
        session.send("DOM.scrollIntoViewIfNeeded", node)
        if act == "click":
            corners = session.send("DOM.getBoxModel", node)["model"]["content"]
            self._page.mouse.click((corners[0] + corners[4]) / 2, (corners[1] + corners[5]) / 2)
            return
        session.send("DOM.focus", node)
        if act == "type":
            self._type(value)
        else:
            self._page.keyboard.press(value)

    def _type(self, value: str) -> None:
        self._page.keyboard.press("Control+A")
        self._page.keyboard.type(value.removesuffix("⇥"))
        if value.endswith("⇥"):
            self._page.keyboard.press("Tab")

    def _scope(self, step: Step) -> Any:
        if not step.frame:
            return self._page
        if step.frame == "lazy":
            self._page.locator("iframe[name=lazy]").scroll_into_view_if_needed()
        deadline = time.monotonic() + _LOGGED_SECONDS
        while (frame := self._page.frame(name=step.frame)) is None and time.monotonic() < deadline:
            self._page.wait_for_timeout(20)
        assert frame, f"no frame {step.frame}"
        return frame

    def _control(self, step: Step) -> Locator:
        found: Locator = self._scope(step).locator(f"[id='{step.id}']")
        return found

    def _is_recorded(self, row: Row) -> bool:
        if row.logs.startswith("downloads "):
            return row.logs.removeprefix("downloads ") in self._downloads
        # A script's own event is all that there is where a value was set rather than typed.
        entries = self._recorded("events") + (self._recorded("untrusted") if row.act in {"set", "select"} else [])
        if row.logs.endswith("…"):
            return any(entry.startswith(row.logs[:-1]) for entry in entries)
        return row.logs in entries

    def _recorded(self, name: str) -> list[str]:
        entries: list[str] = []
        for page in self._context.pages:
            try:
                entries += page.evaluate(f"window.{name} ?? []")
            except Error:
                continue  # A page that is just leaving.
        return entries

    def _meet(self, page: Page) -> None:
        page.on("dialog", _accept)
        # A file by its path: the browser itself then makes the events.
        page.on("filechooser", lambda chooser: chooser.set_files(self._file))
        page.on("download", lambda download: self._downloads.append(download.suggested_filename))


def _accept(dialog: Dialog) -> None:
    dialog.accept(dialog.default_value)


def _find(node: dict[str, Any], wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    if wanted(node):
        return node
    for child in [*node.get("shadowRoots", ()), *node.get("children", ())]:
        if found := _find(child, wanted):
            return found
    return None


def _attribute(node: dict[str, Any], name: str) -> str | None:
    pairs = node.get("attributes", [])
    return dict(zip(pairs[::2], pairs[1::2], strict=True)).get(name)
