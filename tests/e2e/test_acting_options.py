"""Options are chosen in native lists and in those that pages draw themselves."""

from pathlib import Path

import pytest

from noctule.browser.commands import SelectOption
from tests.e2e.acting_stage import Stage, on, staged

pytestmark = pytest.mark.slow

_NATIVE = """<script>var ev = []; addEventListener('change', event => ev.push(event.target.value))</script>
<label>Size <select id=size><option>Small</option><option value=m>Medium&nbsp; one</option>
<option disabled>Large</option></select></label>
<select id=several multiple><option>A</option><option>B</option><option>C</option></select>
<select id=late></select><select id=off disabled><option>One</option></select>"""


def test_native_options_are_chosen_by_text_or_value(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_NATIVE)
        for value, expected in {"Medium one": "m", "small": "Small", "m": "m", "Sma": "Small"}.items():
            acted = await stage.act(SelectOption(on("#size"), value))
            assert await stage.value("size.value") == expected
            assert acted.label == "Size"
        assert await stage.value("ev") == ["m", "Small", "m", "Small"]
        await stage.act(SelectOption(on("text=Size"), "m"))
        await stage.act(SelectOption(on("#size option >> nth=0"), ""))
        assert await stage.value("size.value") == "Small"
        for value in ("A", "C"):
            await stage.act(SelectOption(on("#several"), value))
        assert await stage.value("[...several.selectedOptions].map(one => one.label)") == ["A", "C"]

    staged(tmp_path, act)


def test_native_options_may_come_late(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_NATIVE + "<script>setTimeout(() => late.add(new Option('Late')), 400)</script>")
        await stage.act(SelectOption(on("#late"), "Late"))
        assert await stage.value("late.value") == "Late"

    staged(tmp_path, act)


def test_what_cannot_be_chosen_is_told_with_what_can(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_NATIVE)
        for value, words in {"Large": "The option is disabled", "Huge": "No such option"}.items():
            failed = await stage.fails(SelectOption(on("#size"), value, timeout_seconds=0.5))
            assert words in failed.message
            assert 'Available: "Small", "Medium one"' in failed.message
        assert await stage.value("size.value") == "Small"
        off = await stage.fails(SelectOption(on("#off"), "One", timeout_seconds=0.5))
        assert "Element is disabled" in off.message

    staged(tmp_path, act)


_DRAWN = """<style>ul { margin: 0 } [hidden] { display: none }</style>
<button id=menu aria-haspopup=listbox onclick="setTimeout(() => list.hidden = false, 150)">Colour</button>
<div id=portal></div><ul id=list role=listbox hidden><li role=option>Red</li><li role=option>Green</li>
<li role=option aria-disabled=true>Blue</li></ul>
<div id=plain onclick="drop.hidden = false">Plain</div><div id=drop hidden><div>Opt One</div><div>Opt Two</div></div>
<input id=city role=combobox aria-controls=found><ul id=found role=listbox></ul>
<script>var chosen = [];
for (const one of [list, drop, found]) one.addEventListener('click', event => {
  if (event.isTrusted) { chosen.push(event.target.textContent); if (one !== found) one.hidden = true } });
city.addEventListener('input', () => setTimeout(() => found.innerHTML = city.value ?
  '<li role=option>Bern North</li><li role=option>Bern South</li>' : '', 100))</script>"""


def test_lists_that_a_page_draws_are_opened_and_chosen_from(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_DRAWN)
        await stage.act(SelectOption(on("#menu"), "Green"))
        await stage.act(SelectOption(on("#plain"), "Opt Two"))
        await stage.act(SelectOption(on("#city"), "Bern South"))
        assert await stage.value("chosen") == ["Green", "Opt Two", "Bern South"]
        failed = await stage.fails(SelectOption(on("#menu"), "Purple", timeout_seconds=5))
        assert 'Available: "Red", "Green"' in failed.message
        # The list is open now, and is not closed by opening it.
        await stage.act(SelectOption(on("#menu"), "Red"))
        await stage.show(_DRAWN)
        await stage.fails(SelectOption(on("#menu"), "Blue", timeout_seconds=5))
        await stage.act(SelectOption(on("#list >> text=Red"), ""))
        assert await stage.value("chosen") == ["Red"]

    staged(tmp_path, act)


def test_the_lists_of_component_libraries_are_chosen_from(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("aria.html")
        await stage.act(SelectOption(on("#fruit"), "Pear"))
        await stage.act(SelectOption(on("#skills"), "Rust"))
        await stage.act(SelectOption(on("#file-menu"), "Wrap lines"))
        events = await stage.value("events")
        assert {"choose fruit=Pear", "set skills=Rust"} <= set(events), events

    staged(tmp_path, act)
