"""Shared processes on a real node: contexts of one owner that know nothing of one another, gone with their sessions."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from noctule.browser.commands import (
    BrowserGone,
    BrowserSpec,
    CommandFailed,
    Evaluated,
    EvaluateJs,
    Goto,
    PageRead,
    ReadPage,
    Viewport,
)
from noctule.browser.node import Node
from noctule.browser.shared import Limits
from tests.support.nodes import running_node
from tests.support.pages import Pages, serving

pytestmark = pytest.mark.slow

KEEPING = "<title>k</title>kept<script>document.cookie = 'a=1; max-age=99'; localStorage.b = 2</script>"


def _on_node(
    folder: Path, act: Callable[[Node, Pages], Awaitable[None]], *, max_sessions: int = 20, warm: int = 0
) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(100):
            with serving() as pages:
                pages.add("/", "<title>home</title>home")
                pages.add("/keeping", KEEPING)
                async with running_node(folder, allow=pages.allow, max_sessions=max_sessions, warm=warm) as node:
                    await act(node, pages)

    asyncio.run(bounded())


def _one_shot(session_id: str, owner: str = "w", **wishes: object) -> BrowserSpec:
    return BrowserSpec(session_id, shared_by=owner, **wishes)  # type: ignore[arg-type]


async def _says(node: Node, session_id: str, code: str) -> str:
    answer = await node.run(session_id, EvaluateJs(code))
    assert isinstance(answer, Evaluated)
    return answer.text


def _pid(node: Node, place: int = 0) -> int:
    process = node._shared._hosts[place].browser.result().process
    assert process is not None
    return process.pid


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_sessions_of_one_owner_share_a_process_and_nothing_else(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        await asyncio.gather(*(node.acquire(_one_shot(name), 30) for name in ("a", "b")))
        assert node._shared.processes == 1
        await node.run("a", Goto(pages.url("/keeping")))
        assert await _says(node, "a", "document.cookie + localStorage.b") == "a=12"
        await node.run("b", Goto(pages.url("/")))
        assert await _says(node, "b", "document.cookie + localStorage.b") == "undefined"
        assert node.door("a") is None
        await node.release("a")
        await node.acquire(_one_shot("c"), 30)
        await node.run("c", Goto(pages.url("/")))
        assert await _says(node, "c", "document.cookie + localStorage.b") == "undefined"
        assert node._shared.processes == 1

    _on_node(tmp_path, act)


def test_owners_never_share_and_others_never_get_such_a_process(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        await node.acquire(_one_shot("a", "w"), 30)
        await node.acquire(_one_shot("b", "v"), 30)
        await node.acquire(BrowserSpec("c"), 30)
        assert node._shared.processes == 2
        assert len({_pid(node, 0), _pid(node, 1)}) == 2
        process = node._sessions["c"].browser.process
        assert process is not None
        assert process.pid not in {_pid(node, 0), _pid(node, 1)}

    _on_node(tmp_path, act)


def test_each_context_has_the_options_and_the_traffic_of_its_session(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        plain = await node.acquire(_one_shot("a"), 30)
        dressed = await node.acquire(
            _one_shot(
                "b", user_agent="Bat/1.0", viewport=Viewport(640, 480), extra_http_headers=(("X-Bat", "noctule"),)
            ),
            30,
        )
        assert "Headless" not in plain.user_agent
        assert (dressed.user_agent, dressed.viewport) == ("Bat/1.0", Viewport(640, 480))
        for name in ("a", "b"):
            await node.run(name, Goto(pages.url(f"/?{name}")))
        seen = {request.path[2:]: request.headers for request in pages.requests if "?" in request.path}
        assert seen["a"]["user-agent"] == plain.user_agent
        assert "x-bat" not in seen["a"]
        assert (seen["b"]["user-agent"], seen["b"]["x-bat"]) == ("Bat/1.0", "noctule")
        assert await _says(node, "b", "innerWidth") == "640"
        assert await _says(node, "a", "innerWidth") == "1280"
        before = node.traffic()
        await node.run("a", Goto(pages.url("/?again")))
        after = node.traffic()
        assert after["a"].request_bytes > before["a"].request_bytes > 0
        assert after["b"].request_bytes == before["b"].request_bytes > 0

    _on_node(tmp_path, act)


def test_private_addresses_are_refused_from_contexts_too(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        await node.acquire(_one_shot("a"), 30)
        with pytest.raises(CommandFailed, match="NOCTULE_EGRESS_ALLOW"):
            await node.run("a", Goto("http://127.0.0.1:4444/"))

    _on_node(tmp_path, act)


def test_a_page_is_read_in_a_context(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        await node.acquire(_one_shot("a"), 30)
        await node.run("a", Goto(pages.url("/"), "domcontentloaded"))
        read = await node.run("a", ReadPage())
        assert isinstance(read, PageRead)
        assert read.title == "home"
        assert b"home" in read.tree

    _on_node(tmp_path, act)


def test_a_process_that_nobody_uses_ends_after_a_moment(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        node._shared.limits = Limits(idle_seconds=0.1)
        await node.acquire(_one_shot("a"), 30)
        pid = _pid(node)
        await node.release("a")
        await _until(lambda: not _is_alive(pid))
        assert node._shared.processes == 0

    _on_node(tmp_path, act)


def test_a_process_serves_only_so_many(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        node._shared.limits = Limits(at_a_time=2, in_all=3)
        for name in ("a", "b", "c"):
            await node.acquire(_one_shot(name), 30)
        assert node._shared.processes == 2
        first = _pid(node)
        await node.release("a")
        await _until(lambda: node._shared._hosts[0].users == 1)
        await node.acquire(_one_shot("d"), 30)
        for name in ("b", "d"):
            await node.release(name)
        await _until(lambda: not _is_alive(first))
        assert node._shared.processes == 1

    _on_node(tmp_path, act)


def test_a_process_that_nobody_uses_makes_way(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        await node.acquire(_one_shot("a"), 30)
        await node.release("a")
        assert node._shared.processes == 1
        await node.acquire(BrowserSpec("b"), 20)
        assert node._shared.processes == 0

    _on_node(tmp_path, act, max_sessions=1)


def test_a_process_that_dies_ends_its_sessions_and_the_next_gets_another(tmp_path: Path) -> None:
    async def act(node: Node, pages: Pages) -> None:
        gone: list[BrowserGone] = []
        node.on_gone(gone.append)
        await asyncio.gather(*(node.acquire(_one_shot(name), 30) for name in ("a", "b")))
        os.kill(_pid(node), signal.SIGKILL)
        await _until(lambda: len(gone) == 2)
        assert {each.session_id for each in gone} == {"a", "b"}
        await node.acquire(_one_shot("c"), 30)
        await node.run("c", Goto(pages.url("/")))

    _on_node(tmp_path, act)


def test_closing_the_node_leaves_nothing(tmp_path: Path) -> None:
    pids: list[int] = []

    async def act(node: Node, pages: Pages) -> None:
        await node.acquire(_one_shot("a"), 30)
        pids.append(_pid(node))

    _on_node(tmp_path, act)
    assert not _is_alive(pids[0])
