"""Scrolling with the wheel, as a person does, and telling honestly whether anything moved."""

import contextlib
from typing import Any

from noctule.browser.cdp import CdpTimeout
from noctule.browser.commands import Acted, CommandFailed, Scroll
from noctule.browser.driver.acting.locating import SCRIPTS, Spot, reach
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.tab import Tab

SCROLL_SCRIPTS = (*SCRIPTS, "scroll")

_WHEEL_SECONDS = 2.0
_REST_MS = 3000
_MOST_AMOUNT = 1_000_000


async def scroll(tab: Tab, command: Scroll) -> Acted:
    """Scroll the page, or what scrolls in it. Raises ``CommandFailed`` if nothing moved, ``CdpError``."""
    if command.amount is not None and not 0 < command.amount <= _MOST_AMOUNT:
        raise CommandFailed("InvalidActionError", f"The amount must be 1 to {_MOST_AMOUNT} pixels")
    deadline = Deadline(command.timeout_seconds)
    target = command.target
    options: dict[str, Any] = {"up": command.up, "amount": command.amount}
    if target is None:
        spot = Spot(tab.world)
        answer = await spot.run("acting.startScroll", options, deadline=deadline, scripts=SCROLL_SCRIPTS)
    else:
        options["select"] = not target.selectors
        spot, answer = await reach(tab, target, "acting.startScrollOf", options, deadline, SCROLL_SCRIPTS)
    options["amount"] = answer["amount"]
    state = await _turn(tab, spot, answer, options, deadline)
    direction = "up" if command.up else "down"
    if not state["moved"]:
        raise CommandFailed("ScrollActionFailedError", _stands(state, direction))
    return Acted(
        f"Scrolled {direction} by {abs(state['moved'])} pixels. {state['what']} is at {state['position']} "
        f"of {state['most']} now.",
        answer.get("selector", ""),
        answer.get("label", ""),
    )


async def _turn(
    tab: Tab, spot: Spot, answer: dict[str, Any], options: dict[str, Any], deadline: Deadline
) -> dict[str, Any]:
    """Turn the wheel; where a page keeps that to itself, scroll by a script. Answers where it stands then."""
    point = await _page_point(spot, answer, deadline)
    if point is not None:
        amount = options["amount"]
        wheel = {"type": "mouseWheel", "deltaX": 0, "deltaY": -amount if options["up"] else amount, **point}
        # A page that listens for the wheel may take its time to let go of it.
        with contextlib.suppress(CdpTimeout):
            left = min(_WHEEL_SECONDS, deadline.left_seconds)
            await tab.call("Input.dispatchMouseEvent", wheel, timeout_seconds=left)
        most_ms = min(_REST_MS, int(deadline.left_seconds * 1000))
        state: dict[str, Any] = await spot.run(
            "acting.restAfterScroll", most_ms, deadline=Deadline(most_ms / 1000 + 2), scripts=SCROLL_SCRIPTS
        )
        if state["moved"] or not answer["can"]:
            return state
    scrolled: dict[str, Any] = await spot.run(
        "acting.scrollByScript", options, deadline=deadline, scripts=SCROLL_SCRIPTS
    )
    return scrolled


async def _page_point(spot: Spot, answer: dict[str, Any], deadline: Deadline) -> dict[str, Any] | None:
    if "x" not in answer:
        return None
    point = await spot.to_page(answer, deadline, for_click=False)
    return None if point.get("failed") else {"x": point["x"], "y": point["y"]}


def _stands(state: dict[str, Any], direction: str) -> str:
    what = state["what"]
    if not state["scrolls"] or not state["most"]:
        return f"{what} cannot be scrolled: all of it is in view, or it does not let itself be scrolled"
    if direction == "down" and state["position"] >= state["most"] - 1:
        return f"{what} is already at the bottom (at {state['position']} of {state['most']} pixels)"
    if direction == "up" and state["position"] <= 0:
        return f"{what} is already at the top"
    return f"{what} did not scroll {direction}: it stays at {state['position']} of {state['most']} pixels"
