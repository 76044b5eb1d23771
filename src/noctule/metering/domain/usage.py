"""``usage_at``: the one pure function behind ``GET /usage``, the 402 and the audit.

Costs are those of the events that occurred in the month; balances are the ledger as of ``min(now, last
instant of the month)``. Plan credit of months that nothing was booked in since is not in the database
yet: it is counted here exactly as the next posting will book it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from noctule.metering.domain.events import Meter
from noctule.metering.domain.months import Month


@dataclass(frozen=True, slots=True)
class MonthRollup:
    """One account's month, added up.

    The counts and costs go by when events occurred, the credit by when it was booked. The plan's part has all
    credit that expires: what was granted in the month and what was carried into it. ``overage_nanos`` is
    the month's net change of the overage account: negative where charges found no credit.
    """

    session_count: int = 0
    function_count: int = 0
    browser_nanos: int = 0
    proxy_nanos: int = 0
    llm_nanos: int = 0
    function_nanos: int = 0
    plan_granted_nanos: int = 0
    topup_granted_nanos: int = 0
    plan_spent_nanos: int = 0
    topup_spent_nanos: int = 0
    overage_nanos: int = 0

    @property
    def total_nanos(self) -> int:
        """What the month cost."""
        return self.browser_nanos + self.proxy_nanos + self.llm_nanos + self.function_nanos


COST_COLUMN: Mapping[Meter, str] = {meter: f"{meter.value}_nanos" for meter in Meter}
"""Which field of a rollup a meter's cost goes to."""


@dataclass(frozen=True, slots=True)
class LedgerView:
    """What ``usage_at`` reads of one account.

    ``months`` are all rollups up to the month asked for and the newest booked one. ``plan_credit`` is the
    monthly credit of the account's plan for a month after ``booked_at``, where it is not booked yet;
    ``carried`` is the expiring credit that is still good in such a month.
    """

    plan: str
    opened_at: datetime
    booked_at: datetime
    months: Mapping[Month, MonthRollup] = field(default_factory=dict)
    plan_credit: Callable[[Month], int] = lambda _: 0
    carried: Callable[[Month], int] = lambda _: 0


@dataclass(frozen=True, slots=True)
class Usage:
    """One month of one account."""

    plan: str
    month: Month
    session_count: int
    function_count: int
    browser_nanos: int
    proxy_nanos: int
    llm_nanos: int
    function_nanos: int
    total_nanos: int
    subscription_limit_nanos: int
    topup_limit_nanos: int
    subscription_balance_nanos: int
    topup_balance_nanos: int
    balance_nanos: int
    is_limit_exceeded: bool


def is_exhausted(balance_nanos: int) -> bool:
    """The one admission rule: work is admitted while something is left."""
    return balance_nanos <= 0


def usage_at(ledger: LedgerView, month: Month, now: datetime) -> Usage:
    """What the account used in ``month`` and what it may still use, as of ``min(now, end of the month)``."""
    current = Month.of(max(now, ledger.booked_at))
    costs = ledger.months.get(month, MonthRollup()) if month <= current else MonthRollup()
    if month < Month.of(ledger.opened_at):
        return _usage(ledger.plan, month, costs, 0, 0, 0, 0, exceeded=False)

    as_of = min(month, current)
    past = [rollup for when, rollup in ledger.months.items() if when <= as_of]
    topup_limit = sum(rollup.topup_granted_nanos for rollup in past)
    topup_left = topup_limit - sum(rollup.topup_spent_nanos for rollup in past)
    owed = -sum(rollup.overage_nanos for rollup in past)
    newest = ledger.months.get(as_of, MonthRollup())
    plan_limit, plan_spent = newest.plan_granted_nanos, newest.plan_spent_nanos

    unbooked = Month.of(ledger.booked_at)
    while unbooked < as_of:
        unbooked = unbooked.next
        plan_limit = ledger.plan_credit(unbooked) + ledger.carried(unbooked)
        plan_spent = min(owed, plan_limit)
        owed -= plan_spent

    if month > current:
        return _usage(ledger.plan, month, costs, 0, topup_limit, 0, topup_left - owed, exceeded=False)
    plan_left = plan_limit - plan_spent
    return _usage(
        ledger.plan,
        month,
        costs,
        plan_limit,
        topup_limit,
        plan_left,
        topup_left - owed,
        exceeded=is_exhausted(plan_left + topup_left - owed),
    )


def _usage(
    plan: str,
    month: Month,
    costs: MonthRollup,
    plan_limit: int,
    topup_limit: int,
    plan_balance: int,
    topup_balance: int,
    *,
    exceeded: bool,
) -> Usage:
    return Usage(
        plan=plan,
        month=month,
        session_count=costs.session_count,
        function_count=costs.function_count,
        browser_nanos=costs.browser_nanos,
        proxy_nanos=costs.proxy_nanos,
        llm_nanos=costs.llm_nanos,
        function_nanos=costs.function_nanos,
        total_nanos=costs.total_nanos,
        subscription_limit_nanos=plan_limit,
        topup_limit_nanos=topup_limit,
        subscription_balance_nanos=plan_balance,
        topup_balance_nanos=topup_balance,
        balance_nanos=plan_balance + topup_balance,
        is_limit_exceeded=exceeded,
    )
