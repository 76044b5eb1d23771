"""A real node: sessions get browsers of their own and leave nothing behind."""

import asyncio
import os
import signal
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from playwright.async_api import async_playwright

from noctule.browser.commands import (
    SESSION_OVER,
    BrowserGone,
    BrowserLost,
    BrowserSpec,
    CommandFailed,
    Evaluated,
    EvaluateJs,
    Goto,
    NodeFull,
    Traffic,
    Upstream,
    UpstreamRefused,
    Wait,
)
from noctule.browser.door import Door
from noctule.browser.node import Node
from tests.support.nodes import filled, running_node
from tests.support.pages import Pages, serving

pytestmark = pytest.mark.slow


def _on_node(
    folder: Path, act: Callable[[Node, Pages], Awaitable[None]], *, max_sessions: int = 5, warm: int = 1
) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(100):
            with serving() as pages:
                pages.add("/", "<title>home</title>home")
                async with running_node(folder, allow=pages.allow, max_sessions=max_sessions, warm=warm) as node:
                    await act(node, pages)

    asyncio.run(bounded())


def _browsers() -> set[int]:
    return {
        child.pid
        for child in psutil.Process().children(recursive=True)
        if "chrom" in child.name() and child.status() != psutil.STATUS_ZOMBIE
    }


def _process_of(node: Node, session_id: str) -> int:
    process = node._sessions[session_id].browser._process
    assert process is not None
    return process.pid


