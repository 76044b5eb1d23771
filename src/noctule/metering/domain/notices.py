"""What metering announces: shares of a month's credit or of a budget that are spent, and the end of credit.

Amounts are dollars as decimal texts. A share is announced once a month (or once a period and limit of a
budget); the end of credit each time that it comes.
"""

from datetime import datetime

from noctule.kit.money import decimal_dollars
from noctule.kit.outbox import Announcement
from noctule.metering.domain.budgets import BudgetBook, crossed
from noctule.metering.domain.journal import AccountState
from noctule.metering.domain.months import Month

THRESHOLD = "usage.threshold"
EXHAUSTED = "usage.exhausted"
BUDGET = "usage.budget"


def credit(state: AccountState, month: Month, balance_nanos: int, at: datetime) -> list[Announcement]:
    """The shares of the month's credit that are spent now and were not before; they are noted as announced."""
    total = state.month_credit_nanos
    percents = crossed(total - balance_nanos, total, state.noticed_percent)
    if percents:
        state.noticed_percent = percents[-1]
    return [
        Announcement(
            key=f"{THRESHOLD}:{state.id}:{month.key}:{percent}",
            workspace_id=state.id,
            type=THRESHOLD,
            at=at,
            data={
                "percent": percent,
                "month": month.key,
                "credit": decimal_dollars(total),
                "spent": decimal_dollars(total - balance_nanos),
                "balance": decimal_dollars(balance_nanos),
            },
        )
        for percent in percents
    ]


def exhausted(state: AccountState, month: Month, balance_nanos: int, emptied_by: int, at: datetime) -> Announcement:
    """The credit is gone; ``emptied_by`` is the ledger transaction that took the last of it."""
    return Announcement(
        key=f"{EXHAUSTED}:{state.id}:{emptied_by}",
        workspace_id=state.id,
        type=EXHAUSTED,
        at=at,
        data={"month": month.key, "balance": decimal_dollars(balance_nanos)},
    )


def budget(each: BudgetBook, period: str, percent: int, at: datetime) -> Announcement:
    """A share of a budget is spent."""
    about = each.budget
    return Announcement(
        key=f"{BUDGET}:{about.id}:{period}:{about.limit_nanos}:{percent}",
        workspace_id=about.account_id,
        type=BUDGET,
        at=at,
        data={
            "budget": {
                "id": about.id,
                "name": about.name,
                "scope": about.scope.value,
                "subject": about.subject or None,
                "period": about.period.value,
                "limit": decimal_dollars(about.limit_nanos),
                "action": about.action.value,
            },
            "period": period,
            "percent": percent,
            "spent": decimal_dollars(each.periods[period].spent_nanos),
        },
    )
