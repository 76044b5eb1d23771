"""What an observation tells, on small pages: what is there for a person, under ids that stay."""

import asyncio
import re
from pathlib import Path

import pytest

from noctule.browser.commands import (
    BrowserSpec,
    Click,
    CommandFailed,
    EvaluateJs,
    GotoNewTab,
    Observe,
    Observed,
    Screenshot,
    Target,
)
from noctule.browser.driver.picture import size
from tests.e2e.acting_stage import OWN_PROCESSES, SESSION, Stage, staged

ALL = 1500


async def observed(stage: Stage, *, with_picture: bool = False) -> Observed:
    seen = await stage.run(Observe(with_picture=with_picture))
    assert isinstance(seen, Observed)
    return seen


def lines(seen: Observed) -> list[str]:
    return seen.description.split("\n")


def ids(seen: Observed) -> dict[str, str]:
    """Ids by name."""
    return {node.name: node.id for node in seen.nodes}


async def _logged(stage: Stage, text: str) -> None:
    """Wait until the newest entry of the page's log has this text: frames tell the page a moment later."""
    async with asyncio.timeout(5):
        while text not in await stage.value("document.getElementById('log').textContent"):
            await asyncio.sleep(0.02)


def test_letters_follow_roles_and_numbers_the_order_of_reading(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<a href='/a'>Home</a><button>Save</button><input aria-label=Name>"
            "<select aria-label=Size><option>S<option>M</select>"
            "<input type=checkbox aria-label=Tick><div role=tab>First</div><img src=x alt=Bat width=60 height=60>"
            "<div onclick=0>Listens</div><div role=slider tabindex=0 aria-label=Loudness>3</div><p>Only text</p>"
        )
        seen = await observed(stage)
        assert [(node.id, node.kind, node.name) for node in seen.nodes] == [
            ("L1", "click", "Home"),
            ("B1", "click", "Save"),
            ("I1", "fill", "Name"),
            ("I2", "select", "Size"),
            ("O1", "option", "S"),
            ("O2", "option", "M"),
            ("B2", "click", "Tick"),
            ("B3", "click", "First"),
            ("F1", "click", "Bat"),
            ("M1", "click", "Listens"),
            ("I3", "fill", "Loudness"),
        ]
        assert lines(seen)[:2] == ['L1[:]<a href="/a">Home</a>', "B1[:]<button>Save</button>"]
        assert lines(seen)[-1] == "_[:]Only text"

    staged(tmp_path, act)


