"""The frames of a tab whose documents the world around them cannot read: of another origin, or of another process.

A frame of the same origin is reached from the document that it stands in. One of another origin has a world of its
own, in the process of its parent or, as a target that is attached to, elsewhere; a sandboxed one counts as another.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from noctule.browser.cdp import CdpConnection, CdpError
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.world import ObjectArgument, World

MAX_FRAMES = 64
_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class RemoteFrame:
    """One such frame. ``owner`` is the object id of its iframe element in ``parent``, the world around it."""

    world: World
    parent: World
    owner: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A frame, and the world around it."""

    frame_id: str
    parent: World
    is_target: bool


@dataclass(frozen=True, slots=True)
class _Branch:
    """A frame with all below it, and the world that reads it."""

    tree: dict[str, Any]
    world: World
    depth: int

    @property
    def frame_id(self) -> str:
        return str(self.tree["frame"]["id"])


class Frames:
    """Those frames of one tab; ``page`` is the world of its main frame."""

    def __init__(self, connection: CdpConnection, page: World) -> None:
        self._connection = connection
        self._page = page
        self._sessions: dict[str, str] = {}
        self._worlds: dict[tuple[str, str], World] = {}

    async def find(self, deadline: Deadline) -> tuple[RemoteFrame, ...]:
        """Those that there are now, parents before children, at most ``MAX_FRAMES``. Raises ``CdpError``."""
        answer = await self._connection.call("Target.getTargets", {"filter": [{"type": "iframe"}]})
        targets = {info["targetId"]: str(info.get("parentId", "")) for info in answer["targetInfos"]}
        self._sessions = {frame: session for frame, session in self._sessions.items() if frame in targets}
        found: list[RemoteFrame] = []
        roots = [self._page]
        while roots and len(found) < MAX_FRAMES:
            targets_below: list[World] = []
            for root in roots:
                trees = await self._tree(root, deadline)
                level = [_Branch(trees, root, 0)] if trees else []
                while level and len(found) < MAX_FRAMES:
                    level, frames, below = await self._level(root, level, targets, deadline)
                    found += frames
                    targets_below += below
            roots = targets_below
        del found[MAX_FRAMES:]
        known = {(frame.world.session_id, frame.world.frame_id) for frame in found}
        self._worlds = {key: world for key, world in self._worlds.items() if key in known}
        return tuple(found)

    async def filling(self, world: World, scripts: tuple[str, ...], deadline: Deadline) -> dict[int, World]:
        """Of each hole that the last walk of these scripts left in a world, the world that fills it.

        Raises ``CdpError``.
        """
        found = [frame for frame in await self.find(deadline) if frame.parent is world]
        holes = await asyncio.gather(
            *(world.run(scripts, "holeOf", ObjectArgument(frame.owner), deadline=deadline) for frame in found)
        )
        return {hole: frame.world for hole, frame in zip(holes, found, strict=True) if hole >= 0}

    async def _tree(self, root: World, deadline: Deadline) -> dict[str, Any]:
        """What one process has of the tree, from a target's outermost frame on."""
        try:
            answer = await root.call("Page.getFrameTree", {}, deadline)
        except CdpError:
            return {}
        tree: dict[str, Any] = answer["frameTree"]
        return tree

    async def _level(
        self, root: World, level: list[_Branch], targets: dict[str, str], deadline: Deadline
    ) -> tuple[list[_Branch], list[RemoteFrame], list[World]]:
        """The branches one level deeper, the frames there that have worlds of their own, and of these the targets."""
        elsewhere = [
            _Place(target_id, branch.world, is_target=True)
            for branch in level
            for target_id, parent_id in targets.items()
            if parent_id == branch.frame_id
        ]
        children = [
            (child, _Place(child["frame"]["id"], branch.world, is_target=False), branch)
            for branch in level
            for child in branch.tree.get("childFrames", ())
            if branch.depth < _MAX_DEPTH and child["frame"]["id"] not in targets
        ][:MAX_FRAMES]
        remote = await asyncio.gather(*(self._frame(place, deadline) for place in elsewhere))
        inner = await asyncio.gather(*(self._frame(place, deadline) for _, place, _ in children))
        deeper: list[_Branch] = []
        frames = [frame for frame in remote if frame is not None]
        below = [frame.world for frame in frames]
        read = await asyncio.gather(*(self._reads(frame, deadline) for frame in inner if frame is not None))
        verdicts = iter(read)
        for (child, place, branch), frame in zip(children, inner, strict=True):
            if frame is None:
                continue
            if next(verdicts):
                deeper.append(_Branch(child, place.parent, branch.depth + 1))
            else:
                frames.append(frame)
                deeper.append(_Branch(child, frame.world, branch.depth + 1))
        return deeper, frames, below

    async def _reads(self, frame: RemoteFrame, deadline: Deadline) -> bool:
        """Whether the world around a frame can read its document. Origins do not tell: a sandbox takes them away."""
        try:
            answer = await frame.parent.call(
                "Runtime.callFunctionOn",
                {
                    "functionDeclaration": "function () { return this.contentDocument !== null }",
                    "objectId": frame.owner,
                    "returnByValue": True,
                    "silent": True,
                },
                deadline,
            )
        except CdpError:
            return False
        return bool(answer["result"].get("value"))

    def _world(self, session_id: str, frame_id: str) -> World:
        key = (session_id, frame_id)
        if key not in self._worlds:
            self._worlds[key] = World(self._connection, session_id, frame_id)
        return self._worlds[key]

    async def _frame(self, place: _Place, deadline: Deadline) -> RemoteFrame | None:
        """``None`` for one that goes away meanwhile."""
        try:
            session_id = await self._session(place, deadline)
            owner = await place.parent.call("DOM.getFrameOwner", {"frameId": place.frame_id}, deadline)
            element = await place.parent.adopt(owner["backendNodeId"], deadline)
        except CdpError:
            self._sessions.pop(place.frame_id, None)
            return None
        return RemoteFrame(self._world(session_id, place.frame_id), place.parent, element)

    async def _session(self, place: _Place, deadline: Deadline) -> str:
        if not place.is_target:
            return place.parent.session_id
        if place.frame_id not in self._sessions:
            answer = await self._connection.call(
                "Target.attachToTarget",
                {"targetId": place.frame_id, "flatten": True},
                timeout_seconds=deadline.left_seconds,
            )
            self._sessions[place.frame_id] = answer["sessionId"]
        return self._sessions[place.frame_id]
