"""Key strokes and text for whatever has the focus in a tab.

What must always hold: the events of one stroke leave in one go, so that nothing can come between a key's going down
and its coming up; what is typed is in no error.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from noctule.browser.driver.acting.keys import MODIFIERS, Combination, Key, character, combination
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.tab import Tab

ENTER = combination("Enter")
_SHORTCUTS = MODIFIERS["Alt"] | MODIFIERS["Control"] | MODIFIERS["Meta"]

Call = tuple[str, dict[str, Any]]


def stroke(keys: Combination) -> list[Call]:
    """The events of a combination: what is held goes down first and comes up last."""
    calls: list[Call] = []
    bits = 0
    for key in keys.held:
        bits |= MODIFIERS[key.key]
        calls.append(_down(key, bits))
    calls += [_down(keys.pressed, bits), _up(keys.pressed, bits)]
    for key in reversed(keys.held):
        bits &= ~MODIFIERS[key.key]
        calls.append(_up(key, bits))
    return calls


def typed(text: str) -> list[Call]:
    """The events of one character, as a person causes them."""
    key = character(text)
    shift = MODIFIERS["Shift"] if len(text) == 1 and (text.isupper() or text in '~!@#$%^&*()_+{}|:"<>?') else 0
    return [_down(key, shift), _up(key, shift)]


def inserted(text: str) -> list[Call]:
    """Text that arrives at once, as from an input method."""
    return [("Input.insertText", {"text": text})]


async def send(tab: Tab, calls: Sequence[Call], deadline: Deadline) -> None:
    """Send events in one go, in their order. Raises ``CdpError``."""
    left = deadline.left_seconds
    await asyncio.gather(*(tab.call(method, params, timeout_seconds=left) for method, params in calls))


def _down(key: Key, bits: int) -> Call:
    # With Control, Alt or Meta held a key is a shortcut and types nothing.
    text = "" if bits & _SHORTCUTS else key.text
    return _event("keyDown" if text else "rawKeyDown", key, bits, text)


def _up(key: Key, bits: int) -> Call:
    return _event("keyUp", key, bits, "")


def _event(kind: str, key: Key, bits: int, text: str) -> Call:
    params: dict[str, Any] = {
        "type": kind,
        "modifiers": bits,
        "windowsVirtualKeyCode": key.key_code,
        "code": key.code,
        "key": key.key,
        "location": key.location,
    }
    if text:
        params |= {"text": text, "unmodifiedText": text}
    if key.location == 3:
        params["isKeypad"] = True
    return ("Input.dispatchKeyEvent", params)
