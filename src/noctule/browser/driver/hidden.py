"""What a script of ours cannot see in a document by itself, and the browser can tell: who listens for clicks, and what
is in closed shadow roots. Both are told to the world once an element, and kept there.

What must always hold: a page with any number of either costs a bounded number of calls a time; what goes away
meanwhile is left out.
"""

import asyncio
import itertools
from collections import defaultdict
from typing import Any

from noctule.browser.cdp import CdpError
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.world import ObjectArgument, World, is_gone

MAX_ROOT_LEVELS = 4
"""How often a document is walked anew for closed roots: one may hold hosts of others."""

_MAX_ELEMENTS_A_TIME = 400
_POINTER_EVENTS = frozenset(
    ("click", "mousedown", "mouseup", "pointerdown", "pointerup", "touchstart", "touchend", "dblclick")
)
# An element that listens for everything does so on behalf of what is in it, as the roots of frameworks do.
_MAX_TYPES_OF_ONE = 12


async def mark_listeners(world: World, scripts: tuple[str, ...], deadline: Deadline) -> None:
    """Tell the world which elements listen for pointers. Raises ``CdpError`` if its document goes away."""
    first = asyncio.ensure_future(_listeners(world, scripts, 0, deadline))
    try:
        trees = await world.run(scripts, "treeCount", deadline=deadline)
        rest = await asyncio.gather(*(_listeners(world, scripts, index, deadline) for index in range(1, trees)))
        listeners = [*await first, *itertools.chain.from_iterable(rest)]
    finally:
        first.cancel()
    types: defaultdict[int, set[str]] = defaultdict(set)
    for listener in listeners:
        types[listener.get("backendNodeId", 0)].add(listener["type"])
    fresh = [
        number
        for number, heard in types.items()
        if number and number not in world.asked and heard & _POINTER_EVENTS and len(heard) <= _MAX_TYPES_OF_ONE
    ][:_MAX_ELEMENTS_A_TIME]
    if not fresh:
        return
    world.asked.update(fresh)
    elements = await asyncio.gather(*(_adopted(world, number, deadline) for number in fresh))
    await world.run(scripts, "markClickable", *(element for element in elements if element), deadline=deadline)


async def _listeners(world: World, scripts: tuple[str, ...], tree: int, deadline: Deadline) -> list[dict[str, Any]]:
    """All listeners in one tree. They are told for the world that the node's handle is of, so it has to be the page's;
    to ask for all worlds and trees at once (``pierce``) now and then crashes the renderer (Chromium 156)."""
    ours = await world.handle(scripts, "treeAt", tree, deadline=deadline)
    if ours is None:
        return []
    try:
        described = await world.call("DOM.describeNode", {"objectId": ours, "depth": 0}, deadline)
        page_node = await world.call("DOM.resolveNode", {"backendNodeId": described["node"]["backendNodeId"]}, deadline)
        params = {"objectId": page_node["object"]["objectId"], "depth": -1, "pierce": False}
        answer = await world.call("DOMDebugger.getEventListeners", params, deadline)
    except CdpError as error:
        if is_gone(error):
            raise
        # The frame or host of that tree has gone.
        return []
    listeners: list[dict[str, Any]] = answer["listeners"]
    return listeners


async def open_closed_roots(world: World, scripts: tuple[str, ...], suspects: int, deadline: Deadline) -> bool:
    """Give the world the closed shadow roots among the last walk's suspects; says whether there are any.

    Raises ``CdpError`` if the document goes away.
    """
    roots = await asyncio.gather(*(_root_of(world, scripts, index, deadline) for index in range(suspects)))
    without = [index for index, root in enumerate(roots) if root is None]
    if without:
        await world.run(scripts, "haveNoRoots", without, deadline=deadline)
    for pair in roots:
        if pair is not None:
            await world.run(scripts, "giveRoot", *pair, deadline=deadline)
    return len(without) < suspects


async def _root_of(
    world: World, scripts: tuple[str, ...], index: int, deadline: Deadline
) -> tuple[ObjectArgument, ObjectArgument] | None:
    host = await world.handle(scripts, "suspectAt", index, deadline=deadline)
    if host is None:
        return None
    answer = await world.call("DOM.describeNode", {"objectId": host, "depth": 0, "pierce": True}, deadline)
    roots: list[dict[str, Any]] = answer["node"].get("shadowRoots", [])
    closed = next((root["backendNodeId"] for root in roots if root.get("shadowRootType") == "closed"), None)
    root = None if closed is None else await _adopted(world, closed, deadline)
    return None if root is None else (ObjectArgument(host), root)


async def _adopted(world: World, number: int, deadline: Deadline) -> ObjectArgument | None:
    try:
        return ObjectArgument(await world.adopt(number, deadline))
    except CdpError as error:
        if is_gone(error):
            raise
        return None
