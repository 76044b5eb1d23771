"""What a posting starts from and what it writes: an account's state, and the rows to add or change.

Ledger accounts are ``grant:<id>``, ``overage``, ``issued``, ``expired`` and ``revenue:<meter>``. A grant's key
says what it is for, so the same credit is given once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum

from noctule.kit.outbox import Announcement
from noctule.metering.domain.budgets import BudgetBook
from noctule.metering.domain.events import Meter, UsageEvent
from noctule.metering.domain.months import Month

OVERAGE = "overage"
ISSUED = "issued"
EXPIRED = "expired"
REVENUE = {meter: f"revenue:{meter.value}" for meter in Meter}
_NEVER = datetime.max.replace(tzinfo=UTC)

# Where each figure stands in a rollup row; the order of MonthRollup's fields.
SESSIONS, FUNCTIONS = 0, 1
COST_AT = {Meter.BROWSER: 2, Meter.PROXY: 3, Meter.LLM: 4, Meter.FUNCTION: 5}
COUNT_AT = {Meter.BROWSER: SESSIONS, Meter.FUNCTION: FUNCTIONS}
OVERAGE_AT = 10


class Bucket(IntEnum):
    """Kinds of credit, in the order in which they are spent."""

    PLAN = 0
    TOPUP = 1


GRANTED_AT = {Bucket.PLAN: 6, Bucket.TOPUP: 7}
SPENT_AT = {Bucket.PLAN: 8, Bucket.TOPUP: 9}

Day = tuple[str, str, str, str, str, str, str, str, str, str]
"""The key of a row of ``usage_day``: account, day, meter, session, agent, function, run, key, model, tags."""


@dataclass(slots=True)
class Grant:
    """Some credit and what is left of it. ``expires_at`` is ``None`` for credit that stays."""

    id: str
    key: str
    bucket: Bucket
    amount_nanos: int
    effective_at: datetime
    expires_at: datetime | None
    remaining_nanos: int
    account: str = field(init=False)
    """The ledger account that holds it."""

    def __post_init__(self) -> None:
        self.account = f"grant:{self.id}"

    @property
    def spend_order(self) -> tuple[int, datetime, datetime, str]:
        """Smaller is spent earlier."""
        return (self.bucket, self.expires_at or _NEVER, self.effective_at, self.id)


@dataclass(slots=True)
class AccountState:
    """One account as it was loaded, under its lock.

    ``booked_at`` is the instant of its newest posting: no posting is ever earlier, whatever the wall clock
    does. ``grants`` are those with something left, in spending order; ``owed_nanos`` is the overage and
    ``plan_changes`` how often the account got a plan. ``month_credit_nanos`` is the credit of the month of
    ``booked_at``: what was there at its start and what came since; ``noticed_percent`` the highest share of
    it that was announced as spent.
    """

    id: str
    plan: str
    opened_at: datetime
    booked_at: datetime
    plan_changes: int
    month_credit_nanos: int = 0
    noticed_percent: int = 0
    grants: list[Grant] = field(default_factory=list)
    owed_nanos: int = 0
    budgets: list[BudgetBook] = field(default_factory=list)


@dataclass(slots=True)
class Journal:
    """The rows that one transaction adds or changes, over all its accounts.

    ``transactions`` are those that pay for no event. An event has the id of the transaction that pays for
    it; with it stand the instants of its booking, of where it counts and, for a correction, of its origin.
    ``days`` are figures to add to rows of ``usage_day``: events, quantity, nanos.
    """

    ids: Iterator[int]
    transactions: list[tuple[int, str, str, datetime]] = field(default_factory=list)
    entries: list[tuple[int, str, int]] = field(default_factory=list)
    events: list[tuple[int, UsageEvent, datetime, datetime, datetime | None]] = field(default_factory=list)
    plans: list[tuple[str, int, str, datetime]] = field(default_factory=list)
    grants: list[tuple[str, Grant]] = field(default_factory=list)
    balances: dict[tuple[str, str], int] = field(default_factory=dict)
    rollups: dict[tuple[str, Month], list[int]] = field(default_factory=dict)
    days: dict[Day, list[int]] = field(default_factory=dict)
    spending: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    announcements: list[Announcement] = field(default_factory=list)

    def rollup(self, account_id: str, month: Month) -> list[int]:
        """The changes to one month's rollup, in the order of ``MonthRollup``'s fields."""
        found = self.rollups.get((account_id, month))
        if found is None:
            found = self.rollups[account_id, month] = [0] * 11
        return found


def plan_key(account_id: str, month: Month) -> str:
    """The natural key of the plan credit of a month."""
    return f"grant:plan:{account_id}:{month.key}"


def raised_plan_key(account_id: str, month: Month, total_nanos: int) -> str:
    """The natural key of the credit that raises a month's plan credit to ``total_nanos``."""
    return f"{plan_key(account_id, month)}:{total_nanos}"


def once_key(account_id: str, plan: str) -> str:
    """The natural key of the credit that a plan gives once."""
    return f"grant:once:{account_id}:{plan}"


def topup_key(key: str) -> str:
    """The natural key of a top-up."""
    return f"grant:topup:{key}"


def credit_key(key: str) -> str:
    """The natural key of credit that the operator gives for some months."""
    return f"grant:credit:{key}"


def refund_key(event_key: str) -> str:
    """The natural key of the credit that a correction gives back."""
    return f"grant:{event_key}"
