"""The meter in plain integers: what METERING promises, written down a second time and in another way.

It keeps a flat history of everything that was ever posted and answers every question by adding it up. It
shares nothing with ``noctule.metering`` but the way in which a grant's id is made from its key.
"""

import copy
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor

from noctule.kit.ids import id_for_key

PLANS = {"free": (0, 5_000_000_000), "pro": (5_000_000_000, 0), "growth": (25_000_000_000, 0), "tiny": (2_000_000, 0)}
_FOREVER = datetime.max.replace(tzinfo=UTC)


def month_of(at: datetime) -> tuple[int, int]:
    return at.year, at.month


def start_of(month: tuple[int, int]) -> datetime:
    return datetime(*month, 1, tzinfo=UTC)


def after(month: tuple[int, int]) -> tuple[int, int]:
    return month_of(start_of(month) + timedelta(days=32))


def minute_cost(minute: int) -> int:
    """Half up on the running total of $0.05 an hour."""

    def total(count: int) -> int:
        return floor(Fraction(50_000_000 * count, 60) + Fraction(1, 2))

    return total(minute + 1) - total(minute)


def minutes_owed(seconds: Fraction) -> int:
    """Every started minute, at least one."""
    whole = floor(seconds / 60)
    return max(1, whole + (seconds > whole * 60))


@dataclass
class Credit:
    key: str
    bucket: str
    amount: int
    effective: datetime
    expires: datetime
    spent: int = 0
    expired: int = 0
    voided: int = 0

    @property
    def left(self) -> int:
        return self.amount - self.spent - self.expired - self.voided


@dataclass
class Use:
    key: str
    meter: str
    occurred: datetime
    cost: int
    session: str
    first: bool
    api_key: str = ""
    tags: tuple[str, ...] = ()


@dataclass
class Budget:
    name: str
    scope: str
    subject: str
    monthly: bool
    limit: int
    stops: bool

    def is_of(self, sessions: Collection[str]) -> bool:
        return self.scope == "session" and self.subject in sessions

    def covers(self, session: str, api_key: str, tags: tuple[str, ...]) -> bool:
        return {
            "workspace": True,
            "key": api_key == self.subject,
            "tag": self.subject in tags,
            "session": session == self.subject,
        }[self.scope]


