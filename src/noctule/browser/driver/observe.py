"""Looking at a tab: one walk in each process that draws a part of it, put together in reading order.

What must always hold: an id stays with its element for as long as its document lives; a page that hangs or navigates
meanwhile ends in an answer or a failure inside the bound; nothing of ours is to be seen by the page.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from noctule.browser.cdp import CdpError
from noctule.browser.commands import CommandFailed, Node, Observe, Observed, Place, Screenshot, TabInfo
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.hidden import MAX_ROOT_LEVELS, mark_listeners, open_closed_roots
from noctule.browser.driver.picture import screenshot
from noctule.browser.driver.tab import Tab
from noctule.browser.driver.tabs import Tabs
from noctule.browser.driver.world import World, is_gone

_SCRIPTS = ("dom", "names", "registry", "lines", "geometry", "paths", "kinds", "walk")
_NEXT_SCRIPTS = ("playwright", "locate", "act")
_WALK_MS = 2500
_PARSED_SECONDS = 3.0
_ATTEMPTS = 4


@dataclass(slots=True)
class _Sight:
    """What has been seen so far, in reading order."""

    counters: dict[str, int] | None = None
    lines: list[str] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    seen: dict[str, World] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Around:
    """Where a frame stands in the page: the paths of the iframes around it, its corner, how much of its size it is
    drawn at, and whether it is covered."""

    frames: tuple[str, ...] = ()
    x: float = 0
    y: float = 0
    scale: float = 1
    is_covered: bool = False


async def observe(tabs: Tabs, tab: Tab, command: Observe) -> Observed:
    """Look at a tab. Raises ``CommandFailed``, ``CdpError``."""
    tab.must_live()
    deadline = Deadline(command.timeout_seconds)
    await tab.until(lambda: tab.has_new_document("DOMContentLoaded", ""), Deadline(_PARSED_SECONDS))
    if tabs.count > 1:
        await tab.call("Page.bringToFront", timeout_seconds=deadline.left_seconds)
    infos = asyncio.ensure_future(_tab_infos(tabs, tab))
    picture = asyncio.ensure_future(_picture(tab, command, deadline))
    try:
        async with tab.stopping_scripts():
            sight, page = await _looked(tab, deadline)
            open_tabs, jpeg = await infos, await picture
    finally:
        infos.cancel()
        picture.cancel()
    tab.seen = sight.seen
    for world in {tab.world, *sight.seen.values()}:
        world.prepare(*_NEXT_SCRIPTS)
    return Observed(
        url=tab.url,
        title=page["title"],
        place=Place(*page["place"]),
        tabs=open_tabs,
        description="\n".join(sight.lines),
        nodes=tuple(sight.nodes),
        jpeg=jpeg,
    )


async def _looked(tab: Tab, deadline: Deadline) -> tuple[_Sight, dict[str, Any]]:
    for _ in range(_ATTEMPTS):
        sight = _Sight()
        try:
            return sight, await _look(tab, tab.world, _Around(), sight, deadline)
        except CdpError as error:
            if not is_gone(error):
                raise
    raise CommandFailed("ActionExecutionError", "The page navigates again and again; wait a moment and observe again")


async def _look(tab: Tab, world: World, around: _Around, sight: _Sight, deadline: Deadline) -> dict[str, Any]:
    """Walk a world, then those of the frames in it that live elsewhere; answers what its walk gave."""
    page = await _walked(world, around, sight.counters, deadline)
    sight.counters = page["counters"]
    frames = await tab.frames.filling(world, _SCRIPTS, deadline) if page["holes"] else {}
    sight.nodes += _nodes(page, around)
    sight.seen.update((row[0], world) for row in page["nodes"])
    for line in page["lines"]:
        if isinstance(line, str):
            sight.lines.append(line)
            continue
        hole, x, y, scale, paths, is_covered = line
        if hole in frames:
            inner = _Around(
                frames=(*around.frames, *paths),
                x=around.x + around.scale * x,
                y=around.y + around.scale * y,
                scale=around.scale * scale,
                is_covered=around.is_covered or is_covered,
            )
            await _look_inside(tab, frames[hole], inner, sight, deadline)
    if frames:
        await world.run(_SCRIPTS, "keepCounters", sight.counters, deadline=deadline)
    return page


async def _look_inside(tab: Tab, world: World, around: _Around, sight: _Sight, deadline: Deadline) -> None:
    """A frame elsewhere that goes away or hangs takes nothing with it but itself."""
    with contextlib.suppress(CdpError, CommandFailed):
        await _look(tab, world, around, sight, deadline)


async def _walked(world: World, around: _Around, counters: dict[str, int] | None, deadline: Deadline) -> dict[str, Any]:
    options = {"counters": counters, "milliseconds": _WALK_MS, "isCovered": around.is_covered}
    await mark_listeners(world, _SCRIPTS, deadline)
    for _ in range(MAX_ROOT_LEVELS):
        answer = await world.run(_SCRIPTS, "observe", options, deadline=deadline)
        if isinstance(answer, str):
            break
        opened = await open_closed_roots(world, _SCRIPTS, answer["suspects"], deadline)
        if not answer["isHeard"]:
            await mark_listeners(world, _SCRIPTS, deadline)
        elif not opened:
            break
    if not isinstance(answer, str):
        answer = await world.run(_SCRIPTS, "observed", deadline=deadline)
    page: dict[str, Any] = json.loads(answer)
    return page


def _nodes(page: dict[str, Any], around: _Around) -> Iterable[Node]:
    lines, frames = page["lines"], [tuple(paths) for paths in page["frames"]]
    for node_id, kind, role, name, line, path, frame, x, y, width, height in page["nodes"]:
        left, top = round(around.x + around.scale * x), round(around.y + around.scale * y)
        box = (left, top, round(around.scale * width), round(around.scale * height))
        yield Node(node_id, kind, role, name, lines[line], path, around.frames + frames[frame], box)


async def _tab_infos(tabs: Tabs, tab: Tab) -> tuple[TabInfo, ...]:
    answer = await tab.call("Target.getTargets", {"filter": [{"type": "page"}]})
    titles = {info["targetId"]: info["title"] for info in answer["targetInfos"]}
    return tuple(TabInfo(n, titles.get(each.target_id, ""), each.url) for n, each in enumerate(tabs.all))


async def _picture(tab: Tab, command: Observe, deadline: Deadline) -> bytes | None:
    if not command.with_picture:
        return None
    try:
        return (await screenshot(tab, Screenshot(timeout_seconds=deadline.left_seconds), bring_to_front=False)).jpeg
    except (CdpError, CommandFailed):
        return None
