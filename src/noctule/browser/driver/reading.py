"""Reading a tab: what its page shows, once it has come to rest, or the file that it shows instead of a page.

What must always hold: a page that is at rest is read at once, and one that never comes to rest is read all the same
when its time is up; frames add to a page and never take anything from it; everything read is bounded.
"""

import contextlib
import json
from dataclasses import dataclass
from typing import Any

from noctule.browser.cdp import CdpError
from noctule.browser.commands import CommandFailed, PageRead, ReadPage, Target
from noctule.browser.driver import resources
from noctule.browser.driver.acting.locating import SCRIPTS as LOCATING
from noctule.browser.driver.acting.locating import reach
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.hidden import MAX_ROOT_LEVELS, open_closed_roots
from noctule.browser.driver.tab import Tab
from noctule.browser.driver.world import World, is_gone

_SCRIPTS = ("dom", "registry", "still", "read")
_PART_SCRIPTS = (*LOCATING, *_SCRIPTS, "part")

_LOAD_SECONDS = 5.0
_REST_SECONDS = 2.0
_FRAME_SECONDS = 2.0
_SELECTOR_SECONDS = 3.0
_IDLE_SHARE = 0.6
_WALK_MS = 2500
_ATTEMPTS = 4
_MAX_FRAME_DEPTH = 8
_MAX_FRAMES = 64


@dataclass(slots=True)
class _Limits:
    """What is left of the bounds that all documents of a page share."""

    elements: int = 90_000
    characters: int = 10_000_000
    frames: int = _MAX_FRAMES

    @property
    def options(self) -> dict[str, int]:
        return {"elements": self.elements, "characters": self.characters, "milliseconds": _WALK_MS}

    def spend(self, left: dict[str, int]) -> None:
        self.elements, self.characters = int(left["elements"]), int(left["characters"])


async def read_page(tab: Tab, command: ReadPage) -> PageRead:
    """Read the current document of a tab. Raises ``CommandFailed``, ``CdpError``."""
    tab.must_live()
    deadline = Deadline(command.timeout_seconds)
    if tab.download_url and command.selector is None:
        file = await resources.loaded(tab, tab.download_url, deadline)
        return PageRead(tab.download_url, "", file.content_type, body=file.body)
    if tab.unreachable_url:
        raise CommandFailed(
            "PageLoadingError",
            f"The page at {tab.unreachable_url[:200]} could not be loaded, so there is nothing to read",
        )
    async with tab.stopping_scripts():
        return await _read(tab, command.selector, deadline)


async def _read(tab: Tab, selector: str | None, deadline: Deadline) -> PageRead:
    for _ in range(_ATTEMPTS):
        limits = _Limits()
        try:
            await _loaded(tab, deadline)
            if selector is None:
                world, page = tab.world, await _whole(tab, limits, deadline)
            else:
                world, page = await _part(tab, selector, limits, deadline)
            if "root" not in page:
                file = await resources.shown(tab, page["contentType"], deadline)
                return PageRead(page["url"], page["title"], file.content_type, body=file.body)
            # A part is wanted without what is around it, and without what is framed in it.
            frames = await _frames(tab, world, page, limits, 1, deadline) if selector is None else []
            return PageRead(page["url"], page["title"], page["contentType"], tree=_tree(page, frames))
        except CdpError as error:
            if not is_gone(error):
                raise
    raise CommandFailed("ActionExecutionError", "The page navigates again and again; wait a moment and read it again")


# -- coming to rest ----------------------------------------------------------------------------------------


async def _loaded(tab: Tab, deadline: Deadline) -> None:
    """Wait until the document has loaded; one that takes too long is read as far as it has come."""
    if tab.loader_id:
        patience = Deadline(min(_LOAD_SECONDS, deadline.left_seconds / 2))
        await tab.until(lambda: tab.has_new_document("load", ""), patience)


def _is_idle(tab: Tab) -> bool:
    return tab.has_reached("networkIdle", tab.loader_id)


async def _idle(tab: Tab, patience: Deadline) -> None:
    """Wait for the network, for a share of the patience: a page may never stop asking its server for news."""
    if not await tab.until(lambda: _is_idle(tab), Deadline(patience.left_seconds * _IDLE_SHARE)):
        await tab.until(lambda: tab.has_reached("networkAlmostIdle", tab.loader_id), patience)


