"""Choosing options: natively, or in lists that a page draws itself, as a person does: open, look, click."""

from typing import Any

from noctule.browser.commands import Acted, CommandFailed, SelectOption, Target
from noctule.browser.driver.acting import pointer
from noctule.browser.driver.acting.failures import cut, failure
from noctule.browser.driver.acting.fields import FIELD_SCRIPTS, fill_held
from noctule.browser.driver.acting.locating import Spot, reach
from noctule.browser.driver.acting.pointer import Found
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.tab import Tab

OPTION_SCRIPTS = (*FIELD_SCRIPTS, "options")

_PATIENCE_MS = 2000
_APPEAR_MS = 2000
_LATE_APPEAR_MS = 3000


async def select_option(tab: Tab, command: SelectOption) -> Acted:
    """Choose an option by its text, value, or id. Raises ``CommandFailed`` naming what there is, ``CdpError``."""
    deadline = Deadline(command.timeout_seconds)
    target = command.target
    if not target.selectors and not target.id:
        target = Target(id=command.value)
    options = {"value": command.value, "patienceMs": _PATIENCE_MS, "select": not target.selectors}
    spot, answer = await reach(tab, target, "acting.pick", options, deadline, OPTION_SCRIPTS)
    found = await pointer.found(spot, answer, target, deadline)
    chosen = answer.get("chosen")
    if answer["need"] == "click":
        await _click_held(tab, spot, target, deadline)
        chosen = found.label
    elif answer["need"] == "open":
        chosen = await _choose_from_list(tab, found, answer, command.value, target, deadline)
    name = cut(str(chosen or command.value), 100)
    place = "" if found.label == chosen else f" in {found.name}"
    return Acted(f"Selected {name!r}{place}.", found.selector, found.label)


async def _choose_from_list(
    tab: Tab, found: Found, answer: dict[str, Any], value: str, target: Target, deadline: Deadline
) -> str:
    """Open the list that belongs to the element, wait for the option, click it; answers its text."""
    spot = found.spot
    await _click_held(tab, spot, target, deadline)
    shown = await _appear(spot, value, _APPEAR_MS, deadline)
    if shown.get("failed") == "nooption" and answer["isField"]:
        # The list of a search field comes when somebody types.
        await spot.run("acting.holdTrigger", deadline=deadline, scripts=OPTION_SCRIPTS)
        await fill_held(tab, spot, 0, value, deadline)
        shown = await _appear(spot, value, _LATE_APPEAR_MS, deadline)
    if shown.get("failed"):
        if shown.get("empty"):
            raise CommandFailed(
                "ActionExecutionError",
                f"No options appeared after {found.name} was clicked; if it is a text field, fill it instead",
            )
        raise failure({**answer, **shown}, target, deadline.seconds)
    await _click_held(tab, spot, target, deadline)
    chosen: str = shown["chosen"]
    return chosen


async def _appear(spot: Spot, value: str, most_ms: int, deadline: Deadline) -> dict[str, Any]:
    most_ms = min(most_ms, int(deadline.left_seconds * 1000))
    shown: dict[str, Any] = await spot.run(
        "acting.appear", value, most_ms, deadline=Deadline(most_ms / 1000 + 2), scripts=OPTION_SCRIPTS
    )
    return shown


async def _click_held(tab: Tab, spot: Spot, target: Target, deadline: Deadline) -> None:
    clicked = await pointer.click_held(tab, spot, 0, deadline)
    if clicked.get("failed"):
        raise failure(clicked, target, deadline.seconds)
