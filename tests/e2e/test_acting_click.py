"""Clicks find their element as a person would, wait for it, and say what is in the way."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from noctule.browser.commands import BrowserSpec, Click, CommandFailed, Evaluated, EvaluateJs, PressKey, Target
from tests.e2e.acting_stage import SESSION, Stage, on, staged

pytestmark = pytest.mark.slow

_BUTTONS = """
<script>var clicks = [];
addEventListener('click', event => clicks.push(event.target.id + event.isTrusted), true)</script>
<button id=save class=main name=save>Save the page</button>
<button id=hidden style='display:none'>Save the page</button>
<div role=button id=fake tabindex=0 aria-label='Fake one'>x</div>
<p><label>Terms <input type=checkbox id=terms></label></p>
<button id=off disabled>Off</button> <button id=twin1 class=twin>Twin</button> <button id=twin2 class=twin>Twin</button>
"""


@pytest.mark.parametrize(
    ("selector", "clicked"),
    [
        ("#save", "save"),
        ("css=button.main", "save"),
        ("xpath=//button[@name='save']", "save"),
        ("//button[@name='save']", "save"),
        ("text=Save the page", "save"),
        ('internal:text="save the page"i', "save"),
        ('internal:role=button[name="Fake one"i]', "fake"),
        ("role=button[name='Fake one']", "fake"),
        ('internal:label="Terms"i', "terms"),
        ("p >> input", "terms"),
        ("button >> nth=3", "twin1"),
        (".twin >> nth=-1", "twin2"),
        (".twin", "twin1"),
        ('body >> internal:has-text="Twin"i >> button.twin >> nth=1', "twin2"),
    ],
)
def test_a_selector_of_any_syntax_finds_its_element(selector: str, clicked: str, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_BUTTONS)
        acted = await stage.act(Click(on(selector)))
        assert await stage.value("clicks") == [f"{clicked}true"]
        assert acted.selector == selector

    staged(tmp_path, act)


def test_selectors_are_tried_in_their_order(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_BUTTONS)
        acted = await stage.act(Click(on("#nothing", "css=[[", "#twin1", "#twin2")))
        assert (acted.selector, acted.label) == ("#twin1", "Twin")
        assert await stage.value("clicks") == ["twin1true"]
        # Of several the first that can be seen.
        await stage.show(
            "<button style='display:none'>Go</button><button id=seen onclick=\"title.textContent='x'\">Go</button>"
        )
        await stage.act(Click(on("text=Go")))
        missing = await stage.fails(Click(on("#a", "#b"), timeout_seconds=0.3))
        assert missing.kind == "InvalidLocatorRuntimeError"
        assert "Nothing was found for selector '#a'" in missing.message
        wrong = await stage.fails(Click(on("css=[[", "unknown=x")))
        assert (wrong.kind, "Invalid selector" in wrong.message) == ("InvalidLocatorRuntimeError", True)

    staged(tmp_path, act)


def test_an_id_that_was_never_observed_is_refused(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_BUTTONS)
        failed = await stage.fails(Click(Target(id="X1")))
        assert failed.message == "Action with id 'X1' is invalid: action 'X1' not found in page context."

    staged(tmp_path, act)


_HINDRANCES = """<style>div{position:fixed;left:0;width:100%}</style>
<button id=off disabled>Off</button><button id=gone style='visibility:hidden'>Gone</button>
<div style='top:100px'><button id=under onclick="this.dataset.hit=event.isTrusted">Under</button></div>
<div class=veil style='top:90px;height:60px;background:#ccc'>Advert</div>
<button id=out style='position:fixed;left:-900px;top:0' onclick="this.dataset.hit=1">Out</button>
<div id=runner style='top:200px;width:100px'><button id=moving>Moving</button></div>
<script>let x = 0; const move = () => runner.style.left = (x = (x + 7) % 500) + 'px'; setInterval(move, 5);
const frame = () => { move(); requestAnimationFrame(frame) }; frame()</script>
"""


def test_what_is_in_the_way_is_told(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_HINDRANCES)
        assert "Element is disabled" in (await stage.fails(Click(on("#off"), timeout_seconds=0.4))).message
        assert "not visible" in (await stage.fails(Click(on("#gone"), timeout_seconds=0.4))).message
        for name, words in {"under": '<div class="veil"> lies over', "out": "outside of the viewport"}.items():
            acted = await stage.act(Click(on(f"#{name}"), timeout_seconds=0.5))
            assert "A script clicked it, because the mouse could not" in acted.message
            assert words in acted.message
        assert await stage.value("[under.dataset.hit, out.dataset.hit]") == ["false", "1"]
        assert "still moving" in (await stage.act(Click(on("#moving"), timeout_seconds=0.4))).message

    staged(tmp_path, act)


def test_an_element_may_come_late_and_be_replaced_all_the_time(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<main></main><script>var hits=0; setTimeout(() => setInterval(() => "
            "document.querySelector('main').innerHTML = '<button onclick=hits++>Go</button>', 40), 300)</script>"
        )
        await stage.act(Click(on("text=Go"), timeout_seconds=5))
        assert await stage.value("hits") == 1

    staged(tmp_path, act)


def test_what_slips_over_the_element_between_aim_and_click_gets_nothing(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<style>#over{position:fixed;inset:0;display:none}</style><div id=over onclick='stolen=1'></div>"
            "<button id=go onclick='got=1'>Go</button><script>var stolen=0, got=0, first=1;"
            "document.addEventListener('mousemove', () => { if (first) { first=0; over.style.display='block';"
            " setTimeout(() => over.remove(), 300) } })</script>"
        )
        await stage.act(Click(on("#go"), timeout_seconds=5))
        assert await stage.value("[stolen, got]") == [0, 1]

    staged(tmp_path, act)


def test_what_moves_away_at_the_first_touch_of_the_mouse_is_clicked_again(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<style>#icon{display:inline-block;width:20px;height:20px}#icon.gone{width:0;height:0}</style>"
            "<div style='padding:20px'><span id=icon></span></div><script>var clicked = [], first = true;"
            "icon.addEventListener('mousemove', () => { if (first) { first = false; icon.className = 'gone' } });"
            # It is there again before anybody can look, but the browser has chosen already.
            "addEventListener('pointerdown', () => icon.className = '', true);"
            "addEventListener('click', event => clicked.push(event.target.id))</script>"
        )
        await stage.act(Click(on("#icon"), timeout_seconds=3))
        assert await stage.value("clicked") == ["icon"]

    staged(tmp_path, act)


def test_what_is_rendered_anew_under_the_mouse_is_clicked(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<main><p>9 o'clock</p><p id=slot>10 o'clock</p></main><script>var clicked = [];"
            "const main = document.querySelector('main'), text = main.innerHTML;"
            "main.addEventListener('mousemove', () => main.innerHTML = text);"
            "main.addEventListener('mousedown', event => clicked.push(event.target.textContent))</script>"
        )
        await stage.act(Click(on("text=10 o'clock"), timeout_seconds=3))
        assert await stage.value("clicked") == ["10 o'clock"]

    staged(tmp_path, act)


def test_nothing_of_ours_is_to_be_seen_in_the_page(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<button id=go>Go</button>")
        before = await stage.value("[document.documentElement.outerHTML, Object.keys(window).length]")
        await stage.act(Click(on("#go")))
        assert await stage.value("[document.documentElement.outerHTML, Object.keys(window).length]") == before

    staged(tmp_path, act)


def test_keys_go_to_what_has_the_focus(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<input id=a value=hello><input id=b><p style='height:3000px'>")
        await stage.act(Click(on("#a")))
        for key in (
            "End",
            "Shift+ArrowLeft",
            "Shift+ArrowLeft",
            "Control+C",
            "Tab",
            "Control+V",
            "!",
            "Shift+1",
            "Space",
        ):
            await stage.act(PressKey(key))
        assert await stage.value("[a.value, b.value]") == ["hello", "lo!! "]
        await stage.act(PressKey("Control+A"))
        await stage.act(PressKey("Delete"))
        assert await stage.value("b.value") == ""
        assert (await stage.fails(PressKey("Nope"))).kind == "InvalidActionError"

    staged(tmp_path, act)


def test_shortcuts_of_the_browser_itself_are_refused_where_it_has_any(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<input id=a value=hello>")
        await stage.act(Click(on("#a")))
        for key in ("Control+H", "F12", "Control+T", "Alt+Home", "Control+Shift+I"):
            assert "shortcut of the browser" in (await stage.fails(PressKey(key))).message
        for key in ("Control+A", "Backspace", "Shift+A", "b", "Enter"):
            await stage.act(PressKey(key))
        assert await stage.value("[a.value, document.title]") == ["Ab", "page"]

    staged(tmp_path, act, spec=BrowserSpec(SESSION, wants_chromium=True))


def test_a_page_that_hangs_fails_the_click_and_not_the_session(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<button id=go onclick='for(;;);'>Go</button>")
        async with asyncio.timeout(20):
            with contextlib.suppress(CommandFailed):
                await stage.run(Click(on("#go"), timeout_seconds=2))
            await stage.fails(Click(on("#go"), timeout_seconds=2))
        # What hung was stopped, so that the page can go on.
        assert await stage.value("document.title") == "page"
        await stage.show("fine")
        assert await stage.run(EvaluateJs("1 + 1")) == Evaluated("2")

    staged(tmp_path, act)
