"""Putting text into fields: at once, as a paste, key by key, or digit by digit; and checking boxes.

What must always hold: no value is in a message; the last character of a text comes as a key stroke, so that whatever
a page does while somebody types happens; a value that did not stay is a failure.
"""

import asyncio
import re
from dataclasses import replace
from typing import Any

from noctule.browser.cdp import CdpError
from noctule.browser.commands import Acted, Check, CommandFailed, Fill, Target
from noctule.browser.driver.acting import keyboard, pointer
from noctule.browser.driver.acting.failures import failure
from noctule.browser.driver.acting.keys import combination
from noctule.browser.driver.acting.locating import SCRIPTS, Spot, reach
from noctule.browser.driver.acting.pointer import Found
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.tab import Tab
from noctule.browser.driver.world import is_gone

FIELD_SCRIPTS = (*SCRIPTS, "fields")

_KEY_SECONDS = 0.1
_MAX_CHARACTERS = 1_000_000
_INDENTED = re.compile(r"\t|\n[ \t]")
_DELETE = combination("Delete")
_SELECT_ALL = combination("Control+A")
_END = combination("End")


async def fill(tab: Tab, command: Fill) -> Acted:
    """Put text into a field. Raises ``CommandFailed``, ``CdpError``."""
    if len(command.value) > _MAX_CHARACTERS:
        raise CommandFailed("InvalidActionError", f"The value is longer than {_MAX_CHARACTERS} characters")
    deadline = Deadline(command.timeout_seconds)
    target = command.target
    if command.typing != "fill":
        return await _type(tab, command, deadline)
    options = {"value": command.value, "clear": command.clear, "select": not target.selectors}
    spot, answer = await reach(tab, target, "acting.prepare", options, deadline, FIELD_SCRIPTS)
    note = await put(tab, spot, answer, command.value, deadline, clear=command.clear, target=target)
    found = await pointer.found(spot, answer, target, deadline)
    return Acted(f"Filled {found.name}.{note}", found.selector, found.label, found.is_secret)


async def fill_held(tab: Tab, spot: Spot, number: int, value: str, deadline: Deadline) -> None:
    """Put text into a field that a script of ours holds; errors as of ``fill``."""
    options = {"value": value, "clear": True, "select": False}
    answer = await spot.ask_held(number, "acting.prepare", options, deadline, FIELD_SCRIPTS)
    target = Target(id=str(number))
    if answer.get("failed"):
        raise failure(answer, target, deadline.seconds)
    await put(tab, spot, answer, value, deadline, clear=True, target=target)


async def put(
    tab: Tab, spot: Spot, answer: dict[str, Any], value: str, deadline: Deadline, *, clear: bool, target: Target
) -> str:
    """Type into the field that a script has prepared, and see that it stays; answers what to say about it."""
    if answer["need"] == "nothing":
        return ""
    if not value:
        if clear:
            await keyboard.send(tab, keyboard.stroke(_DELETE), deadline)
        return ""
    if _INDENTED.search(value):
        await spot.run("acting.paste", value, deadline=deadline, scripts=FIELD_SCRIPTS)
    else:
        # Fields of some types let no script say where the caret is.
        to_the_end = [] if clear or answer["rich"] else keyboard.stroke(_END)
        await keyboard.send(tab, [*to_the_end, *_events(value)], deadline)
    fate = await _fate(spot, value, deadline, clear=clear)
    if fate in ("ignored", "short"):
        # Some fields only listen to keys.
        calls = [*keyboard.stroke(_SELECT_ALL), *keyboard.stroke(_DELETE)] if clear else keyboard.stroke(_END)
        await keyboard.send(tab, calls, deadline)
        await _press_each(tab, value, deadline, pause_seconds=0)
        fate = await _fate(spot, value, deadline, clear=clear)
    match fate:
        case "ignored":
            raise failure({**answer, "failed": "ignored"}, target, deadline.seconds)
        case "cut":
            return f" The field takes {answer['limit']} characters; the rest was cut off."
        case "changed" | "short":
            return " The page gave the value a form of its own."
    return ""


async def check(tab: Tab, command: Check) -> Acted:
    """Check or uncheck a box. Raises ``CommandFailed``, ``CdpError``."""
    deadline = Deadline(command.timeout_seconds)
    target = command.target
    options = {"value": command.value, "select": not target.selectors}
    spot, answer = await reach(tab, target, "acting.check", options, deadline, FIELD_SCRIPTS)
    found = await pointer.found(spot, answer, target, deadline)
    verb = "Checked" if command.value else "Unchecked"
    if answer["done"]:
        return Acted(f"{found.name} was {verb.lower()} already.", found.selector, found.label)
    clicked: dict[str, Any] = {"failed": "hidden"}
    if answer["isDrawn"]:
        clicked = await pointer.click_held(tab, spot, 0, deadline, label=True)
    if clicked.get("failed"):
        clicked = await spot.ask_held(0, "acting.clickByScript", {"label": True, "anyway": True}, deadline)
    if clicked.get("failed"):
        raise failure(clicked, target, deadline.seconds)
    if await spot.run("acting.isNow", command.value, deadline=deadline, scripts=FIELD_SCRIPTS) is False:
        raise failure({**answer, "failed": "unchanged"}, target, deadline.seconds)
    return Acted(f"{verb} {found.name}.", found.selector, found.label)


async def _type(tab: Tab, command: Fill, deadline: Deadline) -> Acted:
    """Click, then type key by key."""
    found = await _clicked_field(tab, command, deadline)
    if command.clear and command.typing == "slow":
        await keyboard.send(tab, [*keyboard.stroke(_SELECT_ALL), *keyboard.stroke(_DELETE)], deadline)
    if command.typing == "slow":
        pause_seconds = min(_KEY_SECONDS, deadline.left_seconds / (len(command.value) + 1))
        await _press_each(tab, command.value, deadline, pause_seconds=pause_seconds)
    else:
        for text in command.value:
            await keyboard.send(tab, keyboard.typed(text), deadline)
            await found.spot.run("acting.nextBox", deadline=deadline, scripts=FIELD_SCRIPTS)
    how = "slowly" if command.typing == "slow" else "digit by digit"
    return Acted(f"Typed into {found.name} {how}.", found.selector, found.label, found.is_secret)


async def _clicked_field(tab: Tab, command: Fill, deadline: Deadline) -> Found:
    options = {"value": "0", "clear": False, "select": False}
    _, answer = await reach(tab, command.target, "acting.prepare", options, deadline, FIELD_SCRIPTS)
    clicked = await pointer.click(tab, command.target, deadline)
    return replace(clicked, is_secret=answer["secret"])


async def _press_each(tab: Tab, value: str, deadline: Deadline, *, pause_seconds: float) -> None:
    for text in value:
        await keyboard.send(tab, keyboard.typed(text), deadline)
        if pause_seconds:
            await asyncio.sleep(pause_seconds)


async def _fate(spot: Spot, value: str, deadline: Deadline, *, clear: bool) -> str:
    try:
        fate: str = await spot.run("acting.fate", value, clear, deadline=deadline, scripts=FIELD_SCRIPTS)
    except CdpError as error:
        if not is_gone(error):
            raise
        return "gone"
    return fate


def _events(value: str) -> list[keyboard.Call]:
    """A text as events: all of it but the last character at once. Line ends are never typed: Enter may send."""
    head, last = value[:-1], value[-1]
    if not last.isprintable() or last.isspace() or ord(last) > 0xFFFF:
        return keyboard.inserted(value)
    return [*(keyboard.inserted(head) if head else []), *keyboard.typed(last)]
