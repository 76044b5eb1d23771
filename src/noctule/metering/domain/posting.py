"""The books of one account while a transaction is open: grants, charges, and what they change.

Every posting is a ledger transaction whose entries sum to 0. Credit is spent plan first, then top-ups;
inside a bucket by earliest expiry, then oldest, then id. What no credit covers goes to ``overage``, and
the next grant of any kind pays that first, so credit and overage are never there at the same time.

Nothing here reads or writes a database: an ``AccountBooks`` starts from a loaded state and notes rows in a
``Journal`` that the store writes in one go.
"""

from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum

from noctule.kit.ids import id_for_key
from noctule.metering.domain.events import Meter, UsageEvent
from noctule.metering.domain.months import Month

OVERAGE = "overage"
ISSUED = "issued"
EXPIRED = "expired"
_REVENUE = {meter: f"revenue:{meter.value}" for meter in Meter}
_NEVER = datetime.max.replace(tzinfo=UTC)

# Where each figure stands in a rollup row; the order of MonthRollup's fields.
_SESSIONS, _FUNCTIONS = 0, 1
_COST = {Meter.BROWSER: 2, Meter.PROXY: 3, Meter.LLM: 4, Meter.FUNCTION: 5}
_COUNT = {Meter.BROWSER: _SESSIONS, Meter.FUNCTION: _FUNCTIONS}
_OVERAGE = 10


class Bucket(IntEnum):
    """Kinds of credit, in the order in which they are spent."""

    PLAN = 0
    TOPUP = 1