def test_an_id_stays_with_its_element_and_new_elements_are_marked(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<button>One</button><button>Two</button>")
        first = await observed(stage)
        assert " new" not in first.description
        await stage.run(EvaluateJs("document.body.insertAdjacentHTML('afterbegin', '<button>Zero</button>')"))
        second = await observed(stage)
        assert ids(second) == {"Zero": "B3", "One": "B1", "Two": "B2"}
        assert lines(second)[0] == "B3[:]<button new>Zero</button>"
        await stage.run(EvaluateJs("document.querySelectorAll('button')[1].remove()"))
        third = await observed(stage)
        assert ids(third) == {"Zero": "B3", "Two": "B2"}
        await stage.run(EvaluateJs("document.body.insertAdjacentHTML('beforeend', '<button>Three</button>')"))
        assert ids(await observed(stage)) == {"Zero": "B3", "Two": "B2", "Three": "B4"}

    staged(tmp_path, act)


def test_an_element_that_is_rendered_anew_in_its_place_keeps_its_id(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<main><button>One</button><button>Two</button></main>")
        before = ids(await observed(stage))
        await stage.run(EvaluateJs("document.querySelector('main').innerHTML += ''"))
        assert ids(await observed(stage)) == before
        acted = await stage.act(Click(Target(before["Two"])))
        assert acted.label == "Two"

    staged(tmp_path, act)


def test_an_open_dialog_comes_first_and_what_is_behind_a_modal_one_has_no_ids(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<button>Behind</button><div role=dialog aria-modal=true aria-label=Cookies "
            "style='position:fixed;inset:20%'>"
            "<button>Accept</button></div>"
        )
        aria = await observed(stage)
        assert lines(aria)[:2] == [
            "### Content of 'dialog' component with text 'Cookies'",
            "B1[:]<button>Accept</button>",
        ]
        assert list(ids(aria)) == ["Accept"]
        await stage.show("<button>Behind</button><dialog><h2>Sure?</h2><button>Yes</button></dialog>")
        assert list(ids(await observed(stage))) == ["Behind"]
        await stage.run(EvaluateJs("document.querySelector('dialog').showModal()"))
        native = await observed(stage)
        assert lines(native)[0] == "### Content of 'dialog' component with text 'Sure?'"
        assert list(ids(native)) == ["Yes"]

    staged(tmp_path, act)


def test_what_a_person_cannot_reach_has_no_id(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<button disabled>Off</button><button hidden>Hidden</button>"
            "<button style='visibility:hidden'>Invisible</button>"
            "<button style='position:absolute;left:-999px'>Left</button><button style='opacity:0'>Clear</button>"
            "<div style='position:relative'><button>Under</button>"
            "<div style='position:absolute;inset:0;background:red'></div></div>"
            "<div style='overflow:hidden;height:0'><button>Folded</button></div><div inert><button>Inert</button></div>"
            "<div style='overflow:hidden;height:80px'><div style='overflow-y:scroll;height:80px'>"
            "<p style='height:200px'></p><button>Further down</button></div></div>"
            "<button style='margin-top:3000px'>Far below</button>"
        )
        seen = await observed(stage)
        assert list(ids(seen)) == ["Further down", "Far below"]
        await stage.run(EvaluateJs("document.querySelector('div > div[style*=scroll]').scrollTop = 9999"))
        assert list(ids(await observed(stage))) == ["Further down", "Far below"]
        assert "_[:]<button disabled>Off</button>" in lines(seen)
        assert "_[:]<button covered>Under</button>" in lines(seen)
        for gone in ("Hidden", "Invisible", "Left", "Clear", "Folded"):
            assert gone not in seen.description

    staged(tmp_path, act)


def test_a_list_that_listens_for_its_entries_gives_the_entries(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<ul><li>Ant</li><li>Bee</li><li>Cat</li></ul><div id=root><p>Some text</p><button>Go</button></div>"
            "<script>document.querySelector('ul').addEventListener('click', () => 0);"
            "for (const t of 'click mousedown mouseup keydown keyup focus blur input change "
            "submit reset copy cut'.split(' '))"
            " root.addEventListener(t, () => 0)</script>"
        )
        seen = await observed(stage)
        assert [(node.id, node.name) for node in seen.nodes] == [
            ("M1", "Ant"),
            ("M2", "Bee"),
            ("M3", "Cat"),
            ("B1", "Go"),
        ]
        assert "_[:]Some text" in lines(seen)

    staged(tmp_path, act)


def test_a_password_is_told_by_dots_alone(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<input type=password aria-label=Password value='correct horse'><input aria-label=User value=ada>"
        )
        seen = await observed(stage)
        assert "horse" not in repr(seen)
        assert 'value="••••••••"' in seen.description
        assert 'value="ada"' in seen.description

    staged(tmp_path, act)


def test_a_thing_without_a_name_is_told_by_its_class(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<style>span{cursor:pointer;display:inline-block;width:20px;height:20px}</style><span class=trash></span>"
            "<button><i class='fa fa-star'></i></button><input name=q>"
        )
        assert lines(await observed(stage)) == [
            'M1[:]<span class="trash"></span>',
            'B1[:]<button class="fa fa-star"></button>',
            'I1[:]<input name="q"/>',
        ]

    staged(tmp_path, act)


@pytest.mark.parametrize("flags", [(), OWN_PROCESSES], ids=["shared", "own-processes"])
def test_boxes_are_where_things_are_drawn_in_frames_of_any_kind(tmp_path: Path, flags: tuple[str, ...]) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("frames.html")
        seen = await observed(stage)
        names = [node.name for node in seen.nodes if node.name.startswith("Press ")]
        assert names.count("Press other") == names.count("Press sandboxed") == names.count("Press inner") == 1
        assert len(seen.nodes) == len({node.id for node in seen.nodes})
        for node in seen.nodes:
            if node.name in ("Press same", "Press other", "Press framed", "Press scaled", "Press sandboxed"):
                await stage.run(Click(Target(node.id)))
                await _logged(stage, node.name.removeprefix("Press "))
                x, y, width, height = node.box
                inside = await stage.value(f"document.elementFromPoint({x + width / 2}, {y + height / 2}).localName")
                assert inside == "iframe"

    staged(tmp_path, act, spec=BrowserSpec(SESSION, chrome_args=flags))


def test_closed_shadow_roots_are_looked_into(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("shadow.html")
        seen = await observed(stage)
        named = ids(seen)
        for name in ("Confirm order", "Open the vault", "Deepest button", "Slotted button", "Declared, closed"):
            assert name in named
        assert "In no slot" not in seen.description
        buttons = [node.id for node in seen.nodes if node.id[0] == "B"]
        assert buttons == [f"B{number}" for number in range(1, len(buttons) + 1)]

    staged(tmp_path, act)


def test_a_page_sees_nothing_of_an_observation(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<button>Go</button><script>window.calls = []; window.before = Object.getOwnPropertyNames(window).length;"
            "for (const [o, n] of [[Element.prototype, 'getBoundingClientRect'], "
            "[Element.prototype, 'checkVisibility'],"
            "[Document.prototype, 'elementFromPoint'], [window, 'getComputedStyle'], [Node.prototype, 'contains']]) {"
            "const was = o[n]; o[n] = function (...a) { calls.push(n); return was.apply(this, a) } }"
            "new MutationObserver((all) => calls.push(all.length))."
            "observe(document, {subtree: true, childList: true, attributes: true})"
            "</script>"
        )
        for _ in range(2):
            await observed(stage)
        assert await stage.value("calls") == []
        assert await stage.value("Object.getOwnPropertyNames(window).length - before") == 1

    staged(tmp_path, act)


def test_a_page_of_any_size_and_depth_ends_in_a_bounded_answer(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<body><script>document.body.innerHTML = '<p>a <b>b</b></p>'.repeat(35000)</script>")
        seen = await observed(stage)
        assert "left out" in lines(seen)[-1]
        assert len(seen.description) < 1_000_000
        await stage.show(
            "<body><script>let d = document.body; for (let i = 0; i < 1500; i++) "
            "d = d.appendChild(document.createElement('div'));"
            "document.body.insertAdjacentHTML('beforeend', '<button>After</button>')</script>"
        )
        assert list(ids(await observed(stage))) == ["After"]

    staged(tmp_path, act)


def test_a_script_that_does_not_end_is_stopped_and_the_page_observed_again(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<button>Still here</button><script>setTimeout(() => { for (;;); }, 300)</script>")
        await stage.run(EvaluateJs("new Promise((done) => setTimeout(done, 200))"))
        await asyncio.sleep(0.4)
        with pytest.raises(CommandFailed) as failed:
            await stage.run(Observe(with_picture=False, timeout_seconds=2))
        assert "did not answer in time" in failed.value.message
        assert list(ids(await observed(stage))) == ["Still here"]

    staged(tmp_path, act)


def test_all_controls_of_a_large_page_are_found_named_and_placed(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("big.html")
        seen = await observed(stage)
        controls = [node for node in seen.nodes if node.kind != "option"]
        assert len(controls) >= ALL
        assert all(node.name and node.box[2] > 0 and node.box[3] > 0 for node in controls)
        assert len({node.id for node in seen.nodes}) == len(seen.nodes)

    staged(tmp_path, act)


def test_the_picture_is_even_and_the_tabs_are_told(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("landing.html")
        await stage.run(GotoNewTab(stage.site.url("controls.html")))
        seen = await observed(stage, with_picture=True)
        assert seen.jpeg is not None
        width, height = size(seen.jpeg)
        assert width % 2 == height % 2 == 0
        assert [tab.number for tab in seen.tabs] == [0, 1]
        assert seen.tabs[1].title == seen.title == "Native controls"
        assert seen.url.endswith("/controls.html")
        assert re.search(r"/landing\.html$", seen.tabs[0].url)
        await stage.run(Screenshot())

    staged(tmp_path, act)


def test_a_blank_tab_has_nothing_to_tell(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        seen = await observed(stage)
        assert (seen.url, seen.nodes, seen.description) == ("about:blank", (), "")

    staged(tmp_path, act)


def test_listeners_are_found_in_frames_of_the_same_process_as_well(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        inner = "<p id=p>Plain words<script>document.getElementById('p').addEventListener('click', () => 0)</script>"
        await stage.show(f'<button>Outside</button><iframe srcdoc="{inner}"></iframe>')
        assert ids(await observed(stage)) == {"Outside": "B1", "Plain words": "M1"}

    staged(tmp_path, act)


def test_what_is_named_like_a_property_of_its_form_or_document_stands_in_nobodys_way(tmp_path: Path) -> None:
    in_form = re.findall(
        r"\w+",
        "assignedSlot attributes checkVisibility childElementCount childNodes children closest contains firstChild"
        " firstElementChild getAttribute getBoundingClientRect getRootNode hasAttribute hasAttributes inert localName"
        " nextSibling nodeType ownerDocument parentElement parentNode previousElementSibling querySelector"
        " querySelectorAll shadowRoot tabIndex textContent",
    )
    in_document = ["body", "elementFromPoint", "host", "querySelectorAll", "scrollingElement", "title"]

    async def act(stage: Stage) -> None:
        fields = "".join(f"<input name={name} aria-label={name}>" for name in in_form)
        pictures = "".join(f"<img name={name}>" for name in in_document)
        await stage.show(
            f"<form role=dialog tabindex=0 onclick=0>{fields}</form>"
            "<div onclick=0><form><input name=localName><input name=getAttribute></form></div>"
            f"<button>After</button>{pictures}"
        )
        seen = await observed(stage)
        assert {*in_form, "After"} <= set(ids(seen))
        assert seen.title == "page"

    staged(tmp_path, act)
