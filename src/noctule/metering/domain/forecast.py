"""Where an account is heading: pure arithmetic over what it used in the last days.

The pace is the cost of the last seven whole UTC days and of today so far, divided by the very time in which it
arose: today counts by the part of it that is over, and an account that is younger by its own age. Nothing is
guessed: without one whole day of data, or without any cost, there is no pace and nothing that rests on one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from fractions import Fraction
from math import floor

from noctule.metering.domain.months import Month

WINDOW_DAYS = 7
HORIZON_MONTHS = 24
"""How many months after the current one the plan's credit is looked up for; beyond them, nothing is foretold."""

_SPREAD_DAYS = 3
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_NEVER = datetime.max.replace(tzinfo=UTC)


class Outlook(StrEnum):
    """What can be said about the credit."""

    TOO_LITTLE_DATA = "too_little_data"
    NOTHING_USED = "nothing_used"
    USED_UP = "used_up"
    ENDS = "ends"
    LASTS = "lasts"


class Change(StrEnum):
    """What an account could do differently."""

    PROXIES_OFF = "proxies_off"
    IDLE_TIMEOUT = "idle_timeout"
    FEWER_SESSIONS = "fewer_sessions"


@dataclass(frozen=True, slots=True)
class Pace:
    """So much in so much time."""

    cost_nanos: int
    span: timedelta

    def over(self, span: timedelta) -> int:
        """Nanos that another span costs at this pace."""
        return self.cost_nanos * (span // _MICROSECOND) // (self.span // _MICROSECOND)

    @property
    def a_day(self) -> int:
        """Nanos a day."""
        return self.over(_DAY)


@dataclass(frozen=True, slots=True)
class Credit:
    """Credit that is left. ``expires_at`` is ``None`` for credit that stays."""

    left_nanos: int
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one account.

    ``days`` are the costs of the last seven whole UTC days, oldest first, ``today_nanos`` those of the day of
    ``now``; corrections are not in them. ``spent_nanos`` is the cost of the current month, and ``coming`` the
    plan's credit of the months after it. ``avoidable`` is the part of the cost of ``days`` and of today that each
    change would have saved.
    """

    now: datetime
    opened_at: datetime
    days: tuple[int, ...]
    today_nanos: int
    spent_nanos: int
    credits: tuple[Credit, ...] = ()
    owed_nanos: int = 0
    coming: tuple[int, ...] = ()
    avoidable: Mapping[Change, int] = field(default_factory=dict)

    @property
    def balance_nanos(self) -> int:
        """What is left, or owed as a negative amount."""
        return sum(credit.left_nanos for credit in self.credits) - self.owed_nanos


@dataclass(frozen=True, slots=True)
class Projection:
    """What the current month will have cost: at the pace of the quietest days, of the week, of the busiest days."""

    low_nanos: int
    expected_nanos: int
    high_nanos: int


@dataclass(frozen=True, slots=True)
class Saving:
    """What one change, alone, would save a day, and when the credit would end then (``None``: not in sight)."""

    change: Change
    a_day_nanos: int
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where an account is heading, as of ``now``.

    ``whole_days`` is how many whole days the pace rests on. ``pace`` and ``projection`` are ``None`` where there is
    too little to tell. ``ends_at`` is set where the credit ends before the plan's next credit can save it.
    """

    now: datetime
    month: Month
    outlook: Outlook
    whole_days: int
    balance_nanos: int
    spent_nanos: int
    coming_nanos: int
    pace: Pace | None = None
    projection: Projection | None = None
    ends_at: datetime | None = None
    savings: tuple[Saving, ...] = ()

    @property
    def left(self) -> timedelta | None:
        """How long the credit lasts."""
        return None if self.ends_at is None else self.ends_at - self.now

    @property
    def is_enough_for_month(self) -> bool | None:
        """Whether the credit outlasts the month; ``None`` where nobody can tell."""
        if self.outlook is Outlook.TOO_LITTLE_DATA:
            return None
        return self.outlook is not Outlook.USED_UP and (self.ends_at is None or self.ends_at >= self.month.end)


def foretell(facts: Facts) -> Forecast:
    """The forecast that the facts allow, and no more."""
    midnight = datetime.combine(facts.now.date(), time(), UTC)
    starts = [midnight - _DAY * back for back in range(len(facts.days), 0, -1)]
    whole = [cost for start, cost in zip(starts, facts.days, strict=True) if start >= facts.opened_at]
    pace = Pace(sum(facts.days) + facts.today_nanos, facts.now - max(midnight - _DAY * len(starts), facts.opened_at))
    month = Month.of(facts.now)
    known = (facts.now, month)
    figures = (len(whole), facts.balance_nanos, facts.spent_nanos, facts.coming[0] if facts.coming else 0)
    is_used_up = facts.balance_nanos <= 0
    if not whole:
        return Forecast(*known, Outlook.USED_UP if is_used_up else Outlook.TOO_LITTLE_DATA, *figures)
    projection = _projection(facts, month, whole, pace)
    if is_used_up:
        ends_at, outlook = None, Outlook.USED_UP
    elif pace.cost_nanos <= 0:
        return Forecast(*known, Outlook.NOTHING_USED, *figures, projection=projection)
    else:
        ends_at = end_of_credit(facts, pace)
        outlook = Outlook.LASTS if ends_at is None else Outlook.ENDS
    return Forecast(*known, outlook, *figures, pace, projection, ends_at, _savings(facts, pace))


def end_of_credit(facts: Facts, pace: Pace) -> datetime | None:
    """When the credit is gone at a pace; ``None`` if that is not in sight.

    Credit is spent in the order in which it expires; what is left at its expiry is lost, and each month brings
    what the plan gives.
    """
    if pace.cost_nanos <= 0:
        return None
    # Exact to the end: a nano that is rounded off each month may be an hour at a slow pace.
    rate = Fraction(pace.cost_nanos, pace.span // _MICROSECOND)
    at, month = facts.now, Month.of(facts.now)
    owed = Fraction(facts.owed_nanos)
    credits = sorted((each.expires_at or _NEVER, Fraction(each.left_nanos)) for each in facts.credits)
    for coming in (*facts.coming, None):
        needed = owed + rate * ((month.end - at) // _MICROSECOND)
        available = sum(left for _, left in credits)
        if available < needed:
            return at + _MICROSECOND * floor(max(Fraction(0), available - owed) / rate)
        if coming is None:
            break
        month = month.next
        at, owed = month.start, Fraction(0)
        credits = sorted([*_left(credits, needed, at), (month.end, Fraction(coming))])
    return None


def _left(
    credits: list[tuple[datetime, Fraction]], spent: Fraction, at: datetime
) -> Iterator[tuple[datetime, Fraction]]:
    """What is there at ``at`` of credits, in the order of their expiry, after so much was spent of them."""
    for expires_at, left in credits:
        part = min(spent, left)
        spent -= part
        if left > part and expires_at > at:
            yield expires_at, left - part


def _projection(facts: Facts, month: Month, whole: list[int], pace: Pace) -> Projection:
    rest = month.end - facts.now
    count = min(_SPREAD_DAYS, len(whole))
    by_cost = sorted(whole)
    expected = facts.spent_nanos + pace.over(rest)
    low = facts.spent_nanos + Pace(sum(by_cost[:count]), _DAY * count).over(rest)
    high = facts.spent_nanos + Pace(sum(by_cost[-count:]), _DAY * count).over(rest)
    return Projection(min(low, expected), expected, max(high, expected))


def _savings(facts: Facts, pace: Pace) -> tuple[Saving, ...]:
    found = []
    for change, avoidable in facts.avoidable.items():
        saved = Pace(min(avoidable, pace.cost_nanos), pace.span)
        if saved.a_day > 0:
            slower = Pace(pace.cost_nanos - saved.cost_nanos, pace.span)
            ends_at = None if facts.balance_nanos <= 0 else end_of_credit(facts, slower)
            found.append(Saving(change, saved.a_day, ends_at))
    return tuple(sorted(found, key=lambda saving: (-saving.a_day_nanos, saving.change)))
