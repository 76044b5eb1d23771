"""From a ``Target`` to the world that its element lives in, through frames of this process and of others.

What must always hold: an answer comes by the deadline, and a moment later at most if the page's own scripts keep it
busy; a document that is replaced in the middle is searched anew, unless an id of the old one was meant.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from noctule.browser.cdp import CdpClosed, CdpError
from noctule.browser.commands import Target
from noctule.browser.driver.acting.failures import failure, unknown_id
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.frames import RemoteFrame
from noctule.browser.driver.tab import Tab
from noctule.browser.driver.world import ObjectArgument, World, is_gone

SCRIPTS = ("playwright", "locate", "act")
ENTER_FRAME = "internal:control=enter-frame"

_GRACE_SECONDS = 2.0
_RETRY_SECONDS = 0.1
# How long a selector that leads into a frame elsewhere may look there before the next one gets its turn.
_TURN_SECONDS = 2.0

Scripts = tuple[str, ...]
Start = dict[str, Any]
Options = dict[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an element was found: its world, and the remote frames around that, outermost first."""

    world: World
    around: tuple[RemoteFrame, ...] = ()

    async def run(self, call: str, *arguments: Any, deadline: Deadline, scripts: tuple[str, ...] = SCRIPTS) -> Any:
        """Call a function in that world; errors as of ``World.run``."""
        return await self.world.run(scripts, call, *arguments, deadline=deadline)

    async def ask(
        self,
        call: str,
        message: dict[str, Any],
        start: Start | None,
        options: Options,
        seconds: float,
        scripts: Scripts,
    ) -> Answer:
        """Call a step, ``call(target, start, budget, options)``, which may take so long; answers its plain object.

        Errors as of ``World.run``.
        """
        deadline = Deadline(seconds + _GRACE_SECONDS)
        answer: Answer = await self.run(
            call, message, start, seconds * 1000, options, deadline=deadline, scripts=scripts
        )
        return answer

    async def ask_held(
        self, number: int, call: str, options: Options, deadline: Deadline, scripts: Scripts = SCRIPTS
    ) -> Answer:
        """Call a step for an element that a script of ours holds by number; the answer may have ``failed``."""
        message = {"held": number, "id": "", "selectors": (), "frames": ()}
        return await self.ask(call, message, None, options, deadline.left_seconds, scripts)

    async def to_page(self, point: dict[str, Any], deadline: Deadline, *, for_click: bool) -> dict[str, Any]:
        """A point of this world as a point of the page, or an answer with ``failed`` where something covers it.

        For a click the documents around are on the watch as well, until ``release``.
        """
        for frame in reversed(self.around):
            owner = ObjectArgument(frame.owner)
            at = (point["x"], point["y"], for_click)
            seen = await frame.parent.run(SCRIPTS, "acting.around", owner, *at, deadline=deadline)
            if seen.get("failed"):
                return {**point, **seen}
            point = {**point, **seen}
        return point

    async def release(self, deadline: Deadline) -> dict[str, Any]:
        """End the watch for a click; answers whether it arrived (``hit``), or why it has not (``failed``).

        While a browser does not know yet where a frame has come to, a part of a click or all of it goes to the
        document around.
        """
        worlds = (self.world, *(frame.parent for frame in self.around))
        inner, *outer = await asyncio.gather(
            *(world.run(SCRIPTS, "acting.release", deadline=deadline) for world in worlds), return_exceptions=True
        )
        if isinstance(inner, BaseException):
            raise inner
        strays = (seen for seen in outer if isinstance(seen, dict) and seen.get("failed"))
        answer: dict[str, Any] = inner if inner["began"] else next(strays, inner)
        return answer

    async def bring(self, deadline: Deadline) -> None:
        """Scroll the frames around it into view, from the outermost on."""
        for frame in self.around:
            await frame.parent.run(SCRIPTS, "acting.bringOwner", ObjectArgument(frame.owner), deadline=deadline)

    async def prefix(self, deadline: Deadline) -> str:
        """What a selector has to begin with to lead into this world."""
        parts = []
        for frame in self.around:
            owner = ObjectArgument(frame.owner)
            parts.append(await frame.parent.run(SCRIPTS, "acting.selectorOf", owner, deadline=deadline))
        return "".join(f"{part} >> {ENTER_FRAME} >> " for part in parts)


