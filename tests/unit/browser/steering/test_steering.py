"""A person's hand on real pages: in order, never in the middle of an action, never held up by a page."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from noctule.browser.commands import BrowserSpec, Evaluated, EvaluateJs, Fill, Goto, GotoNewTab, ShutTab, Target
from noctule.browser.node import Node
from noctule.browser.steering import Key, Mouse, Steering, Text, Wheel
from tests.support.nodes import running_node
from tests.support.pages import serving

pytestmark = pytest.mark.slow

_PAGE = """<title>Steered</title><body style="height:5000px;margin:0"><input id=field style="width:400px;height:40px">
<script>window.told = []; for (const kind of ['mousedown', 'mouseup', 'mousemove', 'keydown', 'keyup'])
addEventListener(kind, (e) => told.push(kind + (e.key ?? '')), true);</script>"""


def _on_stage(folder: Path, act: Callable[[Node, Steering], Awaitable[None]], wants_chromium: bool = False) -> None:
    async def bounded() -> None:
        with serving() as pages:
            pages.add("/", _PAGE)
            async with asyncio.timeout(60), running_node(folder, allow=pages.allow, warm=0) as node:
                await node.acquire(BrowserSpec("s", wants_chromium=wants_chromium), 30)
                await node.run("s", Goto(pages.url("/")))
                steering = node.steering("s")
                assert steering is not None
                await act(node, steering)

    asyncio.run(bounded())


async def _js(node: Node, code: str) -> str:
    answer = await node.run("s", EvaluateJs(code))
    assert isinstance(answer, Evaluated)
    return answer.text


def _key(kind: str, key: str, code: str = "", number: int = 0, modifiers: int = 0) -> Key:
    text = key if kind == "down" and len(key) == 1 and not modifiers else ""
    return Key("down" if kind == "down" else "up", key, code, text, number, modifiers=modifiers)


def _click() -> tuple[Mouse, Mouse]:
    return Mouse("down", 50, 20, "left", 1, 1), Mouse("up", 50, 20, "left", 0, 1)


async def _until(node: Node, code: str, wanted: str) -> None:
    while await _js(node, code) != wanted:
        await asyncio.sleep(0.02)


def test_mouse_and_keyboard_keep_their_order(tmp_path: Path) -> None:
    async def act(node: Node, steering: Steering) -> None:
        for given in _click():
            assert steering.steer(given) is None
        for letter in "in order":
            assert steering.steer(_key("down", letter)) is None
            assert steering.steer(_key("up", letter)) is None
        assert steering.steer(Text(" and more")) is None
        await _until(node, "document.getElementById('field').value", "in order and more")
        assert await steering.selection() == ""
        steering.steer(_key("down", "a", "KeyA", 65, 2))
        assert await steering.selection() == "in order and more"

    _on_stage(tmp_path, act)


def test_turns_of_the_wheel_are_drawn_together_and_lose_no_way(tmp_path: Path) -> None:
    async def act(node: Node, steering: Steering) -> None:
        for _ in range(1000):
            assert steering.steer(Wheel(100, 100, 0, 1)) is None
        while float(await _js(node, "scrollY")) < 1000:
            await asyncio.sleep(0.02)

    _on_stage(tmp_path, act)


def test_nothing_comes_between_the_parts_of_an_action(tmp_path: Path) -> None:
    ready = "setTimeout(() => { field.disabled = false; told.push('ready'); }, 600)"
    notes = "field.addEventListener('input', () => told.push('filled'), { once: true })"

    async def act(node: Node, steering: Steering) -> None:
        await _js(node, f"const field = document.getElementById('field'); field.disabled = true; {notes}; {ready}")
        filling = asyncio.create_task(node.run("s", Fill(Target(selectors=("#field",)), "by a program")))
        await asyncio.sleep(0.2)
        for given in (*_click(), _key("down", "x"), _key("up", "x")):
            assert steering.steer(given) is None
        await filling
        await _until(node, "told.includes('keydownx')", "true")
        order = "['ready', 'filled', 'keydownx'].map((one) => told.indexOf(one))"
        first, second, third = map(int, (await _js(node, f"{order}.join()")).split(","))
        assert 0 <= first < second < third

    _on_stage(tmp_path, act)


def test_a_page_that_never_answers_bounds_what_waits_and_a_new_page_is_steered(tmp_path: Path) -> None:
    async def act(node: Node, steering: Steering) -> None:
        await _js(node, "setTimeout(() => { for (;;) {} }, 20)")
        await asyncio.sleep(0.1)
        answers = []
        for _ in range(400):
            answers.append(steering.steer(_key("down", "x")))
            await asyncio.sleep(0.002)
        assert "The page does not answer" in str(next(answer for answer in answers if answer is not None))
        assert (await steering.look()).tabs[0].title == "Steered"
        assert await steering.selection() == ""
        await node.run(
            "s", GotoNewTab("data:text/html,<textarea autofocus style='width:300px;height:200px'></textarea>")
        )
        while steering.steer(Mouse("down", 20, 20, "left", 1, 1)) is not None:
            await asyncio.sleep(0.1)
        steering.steer(Mouse("up", 20, 20, "left", 0, 1))
        while await _js(node, "document.querySelector('textarea').value") != "ok":
            await _js(node, "document.querySelector('textarea').value = ''")
            steering.steer(Text("ok"))
            await asyncio.sleep(0.3)

    _on_stage(tmp_path, act)


def test_halves_of_characters_that_a_page_has_can_be_told(tmp_path: Path) -> None:
    half = "String.fromCharCode(0xd83d)"
    chosen = f"const f = document.getElementById('field'); f.value = 'a' + {half}; f.focus(); f.select()"

    async def act(node: Node, steering: Steering) -> None:
        await _js(node, f"document.title = 'T' + {half}; {chosen}")
        copied = await steering.selection()
        assert copied.encode()[:1] == b"a"
        assert (await steering.look()).tabs[0].title.encode()[:1] == b"T"

    _on_stage(tmp_path, act)


def test_text_that_waits_is_bounded_by_its_length_too(tmp_path: Path) -> None:
    async def act(node: Node, steering: Steering) -> None:
        await _js(node, "setTimeout(() => { for (;;) {} }, 20)")
        await asyncio.sleep(0.1)
        answers = [steering.steer(Text("x" * 500_000)) for _ in range(5)]
        assert answers[:4] == [None] * 4
        assert "The page does not answer" in str(answers[4])

    _on_stage(tmp_path, act)


def test_shortcuts_of_the_window_of_full_chromium_are_refused(tmp_path: Path) -> None:
    async def act(node: Node, steering: Steering) -> None:
        for key in (
            _key("down", "F12", "F12", 123),
            _key("down", "h", "KeyH", 72, 2),
            _key("down", "t", "KeyT", 84, 2),
        ):
            assert "shortcut of the remote browser's own window" in str(steering.steer(key))
        assert steering.steer(_key("down", "a", "KeyA", 65, 2)) is None
        assert len((await steering.look()).tabs) == 1

    _on_stage(tmp_path, act, wants_chromium=True)


def test_tabs_are_told_with_what_can_be_done_in_the_one_in_view(tmp_path: Path) -> None:
    async def act(node: Node, steering: Steering) -> None:
        view = await steering.look()
        assert (view.tabs[0].title, view.can_go_back, view.can_go_forward) == ("Steered", True, False)
        await node.run("s", GotoNewTab("data:text/html,<title>Two</title>"))
        view = await steering.look()
        assert [(tab.number, tab.title) for tab in view.tabs] == [(0, "Steered"), (1, "Two")]
        assert view.in_view == view.tabs[1].id
        await node.run("s", ShutTab(view.tabs[0].id))
        assert [tab.title for tab in (await steering.look()).tabs] == ["Two"]

    _on_stage(tmp_path, act)


def test_after_the_end_of_the_session_nothing_is_steered(tmp_path: Path) -> None:
    async def act(node: Node, steering: Steering) -> None:
        for given in _click():
            steering.steer(given)
        await node.release("s")
        assert steering.steer(_key("down", "x")) == "The session is over."
        assert node.steering("s") is None

    _on_stage(tmp_path, act)