_GRANTED = {Bucket.PLAN: 6, Bucket.TOPUP: 7}
_SPENT = {Bucket.PLAN: 8, Bucket.TOPUP: 9}


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
    ``plan_changes`` how often the account got a plan.
    """

    id: str
    plan: str
    opened_at: datetime
    booked_at: datetime
    plan_changes: int
    grants: list[Grant] = field(default_factory=list)
    owed_nanos: int = 0


@dataclass(slots=True)
class Journal:
    """The rows that one transaction adds or changes, over all its accounts.

    ``transactions`` are those that pay for no event. An event has the id of the transaction that pays for
    it; with it stand the instants of its booking, of where it counts and, for a correction, of its origin.
    """

    ids: Iterator[int]
    transactions: list[tuple[int, str, str, datetime]] = field(default_factory=list)
    entries: list[tuple[int, str, int]] = field(default_factory=list)
    events: list[tuple[int, UsageEvent, datetime, datetime, datetime | None]] = field(default_factory=list)
    plans: list[tuple[str, int, str, datetime]] = field(default_factory=list)
    grants: list[tuple[str, Grant]] = field(default_factory=list)
    balances: dict[tuple[str, str], int] = field(default_factory=dict)
    rollups: dict[tuple[str, Month], list[int]] = field(default_factory=dict)

    def rollup(self, account_id: str, month: Month) -> list[int]:
        """The changes to one month's rollup, in the order of ``MonthRollup``'s fields."""
        found = self.rollups.get((account_id, month))
        if found is None:
            found = self.rollups[account_id, month] = [0] * 11
        return found


class AccountBooks:
    """One account's books, open for posting at one instant.

    Making one books what is due by then: credit of past months expires, each new month's plan credit is
    granted, both dated at the month's start. ``at`` is the posting instant: ``now``, or the newest posting if
    the wall clock has gone back behind it. ``monthly_credit`` tells the plan credit of (plan, month).
    """

    def __init__(
        self,
        state: AccountState,
        journal: Journal,
        now: datetime,
        monthly_credit: Callable[[str, Month], int],
    ) -> None:
        self.state = state
        self.at = max(now, state.booked_at)
        self._journal = journal
        self._monthly_credit = monthly_credit
        self._catch_up()
        self.month = Month.of(self.at)
        self._start, self._end = self.month.start, self.month.end
        self._costs = journal.rollup(state.id, self.month)

    @property
    def balance_nanos(self) -> int:
        """Credit left, or what is owed as a negative amount."""
        return sum(grant.remaining_nanos for grant in self.state.grants) - self.state.owed_nanos

    def has_credit(self) -> bool:
        """``balance_nanos > 0``, at the price of one comparison."""
        return bool(self.state.grants)

    def grant(self, key: str, bucket: Bucket, amount_nanos: int, *, expires_at: datetime | None = None) -> None:
        """Add credit now."""
        self._grant(key, bucket, amount_nanos, self.at, expires_at)

    def take_plan(self, plan: str) -> None:
        """Put the account on a plan now; a transaction without entries keeps its place among the others."""
        state = self.state
        state.plan, state.plan_changes = plan, state.plan_changes + 1
        key = f"plan:{state.id}:{state.plan_changes}"
        self._journal.transactions.append((next(self._journal.ids), key, state.id, self.at))
        self._journal.plans.append((state.id, state.plan_changes, plan, self.at))

    def granted_now(self, bucket: Bucket) -> int:
        """What this transaction has granted in the current month so far."""
        return self._costs[_GRANTED[bucket]]

    def charge(self, event: UsageEvent) -> None:
        """Book an event and pay for it in full.

        An event of a month that is sealed is booked into the open month, as a correction that keeps the
        instant it came from.
        """
        state, journal, cost = self.state, self._journal, event.cost_nanos
        occurred_at, origin_at, rollup = event.occurred_at, None, self._costs
        if not self._start <= occurred_at < self._end:
            month = Month.of(occurred_at)
            if month.is_sealed(self.at):
                occurred_at, origin_at = self.at, occurred_at
            else:
                rollup = journal.rollup(state.id, month)
        id = next(journal.ids)
        journal.events.append((id, event, self.at, occurred_at, origin_at))
        meter = event.meter
        rollup[_COST[meter]] += cost
        if event.position == 0 and meter in _COUNT:
            rollup[_COUNT[meter]] += 1
        if cost:
            journal.entries.append((id, _REVENUE[meter], cost))
            self._pay(id, cost)

    def _pay(self, id: int, cost: int) -> None:
        state, journal = self.state, self._journal
        grants = state.grants
        while cost and grants:
            grant = grants[0]
            part = min(cost, grant.remaining_nanos)
            self._take(id, grant, part)
            self._costs[_SPENT[grant.bucket]] += part
            cost -= part
        if cost:
            state.owed_nanos += cost
            journal.entries.append((id, OVERAGE, -cost))
            journal.balances[state.id, OVERAGE] = -state.owed_nanos
            self._costs[_OVERAGE] -= cost

    def _take(self, id: int, grant: Grant, amount: int) -> None:
        left = grant.remaining_nanos = grant.remaining_nanos - amount
        account = grant.account
        self._journal.entries.append((id, account, -amount))
        self._journal.balances[self.state.id, account] = left
        if not left:
            self.state.grants.remove(grant)

    def _grant(self, key: str, bucket: Bucket, amount_nanos: int, at: datetime, expires_at: datetime | None) -> None:
        state, journal = self.state, self._journal
        grant = Grant(id_for_key(state.id, key), key, bucket, amount_nanos, at, expires_at, amount_nanos)
        id = next(journal.ids)
        journal.transactions.append((id, key, state.id, at))
        journal.entries += ((id, ISSUED, -amount_nanos), (id, grant.account, amount_nanos))
        journal.grants.append((state.id, grant))
        journal.balances[state.id, grant.account] = amount_nanos
        rollup = journal.rollup(state.id, Month.of(at))
        rollup[_GRANTED[bucket]] += amount_nanos
        insort(state.grants, grant, key=lambda each: each.spend_order)
        if state.owed_nanos:
            part = min(state.owed_nanos, amount_nanos)
            id = next(journal.ids)
            journal.transactions.append((id, f"settle:{grant.id}", state.id, at))
            self._take(id, grant, part)
            state.owed_nanos -= part
            journal.entries.append((id, OVERAGE, part))
            journal.balances[state.id, OVERAGE] = -state.owed_nanos
            rollup[_SPENT[bucket]] += part
            rollup[_OVERAGE] += part

    def _catch_up(self) -> None:
        state = self.state
        month, current = Month.of(state.booked_at), Month.of(self.at)
        while month < current:
            month = month.next
            for grant in [each for each in state.grants if each.expires_at and each.expires_at <= month.start]:
                self._expire(grant, month.start)
            if credit := self._monthly_credit(state.plan, month):
                self._grant(plan_key(state.id, month), Bucket.PLAN, credit, month.start, month.end)
        state.booked_at = self.at

    def _expire(self, grant: Grant, at: datetime) -> None:
        id = next(self._journal.ids)
        self._journal.transactions.append((id, f"expire:{grant.id}", self.state.id, at))
        self._journal.entries.append((id, EXPIRED, grant.remaining_nanos))
        self._take(id, grant, grant.remaining_nanos)


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
