"""Clicks: aim inside of the page, move and press from outside, then ask whether it arrived.

A click costs three waits: one script that finds the element, waits for it, scrolls, aims and watches; the three mouse
events in one go; one script that tells where they arrived. If something came between aim and click, nothing of the
click reached the page, and it is done again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from noctule.browser.cdp import CdpError, CdpTimeout
from noctule.browser.commands import CommandFailed, Target
from noctule.browser.driver.acting.failures import SCRIPT_CLICK_HELPS, failure
from noctule.browser.driver.acting.locating import ENTER_FRAME, Spot, is_over, reach, try_to_reach
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.tab import Tab

_PRESS_SECONDS = 5.0
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Found:
    """An element that was acted on. ``by_script`` says why a script had to click it, if one had to; ``is_secret`` that
    it is a field for what nobody else may read; ``href`` is where the link leads that it is in."""

    spot: Spot
    selector: str = ""
    label: str = ""
    what: str = ""
    by_script: str = ""
    is_secret: bool = False
    href: str = ""

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return repr(self.label) if self.label else self.what or "the element"


async def click(tab: Tab, target: Target, deadline: Deadline) -> Found:
    """Click an element. Raises ``CommandFailed`` with what is in the way, ``CdpError``."""
    options = {"label": False, "select": not target.selectors}
    spot, answer = await _pressed(
        tab, lambda: try_to_reach(tab, target, "acting.aim", options, deadline), options, deadline
    )
    if not answer.get("failed"):
        return await found(spot, answer, target, deadline)
    problem = failure(answer, target, deadline.seconds)
    if answer["failed"] not in SCRIPT_CLICK_HELPS:
        raise problem
    spot, clicked = await reach(tab, target, "acting.clickByScript", options, deadline)
    return replace(await found(spot, clicked, target, deadline), by_script=problem.message)


async def click_held(tab: Tab, spot: Spot, number: int, deadline: Deadline, *, label: bool = False) -> dict[str, Any]:
    """Click an element that a script of ours holds; answers what was said of it, with ``failed`` if it failed.

    ``label`` lets the label of a control that is not drawn stand for it.
    """
    options = {"label": label, "select": False}

    async def aim() -> tuple[Spot, dict[str, Any]]:
        return spot, await spot.ask_held(number, "acting.aim", options, deadline)

    _, answer = await _pressed(tab, aim, options, deadline)
    return answer


async def found(spot: Spot, answer: dict[str, Any], target: Target, deadline: Deadline) -> Found:
    """Who it was that a script acted on."""
    selector = answer.get("selector", "")
    if target.selectors:
        matched = target.selectors[answer.get("matched", 0)]
        selector = f" >> {ENTER_FRAME} >> ".join((*target.frames, matched))
    elif selector and spot.around:
        try:
            selector = await spot.prefix(deadline) + selector
        except (CdpError, CommandFailed):
            selector = ""
    return Found(
        spot,
        selector,
        answer.get("label", ""),
        answer.get("what", ""),
        is_secret=answer.get("secret", False),
        href=answer.get("href", ""),
    )


async def press(tab: Tab, x: float, y: float, deadline: Deadline) -> None:
    """Move, press and release the mouse. Raises ``CdpError`` unless the page went away over it."""
    button = {"x": x, "y": y, "button": "left", "clickCount": 1}
    left = min(_PRESS_SECONDS, deadline.left_seconds)
    events: list[dict[str, Any]] = [
        {"type": "mouseMoved", "x": x, "y": y},
        {"type": "mousePressed", "buttons": 1, **button},
        {"type": "mouseReleased", "buttons": 0, **button},
    ]
    calls = [asyncio.ensure_future(tab.call("Input.dispatchMouseEvent", e, timeout_seconds=left)) for e in events]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    for outcome in outcomes:
        # A page that is busy with what the click began answers late, and one that closed itself not at all.
        if isinstance(outcome, CdpError) and (isinstance(outcome, CdpTimeout) or is_over(outcome)):
            continue
        if isinstance(outcome, BaseException):
            raise outcome


async def _pressed(
    tab: Tab,
    aim: Callable[[], Awaitable[tuple[Spot, dict[str, Any]]]],
    options: dict[str, bool],
    deadline: Deadline,
) -> tuple[Spot, dict[str, Any]]:
    """Aim and press, again where that failed at the last moment; ``options`` are those that are aimed with."""
    while True:
        spot, answer = await aim()
        if not answer.get("failed"):
            answer = await _press_at(tab, spot, answer, deadline)
        if not answer.get("failed") or not _may_retry(answer, spot, deadline):
            return spot, answer
        options["bring"] = True
        await spot.bring(deadline)
        await asyncio.sleep(_PAUSE_SECONDS)


async def _press_at(tab: Tab, spot: Spot, answer: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
    """Click where a script aimed; answers what it said, with ``failed`` where the click did not arrive."""
    point = await spot.to_page(answer, deadline, for_click=True)
    if point.get("failed"):
        await spot.release(deadline)
        return point
    await press(tab, point["x"], point["y"], deadline)
    try:
        outcome = await spot.release(deadline)
    except CdpError as error:
        # The click replaced the document, or closed the tab: it arrived.
        if not is_over(error):
            raise
        return answer
    return {**answer, **outcome}


def _may_retry(answer: dict[str, Any], spot: Spot, deadline: Deadline) -> bool:
    """Whether the failure came after the script had aimed, which has waited by itself already."""
    is_late = "x" in answer or bool(spot.around and answer["failed"] == "outside")
    return is_late and asyncio.get_running_loop().time() + _PAUSE_SECONDS < deadline.at
