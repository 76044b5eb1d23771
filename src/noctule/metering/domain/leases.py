"""Leases: the meter's own record of one live session or run.

A lease is held by one process. Its witnessed time is measured by that process's monotonic clock and by
nothing else; ``paid_minutes`` and ``proxied_bytes`` say how far the booked events reach.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from noctule.metering.domain.budgets import Subjects
from noctule.metering.domain.events import MINUTE_MICROSECONDS, Meter

CHECKPOINT_BYTES = 10_000_000
CHECKPOINT_SECONDS = 10.0
SEEN_EVERY_SECONDS = 10.0
UNSEEN_AFTER_SECONDS = 120.0
"""After this long without a sign of its server, any other server may close a lease."""


@dataclass(frozen=True, slots=True)
class LeaseOpening:
    """What a lease is for. ``lease_id`` is the session's id, or the run's for a function; ``max_cost_nanos`` is
    what its session may cost before it ends."""

    lease_id: str
    account_id: str
    api_key_id: str | None = None
    meter: Literal["browser", "function"] = "browser"
    session_id: str | None = None
    agent_id: str | None = None
    function_id: str | None = None
    function_run_id: str | None = None
    tags: tuple[str, ...] = ()
    max_cost_nanos: int | None = None


class Progress(NamedTuple):
    """How far the booked events of a lease reach, and what they cost."""

    paid_minutes: int
    proxied_bytes: int
    cost_nanos: int


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as the database has it."""

    lease_id: str
    account_id: str
    meter: Meter
    witnessed_microseconds: int
    progress: Progress
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClosedLease:
    """What a lease came to. ``cost_nanos`` is its minutes and its proxied bytes."""

    witnessed_seconds: float
    minutes: int
    cost_nanos: int


@dataclass(frozen=True, slots=True)
class Stop:
    """A lease that must end now: the credit is gone, a budget is used up, or another server has it.
    ``reason`` is a sentence for people."""

    lease_id: str
    cause: Literal["credit", "budget", "lost"]
    reason: str


@dataclass(frozen=True, slots=True)
class TickOutcome:
    """What one tick of the meter found."""

    stops: tuple[Stop, ...] = ()
    minutes: int = 0
    checkpoints: int = 0

    @property
    def charges(self) -> int:
        """How many events were booked."""
        return self.minutes + self.checkpoints


class HeldLease:
    """A lease in the hands of this process.

    ``progress`` is what the newest step made it, whether or not that step was committed: whoever books on
    it must make sure that the database agrees. ``is_running`` says whether its time is passing and the tick
    charges it. ``seen`` and ``checked`` are the monotonic instants of the last sign of life and the last
    proxy checkpoint; ``unpaid_from`` is where the checkpoint began that took the last credit, if one did;
    ``tail`` is the end of each of its events, and ``subjects`` what they belong to.
    """

    __slots__ = (
        "_began",
        "_frozen",
        "at_paid_minute",
        "checked",
        "is_running",
        "meter",
        "opened_at",
        "opening",
        "progress",
        "seen",
        "subjects",
        "tail",
        "unpaid_from",
    )

    def __init__(self, opening: LeaseOpening, opened_at: datetime, tags: str) -> None:
        self.opening = opening
        self.meter = Meter(opening.meter)
        self.opened_at = opened_at
        self.tail = (
            opening.session_id,
            opening.agent_id,
            opening.function_run_id,
            opening.api_key_id,
            tags,
            None,
            opening.function_id,
        )
        self.subjects = Subjects(opening.session_id, opening.agent_id, opening.api_key_id, tags)
        self.progress = Progress(0, 0, 0)
        self.seen = 0.0
        self.checked = 0.0
        self.unpaid_from: int | None = None
        self.at_paid_minute = False
        self.is_running = False
        self._began: float | None = None
        self._frozen: int | None = None

    def begin(self, monotonic: float) -> None:
        """Let the witnessed time run; a second call changes nothing."""
        if self._began is None:
            self._began = self.seen = self.checked = monotonic
            self.is_running = self._frozen is None

    def freeze(self, monotonic: float, *, at_paid_minute: bool = False, at_most_minutes: int | None = None) -> None:
        """Let the witnessed time stand still; the first call wins."""
        if self._frozen is None:
            frozen = self.witnessed_microseconds(monotonic)
            if at_most_minutes is not None:
                frozen = min(frozen, at_most_minutes * MINUTE_MICROSECONDS)
            self._frozen = frozen
            self.at_paid_minute = at_paid_minute
            self.is_running = False

    def leave(self) -> None:
        """Charge it no more by the tick: its books are broken."""
        self.is_running = False

    def witnessed_microseconds(self, monotonic: float) -> int:
        """The witnessed time so far."""
        if self._frozen is not None:
            return self._frozen
        if self._began is None:
            return 0
        return int((monotonic - self._began) * 1_000_000)
