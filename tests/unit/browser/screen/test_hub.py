"""A real page, seen by takers of many kinds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import async_playwright

from noctule.browser.commands import SESSION_OVER, BrowserSpec, CloseTab, EvaluateJs, Goto, GotoNewTab, Viewport
from noctule.browser.driver.picture import size
from noctule.browser.driver.tab import Tab
from noctule.browser.node import Node
from noctule.browser.screen import Frame, Screen
from tests.support.nodes import running_node
from tests.support.pages import Pages, serving
from tests.support.pictures import colour, decode

pytestmark = pytest.mark.slow

_MOVING = (
    "<body style='margin:0;background:#fff'><div id=box style='position:absolute;width:200px;height:200px;"
    "background:red'></div><script>let n=0;(function move(){n+=3;box.style.left=(n%900)+'px';"
    "requestAnimationFrame(move)})()</script>"
)


class _Taker:
    """Keeps what it is given, for as long as it wants it."""

    def __init__(self, frames_per_second: float) -> None:
        self.frames_per_second = frames_per_second
        self.is_willing = True
        self.frames: list[Frame] = []

    def wants(self) -> bool:
        return self.is_willing

    def take(self, frame: Frame) -> None:
        self.frames.append(frame)


@dataclass
class _Stage:
    node: Node
    pages: Pages
    screen: Screen

    async def goto(self, path: str) -> None:
        await self.node.run("s", Goto(self.pages.url(path)))

    @property
    def tab(self) -> Tab:
        tab = self.node._sessions["s"].browser.driver.tabs.in_view
        assert tab is not None
        return tab

    def said(self) -> list[str]:
        """The screencast calls that were sent to the browser, from now on."""
        connection = self.node._sessions["s"].browser.driver.tabs._connection
        calls: list[str] = []
        send = connection._send

        def noted(method: str, params: dict[str, Any] | None, session_id: str) -> int:
            if "creencast" in method:
                calls.append(method)
            return send(method, params, session_id)

        connection._send = noted  # type: ignore[method-assign]
        return calls


def _on_stage(folder: Path, act: Callable[[_Stage], Awaitable[None]], **spec: Any) -> None:
    async def bounded() -> None:
        with serving() as pages:
            pages.add("/", "<body style='background:#fff'>home")
            pages.add("/blue", "<body style='background:#00f'>")
            pages.add("/green", "<body style='background:#0f0'>")
            pages.add("/moving", _MOVING)
            pages.add(
                "/opens", "<body style='background:#ff0'><script>setTimeout(()=>window.open('/green'),300)</script>"
            )
            async with asyncio.timeout(100), running_node(folder, allow=pages.allow) as node:
                await node.acquire(BrowserSpec("s", **spec), 20)
                screen = node.screen("s")
                assert screen is not None
                await act(_Stage(node, pages, screen))

    asyncio.run(bounded())


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.02)


def _colour(frame: Frame) -> str:
    """The colour of a picture that has one."""
    return colour(decode(frame.jpeg, width=1, height=1))


def test_without_takers_nothing_is_asked_of_the_browser_and_a_still_page_sends_nothing_more(tmp_path: Path) -> None:
    async def act(stage: _Stage) -> None:
        calls = stage.said()
        await stage.goto("/moving")
        await asyncio.sleep(0.3)
        assert calls == []
        taker = _Taker(4)
        leave = stage.screen.join(taker)
        await stage.goto("/blue")
        await _until(lambda: bool(taker.frames) and _colour(taker.frames[-1]) == "b")
        await asyncio.sleep(1.8)
        calls.clear()
        taken = len(taker.frames)
        await asyncio.sleep(1)
        assert (calls, len(taker.frames)) == ([], taken)
        leave()
        assert calls == ["Page.stopScreencast"]
        leave()
        calls.clear()
        await stage.goto("/moving")
        await asyncio.sleep(0.3)
        assert calls == []
        assert len(taker.frames) == taken

    _on_stage(tmp_path, act)


def test_every_taker_gets_frames_at_its_own_pace_of_one_screencast(tmp_path: Path) -> None:
    async def act(stage: _Stage) -> None:
        await stage.goto("/moving")
        calls = stage.said()
        slow, live, stuck = _Taker(4), _Taker(30), _Taker(30)
        stuck.is_willing = False
        for taker in (slow, live, stuck):
            stage.screen.join(taker)
        await _until(lambda: len(slow.frames) >= 4)
        assert len(live.frames) >= len(slow.frames)
        assert stuck.frames == []
        assert calls.count("Page.startScreencast") <= 2
        stuck.is_willing = True
        stage.screen.ready()
        assert len(stuck.frames) == 1
        assert stuck.frames[0].at >= live.frames[-1].at
        assert [frame.at for frame in live.frames] == sorted(frame.at for frame in live.frames)

    _on_stage(tmp_path, act)


def test_the_last_change_reaches_the_slowest(tmp_path: Path) -> None:
    async def act(stage: _Stage) -> None:
        slow, live = _Taker(2), _Taker(30)
        stage.screen.join(slow)
        leave = stage.screen.join(live)
        for is_live in (True, False):
            if not is_live:
                leave()
            for path in ("/blue", "/green", "/blue", "/green"):
                await stage.goto(path)
            await _until(lambda: bool(slow.frames) and _colour(slow.frames[-1]) == "g")
            await stage.goto("/blue")
            await _until(lambda: _colour(slow.frames[-1]) == "b")

    _on_stage(tmp_path, act)


def test_a_new_taker_is_given_the_present_picture_at_once(tmp_path: Path) -> None:
    async def act(stage: _Stage) -> None:
        await stage.goto("/blue")
        first, second = _Taker(4), _Taker(30)
        stage.screen.join(first)
        await _until(lambda: bool(first.frames) and _colour(first.frames[-1]) == "b")
        stage.screen.join(second)
        assert second.frames == [first.frames[-1]]

    _on_stage(tmp_path, act)


def test_a_frame_tells_the_view_it_was_drawn_for(tmp_path: Path) -> None:
    async def act(stage: _Stage) -> None:
        stage.pages.add("/long", "<body style='margin:0;background:#0f0;height:5000px'>")
        await stage.goto("/long")
        taker = _Taker(30)
        stage.screen.join(taker)
        await _until(lambda: bool(taker.frames))
        await stage.node.run("s", EvaluateJs("scrollTo(0, 700)"))
        await _until(lambda: taker.frames[-1].scroll_y == 700)
        frame = taker.frames[-1]
        assert (frame.width, frame.height, frame.scale, frame.offset_top, frame.scroll_x) == (900, 700, 1, 0, 0)
        assert size(frame.jpeg) == (900, 700)
        assert frame.tab_id == stage.tab.target_id

    _on_stage(tmp_path, act, viewport=Viewport(900, 700))


@pytest.mark.parametrize("pace", [4, 30])
def test_it_shows_the_tab_that_was_last_opened_or_driven(tmp_path: Path, pace: float) -> None:
    async def act(stage: _Stage) -> None:
        taker = _Taker(pace)
        stage.screen.join(taker)

        async def shows(colour: str) -> None:
            await _until(lambda: bool(taker.frames) and _colour(taker.frames[-1]) == colour)

        await stage.goto("/blue")
        await shows("b")
        await stage.node.run("s", GotoNewTab(stage.pages.url("/green")))
        await shows("g")
        await stage.node.run("s", CloseTab())
        await shows("b")
        await stage.goto("/opens")
        await shows("g")
        await stage.goto("/green")
        await shows("g")
        door = stage.node.door("s")
        assert door is not None
        async with async_playwright() as playwright:
            browser = await playwright.chromium.connect_over_cdp(f"ws://{door.host}:{door.port}{door.path}")
            page = await browser.contexts[0].new_page()
            await page.goto(stage.pages.url("/blue"))
            await shows("b")
            await page.close()
            await shows("g")
            guest = await (await browser.new_context()).new_page()
            await guest.goto(stage.pages.url("/blue"))
            await shows("b")
            await stage.goto("/green")
            await shows("g")
            await guest.goto(stage.pages.url("/blue"))
            await guest.close()
            await stage.goto("/blue")
            await shows("b")
            await stage.goto("/green")
            await shows("g")
            await browser.close()

    _on_stage(tmp_path, act)


@pytest.mark.parametrize("pace", [4, 30])
def test_it_goes_on_after_a_crash_and_with_a_new_size(tmp_path: Path, pace: float) -> None:
    async def act(stage: _Stage) -> None:
        taker = _Taker(pace)
        stage.screen.join(taker)
        await stage.goto("/moving")
        await _until(lambda: len(taker.frames) > 2)
        stage.tab.post("Page.crash")
        await _until(lambda: stage.tab.crashed)
        await stage.goto("/blue")
        await _until(lambda: _colour(taker.frames[-1]) == "b")
        metrics = {"width": 800, "height": 600, "deviceScaleFactor": 0, "mobile": False}
        await stage.tab.call("Emulation.setDeviceMetricsOverride", metrics)
        await _until(lambda: size(taker.frames[-1].jpeg) == (800, 600))
        await stage.goto("/moving")
        seen = len(taker.frames)
        await _until(lambda: len(taker.frames) > seen + 2)

    _on_stage(tmp_path, act)


def test_another_clients_screencast_of_the_page_goes_on_beside_it(tmp_path: Path) -> None:
    async def act(stage: _Stage) -> None:
        door = stage.node.door("s")
        assert door is not None
        await stage.goto("/moving")
        async with async_playwright() as playwright:
            browser = await playwright.chromium.connect_over_cdp(f"ws://{door.host}:{door.port}{door.path}")
            theirs = await browser.contexts[0].new_cdp_session(browser.contexts[0].pages[0])
            seen: list[int] = []

            def on_frame(params: dict[str, Any]) -> None:
                seen.append(params["sessionId"])
                asyncio.get_running_loop().create_task(
                    theirs.send("Page.screencastFrameAck", {"sessionId": params["sessionId"]})
                )

            theirs.on("Page.screencastFrame", on_frame)
            await theirs.send("Page.startScreencast", {"format": "jpeg"})
            taker = _Taker(4)
            leave = stage.screen.join(taker)
            await _until(lambda: len(taker.frames) > 4 and len(seen) > 20)
            leave()
            seen.clear()
            await _until(lambda: len(seen) > 20)
            leave = stage.screen.join(taker)
            await theirs.send("Page.stopScreencast")
            taken = len(taker.frames)
            await _until(lambda: len(taker.frames) > taken + 4)
            await browser.close()

    _on_stage(tmp_path, act)


def test_a_taker_that_fails_is_the_only_one_to_lose_its_frames(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(stage: _Stage) -> None:
        class _Failing(_Taker):
            def take(self, frame: Frame) -> None:
                super().take(frame)
                raise RuntimeError("no room")

        failing, other = _Failing(30), _Taker(30)
        stage.screen.join(failing)
        stage.screen.join(other)
        await stage.goto("/moving")
        await _until(lambda: len(other.frames) > 10)
        assert len(failing.frames) == 1
        assert "a taker of frames failed" in caplog.text

    _on_stage(tmp_path, act)


def test_the_end_of_the_session_is_told_and_ends_it(tmp_path: Path) -> None:
    async def act(stage: _Stage) -> None:
        taker = _Taker(30)
        leave = stage.screen.join(taker)
        await stage.goto("/moving")
        await _until(lambda: bool(taker.frames))
        await stage.node.release("s")
        taken = len(taker.frames)
        assert stage.screen.ended.result() == SESSION_OVER
        assert stage.node.screen("s") is None
        stage.screen.join(taker)
        stage.screen.ready()
        leave()
        await asyncio.sleep(0.2)
        assert len(taker.frames) == taken

    _on_stage(tmp_path, act)


def test_the_last_look_sees_what_changed_just_before_the_end(tmp_path: Path) -> None:
    async def act(stage: _Stage) -> None:
        taker = _Taker(4)
        leave = stage.screen.join(taker)
        await stage.goto("/blue")
        await _until(lambda: bool(taker.frames) and _colour(taker.frames[-1]) == "b")
        await stage.node.run("s", EvaluateJs("document.body.style.background='#0f0'"))
        taken = len(taker.frames)
        leave()
        look = stage.screen.last_look()
        stage.screen.close(SESSION_OVER)
        last = await look
        assert last is not None
        assert _colour(last) == "g"
        assert len(taker.frames) == taken

    _on_stage(tmp_path, act)


def test_the_last_look_at_a_page_that_shows_nothing_any_more_is_not_waited_for(tmp_path: Path) -> None:
    async def act(stage: _Stage) -> None:
        await stage.goto("/blue")
        stage.tab.post("Page.crash")
        await _until(lambda: stage.tab.crashed)
        async with asyncio.timeout(1):
            assert await stage.screen.last_look() is None

    _on_stage(tmp_path, act)
