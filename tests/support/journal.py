"""What clients were told, and whether the books still say so.

A client that gets an answer may rely on it; one that gets none knows nothing: what it asked for was done once or not
at all. So every figure has a lower bound (what was acknowledged) and an upper one (that, and what is in doubt).
"""

import itertools
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.books import Facts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def minutes_nanos(minutes: int) -> int:
    """What the first so many minutes of a session cost: $0.05 an hour, the running total rounded half up."""
    return (minutes * 50_000_000 * 2 + 60) // 120


MINUTE_NANOS = minutes_nanos(1)


@dataclass(slots=True)
class Start:
    """One wish for a session, however often it was sent. ``session_id`` is set once it was acknowledged."""

    workspace_id: str
    key: str | None
    sent: int = 0
    answered: int = 0
    session_id: str | None = None

    @property
    def is_in_doubt(self) -> bool:
        """Whether it may have made a session that nobody was told of."""
        return self.session_id is None and self.sent > self.answered


@dataclass(slots=True)
class Journal:
    """Everything that was acknowledged so far. ``surprises`` are answers that nobody should ever get."""

    starts: list[Start] = field(default_factory=list)
    stops: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: Counter[str] = field(default_factory=Counter)
    asked_top_ups: dict[str, int] = field(default_factory=dict)
    top_ups: dict[str, int] = field(default_factory=dict)
    seen_nanos: Counter[str] = field(default_factory=Counter)
    finished: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)

    def acknowledged(self, workspace_id: str) -> int:
        """Sessions of a workspace that certainly became active."""
        return sum(each.session_id is not None for each in self.starts if each.workspace_id == workspace_id)

    def possible(self, workspace_id: str) -> int:
        """Sessions of a workspace that may have become active."""
        return sum(
            each.session_id is not None or each.is_in_doubt for each in self.starts if each.workspace_id == workspace_id
        )

    def take_start(self, start: Start, body: dict[str, Any]) -> None:
        """An acknowledged start; a second answer to the same wish must name the same session."""
        session_id = body["session_id"]
        if start.session_id not in (None, session_id):
            self.surprises.append(f"key {start.key} made {start.session_id} first, then {session_id}")
        start.session_id = session_id

    def take_stop(self, body: dict[str, Any]) -> None:
        """An acknowledged stop; a second answer must say the same."""
        told = {name: body[name] for name in ("session_id", "status", "closed_at", "network_request_bytes")}
        earlier = self.stops.setdefault(body["session_id"], told)
        if earlier != told:
            self.surprises.append(f"a stop answered {earlier} first, then {told}")

    def take_usage(self, workspace_id: str, body: dict[str, Any], *, seen_nanos: int, acknowledged: int) -> None:
        """An answer of ``GET /usage``; the bounds are those of the moment at which it was asked."""
        cost_nanos = round(body["total_cost"] * 1e9)
        possible = self.possible(workspace_id)
        if not max(seen_nanos, acknowledged * MINUTE_NANOS) <= cost_nanos <= possible * MINUTE_NANOS:
            self.surprises.append(
                f"/usage says {cost_nanos} nanos after {seen_nanos} were seen,"
                f" {acknowledged} starts acknowledged and {possible} possible"
            )
        self.seen_nanos[workspace_id] = max(self.seen_nanos[workspace_id], cost_nanos)

    def problems(self, found: Facts) -> list[str]:
        """Where the books differ from what clients were told; ``found`` is from before any new work began."""
        problems = [*self.surprises, *found.violations]
        problems += self._problems_of_sessions(found)
        for start in self.starts:
            if start.session_id is not None and (
                start.session_id not in found.sessions or found.sessions[start.session_id].activated_at is None
            ):
                problems.append(f"start {start.key} was acknowledged as {start.session_id}, which is not there")
        for session_id, told in self.stops.items():
            session = found.sessions[session_id]
            if session.closed_at is None or _instant(session.closed_at) != datetime.fromisoformat(told["closed_at"]):
                problems.append(f"stop of {session_id} was acknowledged as {told}, the row is {session}")
        for session_id, count in self.steps.items():
            if found.sessions[session_id].steps < count:
                problems.append(f"session {session_id} had {count} steps acknowledged")
        booked = {key: amount for key, (_, amount) in found.top_ups.items()}
        if not self.top_ups.items() <= booked.items() <= self.asked_top_ups.items():
            problems.append(f"top-ups {self.top_ups} were acknowledged, {booked} are there")
        finished = found.finished()
        for id, earlier in self.finished.items():
            if finished.get(id) != earlier:
                problems.append(f"finished session {id} was {earlier} and is {finished.get(id)}")
        self.finished = finished
        return problems

    def _problems_of_sessions(self, found: Facts) -> list[str]:
        problems = [
            f"session {id} is {session.status} although nobody holds it"
            for id, session in found.sessions.items()
            if session.status in ("starting", "active")
        ]
        problems += [f"lease {id} is open although nobody holds it" for id in found.open_leases]
        active = {id: session for id, session in found.sessions.items() if session.activated_at is not None}
        for id in found.minutes.keys() | active.keys():
            chain = found.minutes.get(id, [])
            right = [(k, minutes_nanos(k + 1) - minutes_nanos(k), 1) for k in range(max(1, len(chain)))]
            if id not in active or chain != right:
                problems.append(f"session {id} ({found.sessions.get(id)}) has the minutes {chain}")
        count = Counter(session.workspace_id for session in active.values())
        for workspace_id in {start.workspace_id for start in self.starts}:
            low, high = self.acknowledged(workspace_id), self.possible(workspace_id)
            if not low <= count[workspace_id] <= high:
                problems.append(f"{count[workspace_id]} sessions of {workspace_id} are there, {low} to {high} can be")
        return problems


def ranges_tile(ranges: list[tuple[int, int, int, int]]) -> bool:
    """Whether ranges of bytes follow one another from 0 on, each paid once at 10 nanos a byte."""
    ends = itertools.accumulate((count for _, count, _, _ in ranges), initial=0)
    return all(
        first == end and count > 0 and cost == 10 * count and payments == 1
        for (first, count, cost, payments), end in zip(ranges, ends, strict=False)
    )


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