async def reach(
    tab: Tab, target: Target, call: str, options: Options, deadline: Deadline, scripts: Scripts = SCRIPTS
) -> tuple[Spot, Answer]:
    """Call a step in the world where the target is; answers its plain object.

    Raises ``CommandFailed`` for an unknown id and for what the object says has ``failed``, ``CdpError``.
    """
    spot, answer = await try_to_reach(tab, target, call, options, deadline, scripts)
    if answer.get("failed"):
        raise failure(answer, target, deadline.seconds)
    return spot, answer


async def try_to_reach(
    tab: Tab, target: Target, call: str, options: Options, deadline: Deadline, scripts: Scripts = SCRIPTS
) -> tuple[Spot, Answer]:
    """Like ``reach``, but the object may have ``failed``."""
    message = {"id": target.id, "selectors": target.selectors, "frames": target.frames}
    root = spot = Spot(tab.world) if target.selectors else await spot_of(tab, target, deadline)
    start: Start = {"first": 0, "entered": 0, "only": False}
    while True:
        left = deadline.left_seconds
        others = start["only"] and start["first"] + 1 < len(target.selectors)
        budget = min(left, _TURN_SECONDS) if others else left
        try:
            answer = await spot.ask(call, message, start, options, budget, scripts)
        except CdpError as error:
            if tab.closed or tab.crashed or not is_over(error) or _is_late(deadline):
                raise
            if not target.selectors:
                return spot, {"failed": "gone"}
            await asyncio.sleep(_RETRY_SECONDS)
            spot, start = root, {"first": 0, "entered": 0, "only": False}
            continue
        if "remote" in answer:
            inner = await _enter(tab, spot, deadline)
            if inner is not None:
                spot, start = inner, answer["remote"]
            elif _is_late(deadline):
                return spot, {"failed": "missing"}
            else:
                await asyncio.sleep(_RETRY_SECONDS)
        elif others and answer.get("failed") in ("missing", "syntax"):
            spot, start = root, {"first": start["first"] + 1, "entered": 0, "only": False}
        else:
            return spot, answer


async def spot_of(tab: Tab, target: Target, deadline: Deadline) -> Spot:
    """Where an id of the last observation lives. Raises ``CommandFailed``."""
    world = tab.seen.get(target.id)
    if world is None:
        raise unknown_id(target.id)
    if world is tab.world:
        return Spot(world)
    spot = await _spot_in(tab, world.frame_id, deadline)
    if spot is None:
        raise failure({"failed": "gone"}, target, 0)
    return spot


async def _enter(tab: Tab, spot: Spot, deadline: Deadline) -> Spot | None:
    """The world of the remote iframe that a script came to; ``None`` if it is not there (yet)."""
    handle = await spot.world.handle(SCRIPTS, "acting.entrance", deadline=deadline)
    if handle is None:
        return None
    described = await spot.world.call("DOM.describeNode", {"objectId": handle}, deadline)
    return await _spot_in(tab, described["node"].get("frameId", ""), deadline)


async def _spot_in(tab: Tab, frame_id: str, deadline: Deadline) -> Spot | None:
    spots = await every_spot(tab, deadline)
    return next((spot for spot in spots if spot.around and spot.world.frame_id == frame_id), None)


def is_over(error: CdpError) -> bool:
    """Whether a call failed because its document or its whole tab went away meanwhile."""
    return isinstance(error, CdpClosed) or is_gone(error) or "Session with given id not found" in str(error)


def _is_late(deadline: Deadline) -> bool:
    return asyncio.get_running_loop().time() >= deadline.at


async def every_spot(tab: Tab, deadline: Deadline) -> tuple[Spot, ...]:
    """The worlds of a tab: the page's own, then those of its remote frames. Raises ``CdpError``."""
    spots = {tab.world.frame_id: Spot(tab.world)}
    for frame in await tab.frames.find(deadline):
        parent = spots.get(frame.parent.frame_id)
        if parent is not None:
            spots[frame.world.frame_id] = Spot(frame.world, (*parent.around, frame))
    return tuple(spots.values())
