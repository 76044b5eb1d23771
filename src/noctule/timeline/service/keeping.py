"""Batches as objects: newline-delimited JSON, an event a line, exchanges apart from the rest.

What must always hold: an object holds nothing that was not masked; its row is written after it, so that a row always
has its objects; what has no row is deleted when its row cannot come any more.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.objects.store import ObjectMissing, ObjectStore, key
from noctule.timeline import store
from noctule.timeline.domain import NETWORK, Batch, Event, EventQuery, Masker

TIMELINE_AREA = "timeline"
NETWORK_AREA = "network"
_ENDINGS = {TIMELINE_AREA: "ndjson", NETWORK_AREA: "jsonl"}
_SWEPT_AT_A_TIME = 200
_ROW_COMES_WITHIN = timedelta(hours=1)


KnownSessions = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Which of these ids are sessions of this database."""


class _Line(msgspec.Struct):
    id: str
    at: datetime
    kind: str
    data: dict[str, Any]


_LINES = msgspec.json.Decoder(_Line)


def object_key(area: str, batch: Batch) -> str:
    """The key of one of a batch's two objects."""
    return key(area, batch.session_id, f"{batch.name}.{_ENDINGS[area]}")


def encoded(events: Iterable[Event]) -> bytes:
    """Events as lines."""
    return b"".join(msgspec.json.encode(event.as_json()) + b"\n" for event in events)


class Keeping:
    """Writes, reads and removes batches."""

    def __init__(self, database: Database, objects: ObjectStore, clock: Clock, *, keeps_for: timedelta) -> None:
        self._database = database
        self._objects = objects
        self._clock = clock
        self._keeps_for = keeps_for

    async def keep(self, session_id: str, number: int, events: Sequence[Event], masker: Masker) -> None:
        """Write a batch. Raises ``Unavailable``; what was written of it then has no row."""
        masked, lines = await asyncio.to_thread(_written, events, masker)
        counts: dict[str, int] = {}
        for event in masked:
            counts[event.kind] = counts.get(event.kind, 0) + 1
        batch = Batch(
            session_id=session_id,
            number=number,
            created_at=self._clock.now(),
            first_at=min(event.at for event in masked),
            last_at=max(event.at for event in masked),
            counts=counts,
            timeline_bytes=len(lines[TIMELINE_AREA]),
            network_bytes=len(lines[NETWORK_AREA]),
        )
        for area, content in lines.items():
            if content:
                await self._objects.put(object_key(area, batch), content)
        await self._database.write(lambda connection: store.add(connection, batch))

    async def next_number(self, session_id: str) -> int:
        """The number of the session's next batch."""
        return await self._database.read(lambda connection: store.next_number(connection, session_id))

    async def read(self, batch: Batch, query: EventQuery) -> list[Event]:
        """The events of a batch that are asked for. A batch that retention has just removed has none."""
        events: list[Event] = []
        wants_rest = any(query.wants_kind(kind) for kind in batch.counts if kind != NETWORK)
        areas = {TIMELINE_AREA: wants_rest, NETWORK_AREA: query.wants_kind(NETWORK)}
        sizes = {TIMELINE_AREA: batch.timeline_bytes, NETWORK_AREA: batch.network_bytes}
        for area, is_wanted in areas.items():
            if is_wanted and sizes[area]:
                try:
                    content = await self._objects.get(object_key(area, batch))
                except ObjectMissing:
                    continue
                events += await asyncio.to_thread(_read, content)
        return [event for event in events if query.wants(event)]

    async def sweep(self) -> None:
        """Remove batches that were kept for long enough, objects first."""
        old = self._clock.now() - self._keeps_for
        while batches := await self._database.read(lambda connection: store.before(connection, old, _SWEPT_AT_A_TIME)):
            keys = [object_key(area, batch) for batch in batches for area in _ENDINGS]
            await self._objects.delete(keys)
            await self._database.write(lambda connection, gone=batches: store.remove(connection, gone))  # type: ignore[misc]

    async def sweep_strays(self, known_sessions: KnownSessions) -> None:
        """Remove objects that have no row, and cannot get one any more: a server was killed between the two.

        Of sessions that are not known nothing is touched: they may be another server's, which shares the bucket.
        """
        for area in _ENDINGS:
            found: dict[str, tuple[str, int]] = {}
            async for info in self._objects.list(area):
                if (place := self._stray_place(info.key)) is not None:
                    found[info.key] = place
                if len(found) >= _SWEPT_AT_A_TIME:
                    await self._sweep_those(found, known_sessions)
                    found = {}
            await self._sweep_those(found, known_sessions)

    def _stray_place(self, object_key: str) -> tuple[str, int] | None:
        """Session and number of an object that is old enough to be judged."""
        _, _, rest = object_key.rpartition(f"{object_key.split('/')[0]}/")
        session_id, _, name = rest.partition("/")
        number, _, made = name.partition(".")[0].partition("-")
        if not number.isdecimal() or not made.isdecimal():
            return None
        if int(made) > (self._clock.now() - _ROW_COMES_WITHIN).timestamp():
            return None
        return session_id, int(number)

    async def _sweep_those(self, found: dict[str, tuple[str, int]], known_sessions: KnownSessions) -> None:
        sessions = await known_sessions({session_id for session_id, _ in found.values()}) if found else ()
        if ours := {key: place for key, place in found.items() if place[0] in sessions}:
            places = sorted(set(ours.values()))
            known = await self._database.read(lambda connection: store.known(connection, places))
            # A batch whose row could not be written was written again, under its number but not its name.
            kept = {object_key(area, batch) for batch in known for area in _ENDINGS}
            await self._objects.delete([key for key in ours if key not in kept])


def _written(events: Sequence[Event], masker: Masker) -> tuple[list[Event], dict[str, bytes]]:
    masked = masked_events(events, masker)
    return masked, {
        TIMELINE_AREA: encoded(event for event in masked if event.kind != NETWORK),
        NETWORK_AREA: encoded(event for event in masked if event.kind == NETWORK),
    }


def masked_events(events: Iterable[Event], masker: Masker) -> list[Event]:
    """Events without secrets."""
    return [Event(event.id, event.at, event.kind, masker.data(event.data)) for event in events]


def _read(content: bytes) -> list[Event]:
    return [Event(line.id, line.at, line.kind, line.data) for line in map(_LINES.decode, content.splitlines())]
