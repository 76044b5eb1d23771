"""One part of a page is read by any selector that actions take, and a selector that leads nowhere is told."""

from pathlib import Path

import pytest

from noctule.browser.commands import BrowserSpec, ReadPage
from tests.e2e.acting_stage import OWN_PROCESSES, SESSION, Stage, staged
from tests.e2e.reading_stage import document, read, text, text_of

pytestmark = pytest.mark.slow

_PAGE = (
    "<main><section id=one><h2>First</h2><p>alpha</p></section><section class=two><h2>Second</h2><p>beta</p>"
    "</section></main><p hidden>kept out of sight</p>"
)


@pytest.mark.parametrize(
    "selector",
    [
        ".two",
        "section >> nth=1",
        "section:has-text('beta')",
        "xpath=//section[2]",
        "//section[h2='Second']",
        "css=main>.two",
    ],
)
def test_a_part_is_read_by_its_selector(selector: str, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_PAGE)
        answer = await read(stage, selector)
        page = await document(stage, selector)
        assert (answer.title, page.root.tag, text_of(page.root)) == ("page", "section", "Second beta")

    staged(tmp_path, act)


def test_a_part_that_is_hidden_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_PAGE)
        assert await text(stage, "p[hidden]") == "kept out of sight"

    staged(tmp_path, act)


@pytest.mark.parametrize("spec", [BrowserSpec(SESSION), BrowserSpec(SESSION, chrome_args=OWN_PROCESSES)])
def test_a_selector_leads_into_frames(spec: BrowserSpec, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("frames.html")
        for name in ("same", "other"):
            selector = f"iframe[name={name}] >> internal:control=enter-frame >> #press"
            assert await text(stage, selector) == f"Press {name}"

    staged(tmp_path, act, spec=spec)


@pytest.mark.parametrize(
    ("selector", "told"),
    [("#nowhere", "Nothing was found"), ("p[", "Invalid selector"), ("magic=x", "Invalid selector")],
)
def test_a_selector_that_leads_nowhere_fails(selector: str, told: str, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_PAGE)
        failed = await stage.fails(ReadPage(selector))
        assert (failed.kind, told in failed.message) == ("InvalidLocatorRuntimeError", True)
        assert (await text(stage)).startswith("First")

    staged(tmp_path, act)


def test_a_selector_is_found_when_it_comes_late(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<p>soon<script>setTimeout(() => document.body.append(document.createElement('hr')), 2600)</script>"
        )
        assert (await document(stage, "hr")).root.tag == "hr"

    staged(tmp_path, act)