@dataclass
class Account:
    id: str
    plan: str
    opened: datetime
    mark: datetime
    credits: list[Credit] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    # (instant, what changed, by how much): plan or topup credit granted or spent, plan expired, overage.
    history: list[tuple[datetime, str, int]] = field(default_factory=list)
    plans: list[tuple[datetime, str]] = field(default_factory=list)
    owed: int = 0
    budgets: dict[str, Budget] = field(default_factory=dict)

    def spent_of(self, budget: Budget, month: tuple[int, int]) -> int:
        """The costs of all uses that a budget covers, in a month or ever."""
        return sum(
            use.cost
            for use in self.uses
            if budget.covers(use.session, use.api_key, use.tags)
            and (not budget.monthly or month_of(use.occurred) == month)
        )

    def refuses(self, now: datetime, session: str, api_key: str, tags: tuple[str, ...]) -> bool:
        """Whether no such use may begin: by the balance, or by a budget."""
        month = month_of(max(now, self.mark))
        return self.balance() <= 0 or any(
            self.spent_of(budget, month) >= budget.limit
            for budget in self.budgets.values()
            if budget.stops and budget.covers(session, api_key, tags)
        )

    def balance(self) -> int:
        return sum(credit.left for credit in self.credits) - self.owed

    def catch_up(self, now: datetime) -> datetime:
        now = max(now, self.mark)
        month = month_of(self.mark)
        while month < month_of(now):
            month = after(month)
            for credit in self.credits:
                if credit.expires <= start_of(month) and credit.left:
                    self.history.append((start_of(month), "plan expired", credit.left))
                    credit.expired = credit.left
            if carried := sum(credit.left for credit in self.credits if credit.bucket == "plan"):
                self.history.append((start_of(month), "plan carried", carried))
            self.add_plan_credit(month, start_of(month))
        self.mark = now
        return now

    def add_plan_credit(self, month: tuple[int, int], at: datetime) -> None:
        had = sum(
            credit.amount
            for credit in self.credits
            if credit.key.startswith("grant:plan:") and credit.expires == start_of(after(month))
        )
        missing = PLANS[self.plan][0] - had
        if missing > 0:
            key = f"grant:plan:{self.id}:{month[0]:04d}-{month[1]:02d}" + (f":{PLANS[self.plan][0]}" if had else "")
            self.give(Credit(key, "plan", missing, at, start_of(after(month))))

    def give(self, credit: Credit) -> None:
        self.credits.append(credit)
        self.history.append((credit.effective, f"{credit.bucket} granted", credit.amount))
        settled = min(self.owed, credit.amount)
        if settled:
            self.owed -= settled
            credit.spent += settled
            self.history.append((credit.effective, f"{credit.bucket} spent", settled))
            self.history.append((credit.effective, "overage", -settled))

    def void(self, key: str, now: datetime) -> int:
        at = self.catch_up(now)
        (credit,) = [each for each in self.credits if each.key == key]
        left = credit.left
        credit.voided += left
        self.history.append((at, f"{credit.bucket} granted", -left))
        return left

    def take_plan(self, plan: str, now: datetime) -> None:
        at = self.catch_up(now)
        self.plan = plan
        self.plans.append((at, plan))
        self.add_plan_credit(month_of(at), at)
        key = f"grant:once:{self.id}:{plan}"
        if PLANS[plan][1] and all(credit.key != key for credit in self.credits):
            self.give(Credit(key, "topup", PLANS[plan][1], at, _FOREVER))

    def in_spending_order(self) -> Iterator[Credit]:
        live = [credit for credit in self.credits if credit.left]
        return iter(
            sorted(live, key=lambda c: (c.bucket != "plan", c.expires, c.effective, id_for_key(self.id, c.key)))
        )

    def charge(self, use: Use, now: datetime) -> None:
        at = self.catch_up(now)
        if at >= start_of(after(month_of(use.occurred))) + timedelta(hours=1):
            use = replace(use, occurred=at)
        self.uses.append(use)
        due = use.cost
        if due < 0:
            self.give(Credit(f"grant:{use.key}", "topup", -due, at, _FOREVER))
            return
        for credit in self.in_spending_order():
            part = min(due, credit.left)
            if part:
                assert credit.effective <= at < credit.expires
                credit.spent += part
                self.history.append((at, f"{credit.bucket} spent", part))
                due -= part
        if due:
            self.owed += due
            self.history.append((at, "overage", due))

    def usage(self, month: tuple[int, int], now: datetime) -> dict[str, object]:
        """The fields of ``GET /usage`` in nanos, by adding up the history."""
        seen = copy.deepcopy(self)
        now = seen.catch_up(max(now, self.mark))
        uses = [use for use in seen.uses if month_of(use.occurred) == month] if month <= month_of(now) else []
        cost = {m: sum(use.cost for use in uses if use.meter == m) for m in ("browser", "proxy", "llm", "function")}
        result: dict[str, object] = {
            "session_count": sum(use.first for use in uses if use.meter == "browser"),
            "function_count": sum(use.first for use in uses if use.meter == "function"),
            **{f"{meter}_nanos": nanos for meter, nanos in cost.items()},
            "total_nanos": sum(cost.values()),
        }
        end = start_of(after(month))
        past = [(at, what, amount) for at, what, amount in seen.history if at < end]

        def total(what: str, since: datetime = seen.opened) -> int:
            return sum(amount for at, name, amount in past if name == what and at >= since)

        limit = left = topups = topup_left = 0
        if month >= month_of(seen.opened):
            topups = total("topup granted")
            topup_left = topups - total("topup spent") - total("overage")
            if month <= month_of(now):
                since = max(start_of(month), seen.opened)
                limit = total("plan granted", since) + total("plan carried", since)
                left = limit - total("plan spent", since)
        known = month_of(seen.opened) <= month <= month_of(now)
        return result | {
            "subscription_limit_nanos": limit,
            "topup_limit_nanos": topups,
            "subscription_balance_nanos": left,
            "topup_balance_nanos": topup_left,
            "balance_nanos": left + topup_left,
            "is_limit_exceeded": known and left + topup_left <= 0,
            "plan": next((plan for at, plan in reversed(seen.plans) if at < end), seen.plans[0][1]),
        }
