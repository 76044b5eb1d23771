"""One workspace's money in plain integers, added up as it comes: the model of the simulation.

What ``model.Account`` says by adding everything up again, this says after tens of thousands of uses without
doing so. It shares nothing with ``noctule.metering`` but the way in which a grant's id is made from its key.
Months are (year, month); the period of a budget is a month or ``TOTAL``.
"""

import copy
from bisect import insort
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

from noctule.kit.ids import id_for_key
from tests.properties.model import after, month_of, start_of

PLANS = {"free": (0, 5 * 10**9), "pro": (5 * 10**9, 0), "growth": (25 * 10**9, 0), "prepaid": (0, 0)}
"""Nanos a month, and nanos once: the public plans as the operator's file says them in dollars."""

TOTAL = (0, 0)
METERS = ("browser", "proxy", "llm", "function")
Month = tuple[int, int]
_FOREVER = datetime.max.replace(tzinfo=UTC)


@cache
def minute_cost(minute: int) -> int:
    """$0.05 an hour, rounded half up on the running total."""
    before, now = ((2 * 50_000_000 * count + 60) // 120 for count in (minute, minute + 1))
    return now - before


class Whose(NamedTuple):
    """What a use belongs to."""

    session: str = ""
    agent: str = ""
    api_key: str = ""
    tags: tuple[str, ...] = ()
    function: str = ""
    model: str = ""


class Use(NamedTuple):
    """One use where it counts."""

    meter: str
    at: datetime
    cost: int
    quantity: int
    whose: Whose


@dataclass(slots=True)
class Credit:
    """Some credit and what is left of it."""

    key: str
    bucket: str
    amount: int
    left: int
    since: datetime
    until: datetime = _FOREVER


@dataclass(slots=True)
class Budget:
    """One budget and what was spent of it, by period."""

    name: str
    scope: str
    subject: str
    monthly: bool
    limit: int
    stops: bool
    spent: Counter[Month] = field(default_factory=Counter)

    def covers(self, whose: Whose) -> bool:
        if self.scope == "tag":
            return self.subject in whose.tags
        return self.scope == "workspace" or self.subject == getattr(whose, _FIELD[self.scope])

    def period(self, month: Month) -> Month:
        return month if self.monthly else TOTAL

    def is_reached(self, month: Month) -> bool:
        return self.spent[self.period(month)] >= self.limit


_FIELD = {"key": "api_key", "agent": "agent", "session": "session"}


class Tally:
    """One workspace. Whatever is booked is booked inside ``posting``, which stands for one transaction."""

    def __init__(self, id: str, now: datetime) -> None:
        self.id = id
        self.opened = self.mark = now
        self.plans: list[tuple[datetime, str]] = []
        self.credits: list[Credit] = []
        self.live: list[Credit] = []
        self.owed = 0
        self.uses: list[Use] = []
        self.costs: Counter[tuple[Month, str]] = Counter()
        self.counts: Counter[tuple[Month, str]] = Counter()
        self.sums: Counter[tuple[Month, str]] = Counter()
        self.budgets: dict[str, Budget] = {}
        # Of the month of the newest posting: the credit that it began with and got, and what was charged.
        self.month_credit = self.month_spent = 0
        self.shares: dict[tuple[Month, int], tuple[int, int, int, datetime]] = {}
        self.ends: list[tuple[Month, int, datetime]] = []
        self.budget_shares: dict[tuple[str, Month, int, int], tuple[int, datetime]] = {}
        self._had_credit = False

    # -- reading -------------------------------------------------------------------------------------------

    @property
    def plan(self) -> str:
        return self.plans[-1][1]

    @property
    def balance(self) -> int:
        return sum(credit.left for credit in self.live) - self.owed

    def month(self, now: datetime) -> Month:
        return month_of(max(now, self.mark))

    def ahead(self, now: datetime) -> "Tally":
        """What this will be when it has caught up, for looking at alone."""
        seen = copy.copy(self)
        seen.credits = [replace(credit) for credit in self.credits]
        seen.live = [credit for credit in seen.credits if credit.left]
        seen.live.sort(key=self._order)
        seen.sums = Counter(self.sums)
        seen.catch_up(now)
        return seen

    def refusal(self, now: datetime, whose: Whose) -> list[str] | None:
        """Why no such use may begin: ``[]`` for want of credit, else the budgets; ``None`` if it may."""
        seen = self if month_of(self.mark) >= month_of(now) else self.ahead(now)
        if seen.balance <= 0:
            return []
        month = month_of(max(now, self.mark))
        budgets = self.budgets.values()
        reached = [each.name for each in budgets if each.stops and each.covers(whose) and each.is_reached(month)]
        return reached or None

    def usage(self, month: Month, now: datetime) -> dict[str, object]:
        """The fields of ``GET /usage`` in nanos, for a month in which the workspace was there or a later one."""
        seen = self.ahead(now)
        current = month_of(seen.mark)
        as_of = min(month, current)
        is_over = month <= current
        costs = {meter: self.costs[month, meter] if is_over else 0 for meter in METERS}

        def total(what: str) -> int:
            return sum(amount for (when, name), amount in seen.sums.items() if name == what and when <= as_of)

        topups = total("topup given")
        topup_left = topups - total("topup spent") - total("owed")
        limit = seen.sums[month, "plan given"] if is_over else 0
        left = limit - seen.sums[month, "plan spent"] if is_over else 0
        return {
            "session_count": self.counts[month, "browser"] if is_over else 0,
            "function_count": self.counts[month, "function"] if is_over else 0,
            **{f"{meter}_nanos": cost for meter, cost in costs.items()},
            "total_nanos": sum(costs.values()),
            "subscription_limit_nanos": limit,
            "topup_limit_nanos": topups,
            "subscription_balance_nanos": left,
            "topup_balance_nanos": topup_left,
            "balance_nanos": left + topup_left,
            "is_limit_exceeded": is_over and left + topup_left <= 0,
            "plan": [plan for at, plan in self.plans if month_of(at) <= month][-1],
        }

    # -- booking -------------------------------------------------------------------------------------------

    @contextmanager
    def posting(self, now: datetime) -> Iterator[datetime]:
        """One transaction: what is due by now, what happens in it, and what it announces."""
        self._had_credit = bool(self.live)
        at = self.catch_up(now)
        yield at
        month, credit, spent = month_of(at), self.month_credit, self.month_spent
        for percent in (50, 80, 100):
            if credit > 0 and 100 * spent >= percent * credit and (month, percent) not in self.shares:
                self.shares[month, percent] = (credit, spent, self.balance, at)
        if self._had_credit and not self.live:
            self.ends.append((month, self.balance, at))

    def catch_up(self, now: datetime) -> datetime:
        now = max(now, self.mark)
        month = month_of(self.mark)
        while month != month_of(now):
            month = after(month)
            began = start_of(month)
            for credit in self.live:
                if credit.until <= began:
                    credit.left = 0
            self.live = [credit for credit in self.live if credit.left]
            self.sums[month, "plan given"] += sum(credit.left for credit in self.live if credit.bucket == "plan")
            self.month_credit, self.month_spent = self.balance, 0
            if monthly := PLANS[self.plan][0]:
                self.give(self._plan_key(month), "plan", monthly, began, start_of(after(month)))
        self.mark = now
        return now

    def take_plan(self, plan: str, at: datetime) -> None:
        self.plans.append((at, plan))
        monthly, once = PLANS[plan]
        month = month_of(at)
        key = self._plan_key(month)
        had = sum(credit.amount for credit in self.credits if credit.key.startswith(key))
        if monthly > had:
            self.give(f"{key}:{monthly}" if had else key, "plan", monthly - had, at, start_of(after(month)))
        once_key = f"grant:once:{self.id}:{plan}"
        if once and all(credit.key != once_key for credit in self.credits):
            self.give(once_key, "topup", once, at)

    def give(self, key: str, bucket: str, amount: int, at: datetime, until: datetime = _FOREVER) -> None:
        month = month_of(at)
        settled = min(self.owed, amount)
        credit = Credit(key, bucket, amount, amount - settled, at, until)
        self.credits.append(credit)
        if credit.left:
            insort(self.live, credit, key=self._order)
            self._had_credit = True
        self.month_credit += amount
        self.owed -= settled
        self.sums[month, f"{bucket} given"] += amount
        self.sums[month, f"{bucket} spent"] += settled
        self.sums[month, "owed"] -= settled

    def void(self, key: str, at: datetime) -> int:
        (credit,) = (each for each in self.credits if each.key == key)
        left, credit.left = credit.left, 0
        self.live = [each for each in self.live if each.left]
        self.month_credit -= left
        self.sums[month_of(at), f"{credit.bucket} given"] -= left
        return left

    def charge(
        self, key: str, meter: str, occurred: datetime, cost: int, quantity: int, whose: Whose, *, first: bool = False
    ) -> None:
        at = self.mark
        if at >= start_of(after(month_of(occurred))) + timedelta(hours=1):
            occurred = at
        month = month_of(occurred)
        self.uses.append(Use(meter, occurred, cost, quantity, whose))
        self.costs[month, meter] += cost
        self.counts[month, meter] += first
        for budget in self.budgets.values() if cost else ():
            if budget.covers(whose):
                budget.spent[budget.period(month)] += cost
                self.note(budget, month, at)
        if cost < 0:
            self.give(f"grant:{key}", "topup", -cost, at)
            return
        self.month_spent += cost
        month = month_of(at)
        while cost and self.live:
            credit = self.live[0]
            assert credit.since <= at < credit.until
            part = min(cost, credit.left)
            credit.left -= part
            cost -= part
            self.sums[month, f"{credit.bucket} spent"] += part
            if not credit.left:
                del self.live[0]
        self.owed += cost
        self.sums[month, "owed"] += cost

    def _order(self, credit: Credit) -> tuple[bool, datetime, datetime, str]:
        return credit.bucket != "plan", credit.until, credit.since, id_for_key(self.id, credit.key)

    def _plan_key(self, month: Month) -> str:
        return f"grant:plan:{self.id}:{month[0]:04d}-{month[1]:02d}"

    # -- budgets -------------------------------------------------------------------------------------------

    def spent_of(self, budget: Budget, period: Month) -> int:
        """What a budget covers, counted anew from the uses."""
        return sum(use.cost for use in self.uses if budget.covers(use.whose) and period in (TOTAL, month_of(use.at)))

    def set_budget(self, budget: Budget, now: datetime) -> None:
        """A new budget, or one with another limit."""
        self.budgets[budget.name] = budget
        at = max(now, self.mark)
        period = budget.period(month_of(at))
        budget.spent[period] = self.spent_of(budget, period)
        self.note(budget, month_of(at), at)

    def note(self, budget: Budget, month: Month, at: datetime) -> None:
        """Announce the shares of a budget that are spent; each once for a period and a limit."""
        period = budget.period(month)
        spent = budget.spent[period]
        for percent in (50, 80, 100):
            if 100 * spent >= percent * budget.limit:
                self.budget_shares.setdefault((budget.name, period, budget.limit, percent), (spent, at))