def test_a_session_gets_a_browser_from_the_pool_at_once(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        spans = []
        for number in range(5):
            await filled(node)
            started = time.perf_counter()
            await node.acquire(BrowserSpec(f"s{number}"), 10)
            spans.append(time.perf_counter() - started)
        assert statistics.median(spans) < 0.005
        assert node.capacity().live == 5
        with pytest.raises(NodeFull, match="All 5 browsers"):
            node.admit(BrowserSpec("one more"))
        with pytest.raises(NodeFull):
            await node.acquire(BrowserSpec("one more"), 10)
        assert len({_process_of(node, f"s{number}") for number in range(5)}) == 5

    _on_node(tmp_path, act)


def test_release_answers_at_once_with_the_traffic_and_the_rest_happens_behind(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        await node.acquire(BrowserSpec("s"), 10)
        assert node.traffic()["s"].request_bytes == 0
        await node.run("s", Goto(pages.url("/")))
        pid = _process_of(node, "s")
        closed: list[str] = []
        door = node.door("s")
        assert door is not None
        door.on_release(lambda _: closed.append("stream"))
        take_back = door.on_release(lambda _: closed.append("gone before"))
        take_back()
        started = time.perf_counter()
        traffic = await node.release("s")
        assert time.perf_counter() - started < 2
        assert traffic.request_bytes > 0
        assert traffic.response_bytes > 0
        assert traffic.proxied_bytes == 0
        assert closed == ["stream"]
        door.on_release(lambda _: closed.append("too late"))
        await asyncio.sleep(0)
        assert closed == ["stream", "too late"]
        assert node.door("s") is None
        assert node.traffic() == {}
        assert await node.release("s") == Traffic()
        with pytest.raises(BrowserLost):
            await node.run("s", Wait(1))
        async with asyncio.timeout(10):
            while psutil.pid_exists(pid):
                await asyncio.sleep(0.02)

    _on_node(tmp_path, act)


def test_a_closer_is_told_why_the_session_ended(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        told: dict[str, list[str]] = {}

        async def open_one(name: str) -> Door:
            await node.acquire(BrowserSpec(name), 20)
            door = node.door(name)
            assert door is not None
            door.on_release(told.setdefault(name, []).append)
            return door

        def fail(reason: str) -> None:
            raise RuntimeError(reason)

        spent = "The budget 'nightly' is used up."
        door = await open_one("budget")
        door.on_release(fail)
        door.on_release(told["budget"].append)
        await node.release("budget", spent)
        # One closer that fails does not keep the reason from the others, nor does coming late.
        assert told["budget"] == [spent] * 2
        door.on_release(told["budget"].append)
        await asyncio.sleep(0)
        assert told["budget"] == [spent] * 3
        await node.release("budget", "Something else.")
        assert told["budget"] == [spent] * 3

        await open_one("unasked")
        await node.release("unasked")
        assert told["unasked"] == [SESSION_OVER]

        await open_one("dies")
        os.kill(_process_of(node, "dies"), signal.SIGKILL)
        async with asyncio.timeout(5):
            while not told["dies"]:
                await asyncio.sleep(0.01)
        assert told["dies"] == ["The browser of the session has gone."]

        await open_one("last")
        await node.close()
        assert told["last"] == ["The server is stopping."]

    _on_node(tmp_path, act)


def test_a_browser_that_dies_is_reported_once_and_its_command_ends(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        gone: list[BrowserGone] = []
        node.on_gone(gone.append)
        await node.acquire(BrowserSpec("dies"), 10)
        await node.acquire(BrowserSpec("lives"), 20)
        closed: list[str] = []
        door = node.door("dies")
        assert door is not None
        door.on_release(lambda _: closed.append("stream"))
        command = asyncio.create_task(node.run("dies", EvaluateJs("new Promise(() => {})")))
        await asyncio.sleep(0.2)
        os.kill(_process_of(node, "dies"), signal.SIGKILL)
        with pytest.raises(BrowserLost):
            await asyncio.wait_for(command, 5)
        async with asyncio.timeout(5):
            while not gone:
                await asyncio.sleep(0.01)
        await node.release("dies")
        await asyncio.sleep(0.3)
        assert [event.session_id for event in gone] == ["dies"]
        assert "SIGKILL" in gone[0].reason
        assert closed == ["stream"]
        assert await node.run("lives", EvaluateJs("1")) == Evaluated("1")

    _on_node(tmp_path, act)


def test_a_warm_browser_that_died_is_not_handed_out(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        process = node._pool._ready[0]._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        await asyncio.sleep(0.1)
        await node.acquire(BrowserSpec("s"), 20)
        assert await node.run("s", EvaluateJs("1")) == Evaluated("1")

    _on_node(tmp_path, act)


def test_starts_beyond_the_pool_are_served_in_turn(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        order: list[str] = []

        async def start(session_id: str) -> None:
            await node.acquire(BrowserSpec(session_id), 60)
            order.append(session_id)

        names = [f"s{number}" for number in range(6)]
        await asyncio.gather(*(start(name) for name in names))
        assert order == names

    _on_node(tmp_path, act, max_sessions=6)


def test_no_browser_inside_the_deadline_means_full_and_leaves_nothing(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        with pytest.raises(NodeFull, match=r"within 0\.01 s"):
            await node.acquire(BrowserSpec("s", chrome_args=("--lang=de",)), 0.01)
        assert node.capacity().live == 0
        await asyncio.sleep(1)
        assert node._room() == node.capacity().limit + node.capacity().warm_target

    _on_node(tmp_path, act)


def test_a_session_released_while_it_waits_for_its_browser_never_comes_to_be(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        starting = asyncio.create_task(node.acquire(BrowserSpec("s", wants_chromium=True), 30))
        await asyncio.sleep(0.05)
        assert await node.release("s") == Traffic()
        with pytest.raises(NodeFull, match="stopped before"):
            await starting
        assert node.capacity().live == 0

    _on_node(tmp_path, act)


def test_chrome_args_get_a_launch_of_their_own_and_bad_ones_are_refused(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        warm = node._pool._ready[0]
        await node.acquire(BrowserSpec("s", chrome_args=("--user-agent=Mine/1",)), 20)
        assert node._sessions["s"].browser is not warm
        with pytest.raises(CommandFailed, match="remote-debugging-port"):
            await node.acquire(BrowserSpec("t", chrome_args=("--remote-debugging-port=1",)), 20)
        assert node.capacity().live == 1

    _on_node(tmp_path, act)


def test_an_upstream_that_does_not_work_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        upstream = Upstream("http://127.0.0.1:9", "user", "the-password")
        with pytest.raises(UpstreamRefused) as refused:
            await node.acquire(BrowserSpec("s", upstream=upstream), 20)
        assert "the-password" not in str(refused.value)
        assert node.capacity().live == 0

    _on_node(tmp_path, act)


def test_idle_time_is_reset_by_commands_and_by_clients(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        await node.acquire(BrowserSpec("s"), 10)
        await asyncio.sleep(0.2)
        assert node.traffic()["s"].idle_seconds >= 0.2
        waiting = asyncio.create_task(node.run("s", Wait(300)))
        await asyncio.sleep(0.2)
        assert node.traffic()["s"].idle_seconds == 0
        await waiting
        await asyncio.sleep(0.1)
        assert 0.05 < node.traffic()["s"].idle_seconds < 0.2
        node.touch("s")
        assert node.traffic()["s"].idle_seconds < 0.05
        node.touch("unknown")

    _on_node(tmp_path, act)


def test_no_browser_reaches_a_port_of_ours_even_if_it_is_allowed(tmp_path: Path) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60), running_node(tmp_path, allow=("127.0.0.1",)) as node:
            await node.acquire(BrowserSpec("a"), 10)
            await node.acquire(BrowserSpec("b"), 20)
            door = node.door("b")
            assert door is not None
            with pytest.raises(CommandFailed, match="refused by the egress rule"):
                await node.run("a", Goto(f"http://127.0.0.1:{door.port}/json/list"))

    asyncio.run(bounded())


def test_playwright_works_on_the_same_page_and_answers_its_own_dialogs(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        pages.add("/dialog", "<button onclick=\"document.title = prompt('name?')\">ask</button>")
        await node.acquire(BrowserSpec("s", extra_http_headers=(("x-mark", "1"),)), 10)
        await node.run("s", Goto(pages.url("/dialog")))
        door = node.door("s")
        assert door is not None
        door.on_release(lambda _: None)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.connect_over_cdp(f"ws://{door.host}:{door.port}{door.path}")
            page = browser.contexts[0].pages[0]
            assert page.url == pages.url("/dialog")
            await page.click("button")
            assert await page.title() == "null"
            page.on("dialog", lambda dialog: dialog.accept("Ada"))
            await page.click("button")
            assert await page.title() == "Ada"
            second = await browser.contexts[0].new_page()
            await second.goto(pages.url("/"))
            assert pages.requests[-1].headers["x-mark"] == "1"
            await second.close()
            other = await (await browser.new_context()).new_page()
            await other.goto(pages.url("/"))
            await browser.close()
        assert await node.run("s", EvaluateJs("document.title")) == Evaluated("Ada")

    _on_node(tmp_path, act)


def test_closing_ends_everything_inside_ten_seconds(tmp_path: Path) -> None:
    async def bounded() -> None:
        before = _browsers()
        async with running_node(tmp_path, warm=2) as node:
            heard: list[BrowserGone] = []
            node.on_gone(heard.append)
            await node.acquire(BrowserSpec("a"), 10)
            await node.acquire(BrowserSpec("b"), 10)
            assert _browsers() > before
            started = time.monotonic()
            await node.close()
            assert time.monotonic() - started < 10
            assert _browsers() == before
            assert heard == []
            with pytest.raises(NodeFull, match="shutting down"):
                await node.acquire(BrowserSpec("c"), 10)

    asyncio.run(bounded())
