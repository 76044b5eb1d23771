"""The viewer's page, told of tabs by a stream that the test speaks for: many, by keyboard, while they change."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect, sync_playwright

from noctule.browser import binaries

pytestmark = pytest.mark.slow

_FOLDER = files("noctule.debug.routes").joinpath("viewer")
_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}


class _Viewer:
    """The page, and what it says. It is opened with ``options`` in its address."""

    def __init__(self, page: Page, options: str = "", *, interactive: bool = True) -> None:
        self.page = page
        self.said: list[dict[str, Any]] = []
        self._interactive = interactive
        self._socket: WebSocketRoute | None = None
        page.route("http://viewer.test/**", self._file)
        page.route_web_socket("ws://viewer.test/**", self._join)
        minimal = 'data-mode="embed-minimal"' if "embed-minimal" in options else 'data-mode="full"'
        self._html = _FOLDER.joinpath("index.html").read_text().replace('data-mode="full"', minimal)
        page.goto(f"http://viewer.test/viewer?session=s&token=t{options}")
        expect(page.locator("html")).to_have_attribute("data-control", "")

    def _file(self, route: Route) -> None:
        name = route.request.url.partition("/viewer/")[2]
        if not name:
            route.fulfill(body=self._html, content_type="text/html")
        else:
            route.fulfill(body=_FOLDER.joinpath(name).read_text(), content_type=_TYPES[name.rpartition(".")[2]])

    def _join(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        socket.on_message(lambda text: self.said.append(json.loads(text)))
        self.tell("hello", {"session_id": "s", "interactive": self._interactive})
        self.tell("control", {"holder": None, "since": None})

    def tell(self, kind: str, data: Any) -> None:
        assert self._socket is not None
        self._socket.send(json.dumps({"type": kind, "data": data, "timestamp": "2026-01-01T00:00:00Z"}))

    def show_tabs(self, titles: list[str], current: int = 0) -> None:
        tabs = [{"id": f"T{n}", "title": title, "url": f"https://{n}.example/"} for n, title in enumerate(titles)]
        state = {"loading": False, "can_go_back": True, "can_go_forward": False}
        self.tell("tabs", {"tabs": tabs, "current": f"T{current}", **state})
        expect(self.page.locator(".tab .name")).to_have_text(titles)
        expect(self.page.locator(f".tab[data-current][data-id=T{current}]")).to_be_attached()

    def heard(self, kind: str) -> list[dict[str, Any]]:
        """What the page has said of that kind; it is given a moment."""
        self.page.wait_for_timeout(50)
        return [message for message in self.said if message["type"] == kind]

    def has_focus(self, selector: str) -> bool:
        return bool(self.page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector))


@pytest.fixture(scope="module")
def pages() -> Iterator[list[Page]]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binaries.find().chromium, args=["--no-sandbox"])
        yield [browser.new_page(viewport={"width": 900, "height": 700}) for _ in range(7)]
        browser.close()


@pytest.fixture
def page(pages: list[Page]) -> Page:
    return pages.pop()


def test_a_hundred_tabs_are_one_stop_on_the_way_to_the_address_and_the_current_one_is_seen(page: Page) -> None:
    viewer = _Viewer(page)
    viewer.show_tabs([f"Tab {number}" for number in range(100)], current=70)
    expect(page.locator(".tab[data-current] .name")).to_be_in_viewport(ratio=1)
    expect(page.locator(".tab").first).not_to_be_in_viewport()
    page.locator(".tab[data-current] .name").focus()
    stops = []
    while not viewer.has_focus("#address"):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        assert len(stops) < 10, stops
    page.mouse.move(100, 20)
    page.mouse.wheel(0, -100_000)
    expect(page.locator(".tab").first).to_be_in_viewport()


def test_tabs_are_walked_chosen_and_closed_by_keys(page: Page) -> None:
    viewer = _Viewer(page)
    viewer.show_tabs(["One", "Two", "Three"])
    page.locator(".tab[data-current] .name").focus()
    for key, title in (("ArrowRight", "Two"), ("End", "Three"), ("ArrowRight", "One"), ("ArrowLeft", "Three")):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.textContent") == title
    page.keyboard.press("Enter")
    page.keyboard.press("Delete")
    assert [message["tab"] for message in (*viewer.heard("show"), *viewer.heard("shut"))] == ["T2", "T2"]
    viewer.show_tabs(["One", "Two"], current=1)
    assert page.evaluate("document.activeElement.textContent") == "Two"


def test_a_title_that_changes_takes_no_click_and_no_focus_away(page: Page) -> None:
    viewer = _Viewer(page)
    viewer.show_tabs(["One", "Two"])
    page.locator(".tab .name").last.hover()
    page.mouse.down()
    viewer.show_tabs(["One", "Two of two"])
    page.mouse.up()
    assert viewer.heard("show") == [{"type": "show", "tab": "T1"}]
    assert viewer.has_focus("[data-id=T1] .name")


@pytest.mark.parametrize("width", [320, 900])
def test_the_longest_titles_leave_room_for_everything_else(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 600})
    viewer = _Viewer(page)
    viewer.show_tabs(["<b>" + "W" * 297, "\u202e" + "x" * 299])
    for part in ("#new-tab", "#status", "#address", "#control", "#reload"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_picture_that_stands_alone_can_be_left_by_the_keyboard(page: Page) -> None:
    viewer = _Viewer(page, "&mode=embed-minimal")
    viewer.show_tabs(["One"])
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<button id=beyond>beyond</button>')")
    page.locator("#keyboard").focus()
    page.keyboard.press("Tab")
    assert viewer.has_focus("#keyboard")
    page.keyboard.press("F6")
    page.keyboard.press("Tab")
    assert viewer.has_focus("#beyond")


def test_who_may_only_look_is_not_held_by_the_picture_and_has_nothing_to_close(page: Page) -> None:
    viewer = _Viewer(page, interactive=False)
    viewer.show_tabs(["One"])
    expect(page.locator(".shut")).to_be_hidden()
    expect(page.locator("#keyboard")).to_be_disabled()
    page.locator(".tab .name").click()
    assert viewer.heard("show") == []
