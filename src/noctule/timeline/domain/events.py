"""Events, the batches that they are kept in, and the order that they are told in; no I/O.

What must always hold: the order is that of the instants, and of the ids where instants are equal, so that a cursor
names a place in it that stays.
"""

import base64
import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

NETWORK = "request"
"""The kind of an exchange."""

CAPTURED_KINDS = (
    "console",
    "dialog",
    "download",
    "left_out",
    "load",
    "navigation",
    "page_error",
    NETWORK,
    "tab",
    "takeover",
)
KINDS = (*CAPTURED_KINDS, "cost", "session", "step")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class BadCursor(ValueError):
    """A text that is no cursor of ours."""


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the order: after the event of that instant and id."""

    at: datetime
    id: str

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(f"{(self.at - _EPOCH) // _MICROSECOND}:{self.id}".encode()).decode()

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """The cursor of a text that a page gave out. Raises ``BadCursor``."""
        try:
            number, _, event_id = base64.urlsafe_b64decode(text.encode()).decode().partition(":")
            return cls(_EPOCH + timedelta(microseconds=int(number)), event_id)
        except (ValueError, OverflowError):
            raise BadCursor(text) from None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; ``data`` is JSON. ``at`` is the instant at which it was over."""

    id: str
    at: datetime
    kind: str
    data: dict[str, Any] = field(repr=False)

    @property
    def place(self) -> Cursor:
        """Where it stands in the order."""
        return Cursor(self.at, self.id)

    def as_json(self) -> dict[str, Any]:
        """As it is told and kept."""
        return {"id": self.id, "at": self.at.isoformat(), "kind": self.kind, "data": self.data}


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that are kept together: exchanges in one object, the rest in another; an object of no bytes is not there.

    ``counts`` is by kind; ``first_at`` and ``last_at`` are the instants of the first event and the last.
    """

    session_id: str
    number: int
    created_at: datetime
    first_at: datetime
    last_at: datetime
    counts: dict[str, int]
    timeline_bytes: int
    network_bytes: int

    @property
    def name(self) -> str:
        """Its objects' name, without ending. It tells when it was made, so that what has no row can be told from what
        will have one in a moment."""
        return f"{self.number:06d}-{int(self.created_at.timestamp())}"

    @property
    def requests(self) -> int:
        """How many exchanges are in it."""
        return self.counts.get(NETWORK, 0)


@dataclass(frozen=True, slots=True)
class EventQuery:
    """What is wanted of a timeline: kinds (none: all), instants from ``since`` to before ``until``, what follows
    ``after``."""

    kinds: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    after: Cursor | None = None

    def wants(self, event: Event) -> bool:
        """Whether an event is asked for."""
        return (
            self.wants_kind(event.kind)
            and (self.since is None or event.at >= self.since)
            and (self.until is None or event.at < self.until)
            and (self.after is None or event.place > self.after)
        )

    def wants_kind(self, kind: str) -> bool:
        """Whether events of that kind are asked for."""
        return not self.kinds or kind in self.kinds

    def wants_batch(self, batch: Batch) -> bool:
        """Whether a batch may have an event that is asked for."""
        return (
            any(self.wants_kind(kind) for kind in batch.counts)
            and (self.since is None or batch.last_at >= self.since)
            and (self.until is None or batch.first_at < self.until)
            and (self.after is None or batch.last_at >= self.after.at)
        )


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Some events in their order. ``after`` is where the next page begins; ``has_more``: there is one now."""

    events: tuple[Event, ...]
    after: Cursor | None
    has_more: bool


class merged(Iterator[Event]):
    """Events of many batches in one order, fed batch by batch in the order of their first instants.

    After ``add(events, before)`` the iteration yields what cannot be preceded by anything that is still to come, which
    is all before ``before``; after the last one, which says ``None``, everything.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._heap: list[tuple[Cursor, int, Event]] = []
        self._before: datetime | None = None
        self._count = 0
        self._push(events)

    def add(self, events: Sequence[Event], before: datetime | None) -> "merged":
        """Put more in; nothing that comes later is before ``before``."""
        self._push(events)
        self._before = before
        return self

    def _push(self, events: Iterable[Event]) -> None:
        for event in events:
            self._count += 1
            heapq.heappush(self._heap, (event.place, self._count, event))

    def __next__(self) -> Event:
        if not self._heap or (self._before is not None and self._heap[0][0].at >= self._before):
            raise StopIteration
        return heapq.heappop(self._heap)[2]
