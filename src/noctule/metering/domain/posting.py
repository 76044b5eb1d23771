"""The books of one account while a transaction is open: grants, charges, and what they change.

Every posting is a ledger transaction whose entries sum to 0. Credit is spent plan first, then top-ups;
inside a bucket by earliest expiry, then oldest, then id. What no credit covers goes to ``overage``, and
the next grant of any kind pays that first, so credit and overage are never there at the same time.

Nothing here reads or writes a database: an ``AccountBooks`` starts from a loaded state and notes rows in a
``Journal`` that the store writes in one go.
"""

from bisect import insort
from collections.abc import Callable
from datetime import datetime

from noctule.kit.ids import id_for_key
from noctule.metering.domain import notices
from noctule.metering.domain.budgets import BudgetBook, Subjects
from noctule.metering.domain.events import UsageEvent, model_of
from noctule.metering.domain.journal import (
    COST_AT,
    COUNT_AT,
    EXPIRED,
    GRANTED_AT,
    ISSUED,
    OVERAGE,
    OVERAGE_AT,
    REVENUE,
    SPENT_AT,
    AccountState,
    Bucket,
    Grant,
    Journal,
    plan_key,
    refund_key,
)
from noctule.metering.domain.months import Month


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
        self.new_plan_credit_nanos = 0
        """The plan's own credit of the current month that this transaction has granted so far."""
        self._journal = journal
        self._monthly_credit = monthly_credit
        self._had_credit = bool(state.grants)
        self._emptied_by: int | None = None
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

    def stopped_by(self, use: Subjects) -> BudgetBook | None:
        """The budget that lets no more such use begin, if there is one."""
        return next((each for each in self.state.budgets if each.stops(use, self.month)), None)

    # -- credit ------------------------------------------------------------------------------------------

    def grant(self, key: str, bucket: Bucket, amount_nanos: int, *, expires_at: datetime | None = None) -> None:
        """Add credit now."""
        self._grant(key, bucket, amount_nanos, self.at, expires_at)

    def void(self, grant_id: str) -> int:
        """Take back, now, what is left of a grant, as if it had never been given; answers how much."""
        grant = next((each for each in self.state.grants if each.id == grant_id), None)
        if grant is None:
            return 0
        left = grant.remaining_nanos
        id = next(self._journal.ids)
        self._journal.transactions.append((id, f"void:{grant.id}", self.state.id, self.at))
        self._journal.entries.append((id, ISSUED, left))
        self._take(id, grant, left)
        self._costs[GRANTED_AT[grant.bucket]] -= left
        self.state.month_credit_nanos -= left
        return left

    def take_plan(self, plan: str) -> None:
        """Put the account on a plan now; a transaction without entries keeps its place among the others."""
        state = self.state
        state.plan, state.plan_changes = plan, state.plan_changes + 1
        key = f"plan:{state.id}:{state.plan_changes}"
        self._journal.transactions.append((next(self._journal.ids), key, state.id, self.at))
        self._journal.plans.append((state.id, state.plan_changes, plan, self.at))

    # -- charges -----------------------------------------------------------------------------------------

    def charge(self, event: UsageEvent) -> None:
        """Book an event and pay for it in full; one with a negative cost gives credit back.

        An event of a month that is sealed is booked into the open month, as a correction that keeps the
        instant it came from.
        """
        state, journal, cost = self.state, self._journal, event.cost_nanos
        occurred_at, origin_at, rollup, month = event.occurred_at, None, self._costs, self.month
        if not self._start <= occurred_at < self._end:
            origin = Month.of(occurred_at)
            if origin.is_sealed(self.at):
                occurred_at, origin_at = self.at, occurred_at
            else:
                month, rollup = origin, journal.rollup(state.id, origin)
        id = next(journal.ids)
        journal.events.append((id, event, self.at, occurred_at, origin_at))
        meter = event.meter
        rollup[COST_AT[meter]] += cost
        if event.position == 0 and meter in COUNT_AT:
            rollup[COUNT_AT[meter]] += 1
        self._note_day(event, occurred_at)
        if cost:
            for each in state.budgets:
                self._count(each, event, month)
            journal.entries.append((id, REVENUE[meter], cost))
            if cost > 0:
                self._pay(id, cost)
            else:
                self._give_back(id, event)

    def _note_day(self, event: UsageEvent, occurred_at: datetime) -> None:
        key = (
            self.state.id,
            occurred_at.date().isoformat(),
            event.meter.value,
            event.session_id or "",
            event.agent_id or "",
            event.function_id or "",
            event.function_run_id or "",
            event.api_key_id or "",
            model_of(event.detail) if event.detail else "",
            event.tags,
        )
        figures = self._journal.days.get(key)
        if figures is None:
            self._journal.days[key] = [1, event.quantity, event.cost_nanos]
        else:
            figures[0] += 1
            figures[1] += event.quantity
            figures[2] += event.cost_nanos

    def _count(self, each: BudgetBook, event: UsageEvent, month: Month) -> None:
        budget = each.budget
        if budget.covers(Subjects(event.session_id, event.agent_id, event.api_key_id, event.tags)):
            spending = each.spending(month)
            spending.spent_nanos += event.cost_nanos
            period = budget.period_of(month)
            for percent in spending.newly_noticed(budget.limit_nanos):
                self._journal.announcements.append(notices.budget(each, period, percent, self.at))
            self._journal.spending[budget.id, period] = (spending.spent_nanos, spending.noticed_percent)

    def _pay(self, id: int, cost: int) -> None:
        state, journal = self.state, self._journal
        grants = state.grants
        while cost and grants:
            grant = grants[0]
            part = min(cost, grant.remaining_nanos)
            self._take(id, grant, part)
            self._costs[SPENT_AT[grant.bucket]] += part
            cost -= part
        if cost:
            state.owed_nanos += cost
            journal.entries.append((id, OVERAGE, -cost))
            journal.balances[state.id, OVERAGE] = -state.owed_nanos
            self._costs[OVERAGE_AT] -= cost

    def _give_back(self, id: int, event: UsageEvent) -> None:
        """Credit that does not expire, straight from the revenue that a correction takes back."""
        key = refund_key(event.key)
        amount = -event.cost_nanos
        grant = Grant(id_for_key(self.state.id, key), key, Bucket.TOPUP, amount, self.at, None, amount)
        self._journal.entries.append((id, grant.account, amount))
        self._put(grant, self.at)

    def _take(self, id: int, grant: Grant, amount: int) -> None:
        left = grant.remaining_nanos = grant.remaining_nanos - amount
        account = grant.account
        self._journal.entries.append((id, account, -amount))
        self._journal.balances[self.state.id, account] = left
        if not left:
            self.state.grants.remove(grant)
            if not self.state.grants:
                self._emptied_by = id

    def _grant(self, key: str, bucket: Bucket, amount_nanos: int, at: datetime, expires_at: datetime | None) -> None:
        state, journal = self.state, self._journal
        grant = Grant(id_for_key(state.id, key), key, bucket, amount_nanos, at, expires_at, amount_nanos)
        id = next(journal.ids)
        journal.transactions.append((id, key, state.id, at))
        journal.entries += ((id, ISSUED, -amount_nanos), (id, grant.account, amount_nanos))
        self._put(grant, at)
        if key.startswith(plan_key(state.id, Month.of(self.at))):
            self.new_plan_credit_nanos += amount_nanos

    def _put(self, grant: Grant, at: datetime) -> None:
        """Take a grant in that the ledger has given, and pay what is owed from it."""
        state, journal, amount = self.state, self._journal, grant.amount_nanos
        journal.grants.append((state.id, grant))
        journal.balances[state.id, grant.account] = amount
        rollup = journal.rollup(state.id, Month.of(at))
        rollup[GRANTED_AT[grant.bucket]] += amount
        state.month_credit_nanos += amount
        insort(state.grants, grant, key=lambda each: each.spend_order)
        if state.owed_nanos:
            part = min(state.owed_nanos, amount)
            id = next(journal.ids)
            journal.transactions.append((id, f"settle:{grant.id}", state.id, at))
            self._take(id, grant, part)
            state.owed_nanos -= part
            journal.entries.append((id, OVERAGE, part))
            journal.balances[state.id, OVERAGE] = -state.owed_nanos
            rollup[SPENT_AT[grant.bucket]] += part
            rollup[OVERAGE_AT] += part
        self._had_credit = self._had_credit or bool(state.grants)

    # -- months ------------------------------------------------------------------------------------------

    def _catch_up(self) -> None:
        state = self.state
        month, current = Month.of(state.booked_at), Month.of(self.at)
        while month < current:
            month = month.next
            for grant in [each for each in state.grants if each.expires_at and each.expires_at <= month.start]:
                self._expire(grant, month.start)
            carried = sum(each.remaining_nanos for each in state.grants if each.bucket is Bucket.PLAN)
            if carried:
                self._journal.rollup(state.id, month)[GRANTED_AT[Bucket.PLAN]] += carried
            state.month_credit_nanos, state.noticed_percent = self.balance_nanos, 0
            if credit := self._monthly_credit(state.plan, month):
                self._grant(plan_key(state.id, month), Bucket.PLAN, credit, month.start, month.end)
        state.booked_at = self.at

    def _expire(self, grant: Grant, at: datetime) -> None:
        id = next(self._journal.ids)
        self._journal.transactions.append((id, f"expire:{grant.id}", self.state.id, at))
        self._journal.entries.append((id, EXPIRED, grant.remaining_nanos))
        self._take(id, grant, grant.remaining_nanos)

    # -- the end -----------------------------------------------------------------------------------------

    def close(self) -> None:
        """Note what there is to announce: shares of the month's credit that are spent, and its end."""
        state, balance = self.state, self.balance_nanos
        spent = notices.credit(state, self.month, balance, self.at)
        self._journal.announcements += spent
        if self._had_credit and not state.grants and self._emptied_by is not None:
            self._journal.announcements.append(notices.exhausted(state, self.month, balance, self._emptied_by, self.at))