def _patience(deadline: Deadline) -> Deadline:
    return Deadline(min(_REST_SECONDS, deadline.left_seconds / 2))


# -- reading -----------------------------------------------------------------------------------------------


async def _whole(tab: Tab, limits: _Limits, deadline: Deadline) -> dict[str, Any]:
    world, options = tab.world, limits.options
    page: dict[str, Any] | None = await world.run(_SCRIPTS, "readIfStill", _is_idle(tab), options, deadline=deadline)
    if page is None:
        patience = _patience(deadline)
        await _idle(tab, patience)
        most_ms = patience.left_seconds * 1000
        page = await world.run(_SCRIPTS, "readAtRest", most_ms, options, deadline=deadline)
    return await _opened(world, page or {}, limits, deadline)


async def _opened(world: World, page: dict[str, Any], limits: _Limits, deadline: Deadline) -> dict[str, Any]:
    """The page, read anew where there are closed shadow roots in it that nobody knew of."""
    for _ in range(MAX_ROOT_LEVELS):
        if not page.get("suspects") or not await open_closed_roots(world, _SCRIPTS, page["suspects"], deadline):
            break
        page = await world.run(_SCRIPTS, "read", limits.options, deadline=deadline)
    if "left" in page:
        limits.spend(page["left"])
    return page


async def _part(tab: Tab, selector: str, limits: _Limits, deadline: Deadline) -> tuple[World, dict[str, Any]]:
    """The one element that a selector finds, and the world that it lives in."""
    if not await tab.world.run(_SCRIPTS, "isStill", _is_idle(tab), deadline=deadline):
        patience = _patience(deadline)
        await _idle(tab, patience)
        await tab.world.run(_SCRIPTS, "rest", patience.left_seconds * 1000, deadline=deadline)
    target = Target(selectors=(selector,))
    turn = Deadline(min(_SELECTOR_SECONDS, deadline.left_seconds))
    for _ in range(MAX_ROOT_LEVELS):
        spot, page = await reach(tab, target, "acting.read", limits.options, turn, _PART_SCRIPTS)
        suspects = page["suspects"]
        if not suspects or not await open_closed_roots(spot.world, _SCRIPTS, suspects, deadline):
            break
    limits.spend(page["left"])
    return spot.world, page


# -- frames ------------------------------------------------------------------------------------------------


async def _frames(
    tab: Tab, world: World, page: dict[str, Any], limits: _Limits, depth: int, deadline: Deadline
) -> list[str]:
    """The documents in the frames of a page, in order, as JSON: those read with it and those that live elsewhere."""
    looks_elsewhere = page["holes"] and depth <= _MAX_FRAME_DEPTH
    remote = await tab.frames.filling(world, _SCRIPTS, deadline) if looks_elsewhere else {}
    found: list[str] = []
    for frame in page["frames"]:
        if isinstance(frame, str):
            if frame and limits.frames > 0:
                limits.frames -= 1
                found.append(frame)
        elif frame in remote:
            found += await _remote(tab, remote[frame], limits, depth, deadline)
    return found


async def _remote(tab: Tab, world: World, limits: _Limits, depth: int, deadline: Deadline) -> list[str]:
    """A frame elsewhere with those in it; one that goes away or hangs takes nothing with it but itself."""
    if limits.frames <= 0:
        return []
    limits.frames -= 1
    turn = Deadline(min(_FRAME_SECONDS, deadline.left_seconds))
    with contextlib.suppress(CdpError, CommandFailed):
        page = await world.run(_SCRIPTS, "read", limits.options, deadline=turn)
        page = await _opened(world, page, limits, turn)
        # What the browser says of a frame that could not be loaded is not the page's.
        if "root" in page and not page["url"].startswith("chrome-error:"):
            document = _tree(page, []).decode()
            return [document, *await _frames(tab, world, page, limits, depth + 1, deadline)]
    return []


def _tree(page: dict[str, Any], frames: list[str]) -> bytes:
    """The document that ``extraction`` understands; its parts are JSON already."""
    head = json.dumps({"url": page["base"], "title": page["title"]})
    types = json.dumps(page["types"])
    return f'{head[:-1]}, "types": {types}, "root": {page["root"]}, "frames": [{", ".join(frames)}]}}'.encode()
