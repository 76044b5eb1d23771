"""Timelines: what happened in a session, told in one order while it lives and after it.

What must always hold: a session's timeline is its workspace's alone; to be told is never to be kept waiting; what is
kept was masked first.
"""

import time
from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from typing import Any, Protocol

from noctule.browser.commands import Captured
from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.metering.service import Metering
from noctule.objects.comparing import Hourly
from noctule.objects.store import ObjectStore
from noctule.sessions.service import Session
from noctule.timeline import store
from noctule.timeline.domain import NETWORK, Batch, Event, EventQuery, TimelinePage
from noctule.timeline.service.keeping import NETWORK_AREA, Keeping, object_key
from noctule.timeline.service.reading import Reader, SessionView
from noctule.timeline.service.recording import Recorder

_SWEEP_EVERY_SECONDS = 60.0


class Sessions(Protocol):
    """What this needs of sessions."""

    async def get(self, workspace_id: str, session_id: str) -> SessionView:
        """The session with its trajectory. Raises ``NotFound``."""
        ...

    async def find(self, workspace_id: str, session_id: str) -> Session:
        """The session alone. Raises ``NotFound``."""
        ...

    async def known(self, session_ids: Collection[str]) -> frozenset[str]:
        """Which of these are ids of sessions, of whatever workspace."""
        ...


class TimelineService:
    """The use cases. ``take`` is for a fleet's ``on_captured``."""

    def __init__(
        self, *, database: Database, clock: Clock, metering: Metering, objects: ObjectStore, keeps_for: timedelta
    ) -> None:
        self._database = database
        self._clock = clock
        self._keeping = Keeping(database, objects, clock, keeps_for=keeps_for)
        self._recorder = Recorder(self._keeping, clock)
        self._reader = Reader(
            database=database, clock=clock, metering=metering, keeping=self._keeping, recorder=self._recorder
        )
        self._sessions: Sessions | None = None
        self._next_sweep = 0.0
        self._strays = Hourly(self._sweep_strays, "timelines", clock)

    def use(self, sessions: Sessions) -> None:
        """Where sessions are found; they are built after what they are told of."""
        self._sessions = sessions

    # -- being told ------------------------------------------------------------------------------------

    def take(self, captured: Captured) -> None:
        """Take in what a node captured."""
        self._recorder.take(captured)

    def note(self, session_id: str, kind: str, data: dict[str, Any]) -> None:
        """Put in what happened to a session outside of its browser right now: a ``takeover`` by a person, say."""
        self._recorder.note(session_id, kind, data)

    def hide(self, session_id: str, secrets: Collection[str]) -> None:
        """These texts were given to the session and must not be kept of it."""
        self._recorder.hide(session_id, secrets)

    # -- telling ---------------------------------------------------------------------------------------

    async def page(self, workspace_id: str, session_id: str, query: EventQuery, limit: int) -> TimelinePage:
        """Some of what happened. Raises ``NotFound``, ``Unavailable``."""
        return await self._reader.page(await self._seen(workspace_id, session_id), query, limit)

    async def events(self, workspace_id: str, session_id: str, query: EventQuery) -> AsyncIterator[Event]:
        """All of what happened, one by one. Raises ``NotFound``, before anything is read."""
        return self._reader.events(await self._seen(workspace_id, session_id), query)

    async def network(self, workspace_id: str, session_id: str, limit: int) -> tuple[list[tuple[Batch, str]], int]:
        """The first batches that have exchanges, each with the key of its object, and how many there are.

        Raises ``NotFound``, ``Unavailable``.
        """
        assert self._sessions is not None
        session = await self._sessions.find(workspace_id, session_id)
        await self._recorder.flush(session.id)
        batches, total = await self._database.read(lambda connection: store.network(connection, session.id, limit))
        return [(batch, object_key(NETWORK_AREA, batch)) for batch in batches], total

    async def exchanges(self, workspace_id: str, session_id: str) -> AsyncIterator[Event]:
        """All exchanges, and what tells of the pages that made them. Raises ``NotFound``."""
        kinds = frozenset({NETWORK, "navigation", "load"})
        return await self.events(workspace_id, session_id, EventQuery(kinds=kinds))

    # -- housekeeping ----------------------------------------------------------------------------------

    async def sweep(self) -> None:
        """Remove what was kept for long enough, and what a killed server left half; a chore, cheap where not due."""
        now = time.monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_EVERY_SECONDS
            await self._keeping.sweep()
        self._strays.look()

    async def close(self) -> None:
        """Write what is left; bounded."""
        await self._strays.close()
        await self._recorder.close()

    async def _sweep_strays(self) -> None:
        assert self._sessions is not None
        await self._keeping.sweep_strays(self._sessions.known)

    async def _seen(self, workspace_id: str, session_id: str) -> SessionView:
        assert self._sessions is not None
        return await self._sessions.get(workspace_id, session_id)
