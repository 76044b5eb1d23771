"""Sessions as the page tag needs them, in a dictionary."""

from collections.abc import Sequence
from typing import Any

from noctule.kit.errors import Conflict, NotFound


class FakeSessions:
    """Sessions of one workspace each; ``steps`` is what was recorded, ``used`` who was used, in order."""

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}
        self.closed: set[str] = set()
        self.tags: tuple[str, ...] = ()
        self.used: list[str] = []
        self.steps: list[tuple[str, str, dict[str, Any]]] = []

    async def use(self, workspace_id: str, session_id: str) -> tuple[str, ...]:
        if self.owners.get(session_id) != workspace_id:
            raise NotFound(f"Session {session_id} not found")
        if session_id in self.closed:
            raise Conflict(f"Session {session_id} is closed")
        self.used.append(session_id)
        return self.tags

    async def record_step(self, session_id: str, kind: str, value: dict[str, Any]) -> None:
        await self.record_steps(session_id, kind, (value,))

    async def record_steps(self, session_id: str, kind: str, values: Sequence[dict[str, Any]]) -> None:
        self.steps += [(session_id, kind, value) for value in values]
