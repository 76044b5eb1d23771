"""Acting by the ids of an observation: on the very element that was seen, for as long as it is there."""

import asyncio
from pathlib import Path

import pytest

from noctule.browser.commands import (
    Acted,
    BrowserSpec,
    Click,
    Fill,
    Goto,
    Node,
    Observe,
    Observed,
    Reload,
    SelectOption,
    Target,
)
from tests.e2e.acting_stage import OWN_PROCESSES, SESSION, Stage, on, staged

pytestmark = pytest.mark.slow


async def _nodes(stage: Stage) -> dict[str, Node]:
    """What is seen now, by name."""
    observed = await stage.run(Observe(with_picture=False))
    assert isinstance(observed, Observed)
    return {node.name.strip(): node for node in observed.nodes}


async def _click(stage: Stage, node: Node, timeout_seconds: float = 5.0) -> Acted:
    return await stage.act(Click(Target(id=node.id), timeout_seconds=timeout_seconds))


async def _is_recorded(stage: Stage, entry: str) -> bool:
    """Frames tell the page a moment later."""
    for _ in range(100):
        if entry in await stage.value("events"):
            return True
        await asyncio.sleep(0.02)
    return False


_PAGE = """<button id=go onclick="this.dataset.hit = 1">Go</button><p><button>Twin one</button></p>
<p><button onclick="this.dataset.hit = 2">Twin two</button></p><input aria-label="Field">
<select aria-label="Size"><option>Small</option><option>Large</option></select><div id=host></div>
<script>const root = host.attachShadow({ mode: 'closed' }); root.innerHTML = '<button>Closed</button>';
root.addEventListener('click', () => window.closed_hit = 1)</script>"""


def test_an_id_leads_to_its_element_and_the_answer_says_how_to_find_it_again(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_PAGE)
        nodes = await _nodes(stage)
        clicked = await _click(stage, nodes["Go"])
        assert (clicked.selector, clicked.label) == ("#go", "Go")
        again = await _click(stage, nodes["Twin two"])
        assert await stage.value("[...document.querySelectorAll('[data-hit]')].map(one => one.textContent)") == [
            "Go",
            "Twin two",
        ]
        assert (await stage.act(Click(on(again.selector)))).label == "Twin two"
        await stage.act(Fill(Target(id=nodes["Field"].id), "text"))
        assert await stage.value("document.querySelector('input').value") == "text"
        for target, value in ((Target(id=nodes["Size"].id), "Large"), (Target(id=nodes["Size"].id), "Small")):
            await stage.act(SelectOption(target, value))
            assert await stage.value("document.querySelector('select').value") == value

    staged(tmp_path, act)


def test_an_element_that_is_gone_is_not_replaced_by_another(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_PAGE)
        nodes = await _nodes(stage)
        await stage.value("go.remove()")
        for _ in range(2):
            gone = await stage.fails(Click(Target(id=nodes["Go"].id)))
            assert gone.kind == "InvalidActionError"
            assert f"Action with id '{nodes['Go'].id}' is invalid" in gone.message
            assert "observe again" in gone.message
            await stage.run(Reload())
        await stage.run(Goto(stage.site.url("landing.html")))
        assert "observe again" in (await stage.fails(Click(Target(id=nodes["Go"].id)))).message
        unknown = await stage.fails(Click(Target(id="X1")))
        assert unknown.message == "Action with id 'X1' is invalid: action 'X1' not found in page context."

    staged(tmp_path, act)


@pytest.mark.parametrize("chrome_args", [(), OWN_PROCESSES], ids=["one process", "processes of their own"])
def test_ids_lead_into_frames(chrome_args: tuple[str, ...], tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("frames.html")
        for name in ("same", "other", "srcdoc", "sandboxed", "framed", "scaled", "outer", "middle", "inner"):
            nodes = await _nodes(stage)
            if f"Press {name}" not in nodes:
                # It is further down than an observation looks.
                await stage.value(f"document.querySelector('iframe[name={name}], [name=outer]').scrollIntoView()")
                nodes = await _nodes(stage)
            acted = await _click(stage, nodes[f"Press {name}"])
            assert acted.label == f"Press {name}"
            assert await _is_recorded(stage, f"{name}: click press")
            await stage.act(Click(on(acted.selector), timeout_seconds=5))

    staged(tmp_path, act, spec=BrowserSpec(SESSION, chrome_args=chrome_args))
