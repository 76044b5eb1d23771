"""Reads a timeline: what was captured, the session's steps, its costs, its beginning and its end, in one order.

What must always hold: a session of any length is read in bounded memory, since batches are opened one after the other;
what is in memory still is in it, too.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.money import decimal_dollars
from noctule.metering.service import Metering
from noctule.sessions.service import Session, Status, Step
from noctule.timeline import store
from noctule.timeline.domain import Batch, Cursor, Event, EventQuery, Masker, TimelinePage, merged
from noctule.timeline.service.keeping import Keeping, masked_events
from noctule.timeline.service.recording import Recorder

# Of a live session the newest may still be joined by what happened before it: an exchange is told when its body is
# there, for which its browser has three seconds, and a busy browser is read two seconds late.
_SETTLES_WITHIN = timedelta(seconds=6)


class SessionView(Protocol):
    """A session and its trajectory."""

    @property
    def session(self) -> Session: ...
    @property
    def steps(self) -> Sequence[Step]: ...


class Reader:
    """Reads timelines of sessions that the caller may see."""

    def __init__(
        self, *, database: Database, clock: Clock, metering: Metering, keeping: Keeping, recorder: Recorder
    ) -> None:
        self._database = database
        self._clock = clock
        self._metering = metering
        self._keeping = keeping
        self._recorder = recorder

    async def page(self, view: SessionView, query: EventQuery, limit: int) -> TimelinePage:
        """At most ``limit`` events."""
        events: list[Event] = []
        async for event in self.events(view, query):
            if len(events) == limit:
                return TimelinePage(tuple(events), events[-1].place, has_more=True)
            events.append(event)
        if view.session.status is not Status.ACTIVE:
            return TimelinePage(tuple(events), None, has_more=False)
        settled = Cursor(self._clock.now() - _SETTLES_WITHIN, "")
        newest = events[-1].place if events else query.after
        # Also back behind pages before this one, which were full of what is not settled.
        return TimelinePage(tuple(events), min(newest or settled, settled), has_more=False)

    async def events(self, view: SessionView, query: EventQuery) -> AsyncIterator[Event]:
        """All that is asked for, in order."""
        session = view.session
        # Read before the rows: what is written in between is in both, and told once.
        pending = await self._recorder.pending(session.id)
        batches, costs = await self._database.read(lambda connection: self._rows(connection, session, query))
        own = [*_life(session), *_steps(view.steps, session.created_at), *costs]
        wanted_own = [event for event in own if query.wants(event)]
        # What a step answered may be long.
        masked = await asyncio.to_thread(masked_events, wanted_own, Masker()) if wanted_own else []
        small = [*masked, *(event for event in pending if query.wants(event))]
        unread = {event.id for event in pending}
        order = merged(small)
        wanted = [batch for batch in batches if query.wants_batch(batch)]
        starts: list[datetime | None] = [*(batch.first_at for batch in wanted), None]
        for event in order.add((), starts[0]):
            yield event
        for batch, following in zip(wanted, starts[1:], strict=True):
            found = [event for event in await self._keeping.read(batch, query) if event.id not in unread]
            for event in order.add(found, following):
                yield event

    def _rows(self, connection: Connection, session: Session, query: EventQuery) -> tuple[list[Batch], list[Event]]:
        batches = store.of_session(connection, session.id)
        if not query.wants_kind("cost"):
            return batches, []
        bill = self._metering.explain(connection, session.workspace_id, session.id)
        return batches, [_cost(line.event) for line in bill.lines]


def _life(session: Session) -> list[Event]:
    """The session's own beginning and end."""
    began = {
        "state": "started",
        "browser_type": session.browser_type,
        "viewport_width": session.viewport_width,
        "viewport_height": session.viewport_height,
        "tags": list(session.tags),
    }
    events = [Event("0-started", session.created_at, "session", began)]
    if session.closed_at is not None:
        ended = {
            "state": "ended",
            "status": session.status.value,
            "close_reason": session.close_reason.value if session.close_reason else None,
            "error": session.error,
            "network_request_bytes": session.request_bytes,
            "network_response_bytes": session.response_bytes,
        }
        events.append(Event("z-ended", session.closed_at, "session", ended))
    return events


def _steps(steps: Sequence[Step], began: datetime) -> list[Event]:
    events: list[Event] = []
    last = began
    for number, step in enumerate(steps):
        last = max(last, _instant_of(step.value) or last)
        data = {"number": number, "type": step.kind, "value": step.value}
        events.append(Event(f"step-{number:06d}", last, "step", data))
    return events


def _instant_of(value: dict[str, Any]) -> datetime | None:
    """When a step was over, as it says itself."""
    for name in ("ended_at", "timestamp", "started_at"):
        try:
            instant = datetime.fromisoformat(str(value.get(name)))
        except ValueError:
            continue
        if instant.tzinfo is not None:
            return instant
    return None


def _cost(event: Any) -> Event:
    data = {
        "meter": event.meter.value,
        "quantity": event.quantity,
        "unit": event.unit,
        "cost": decimal_dollars(event.cost_nanos),
    }
    return Event(f"cost-{event.key}", event.occurred_at, "cost", data)
