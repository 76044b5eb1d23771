"""Budgets: what a workspace, or a part of it, may cost in a month or in all.

A budget admits work while less than its limit is spent, and admitted work is charged in full: the rule of
the balance, over the costs of its subject alone. What counts is what ``usage`` counts: the events that
occurred in the month, or all that there ever were.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import msgspec

from noctule.metering.domain.months import Month

TOTAL = "total"
NOTICED_PERCENTS = (50, 80, 100)
"""The shares of a credit or a budget that are announced when they are spent."""


class BudgetScope(StrEnum):
    """Whose costs count."""

    WORKSPACE = "workspace"
    KEY = "key"
    TAG = "tag"
    AGENT = "agent"
    SESSION = "session"


class BudgetPeriod(StrEnum):
    """Over which time they count."""

    MONTH = "month"
    TOTAL = "total"


class BudgetAction(StrEnum):
    """What happens when the limit is reached: a message, or the end of the work too."""

    WARN = "warn"
    STOP = "stop"


class Subjects(NamedTuple):
    """What a use belongs to; ``tags`` is the JSON text of a list."""

    session_id: str | None
    agent_id: str | None
    api_key_id: str | None
    tags: str


@dataclass(frozen=True, slots=True)
class Budget:
    """One budget. ``subject`` is the id or the tag that ``scope`` speaks of, empty for the workspace."""

    id: str
    account_id: str
    name: str
    scope: BudgetScope
    subject: str
    period: BudgetPeriod
    limit_nanos: int
    action: BudgetAction
    created_at: datetime

    def covers(self, use: Subjects) -> bool:
        """Whether a use counts against it."""
        match self.scope:
            case BudgetScope.WORKSPACE:
                return True
            case BudgetScope.KEY:
                return use.api_key_id == self.subject
            case BudgetScope.AGENT:
                return use.agent_id == self.subject
            case BudgetScope.SESSION:
                return use.session_id == self.subject
            case BudgetScope.TAG:
                return self.subject in tags_of(use.tags)

    def period_of(self, month: Month) -> str:
        """Which of its periods a month belongs to."""
        return month.key if self.period is BudgetPeriod.MONTH else TOTAL

    def resets_at(self, month: Month) -> datetime | None:
        """When it begins anew."""
        return month.end if self.period is BudgetPeriod.MONTH else None


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """A budget and what is spent of it in ``period`` (``"2026-11"`` or ``"total"``)."""

    budget: Budget
    spent_nanos: int
    period: str

    @property
    def is_reached(self) -> bool:
        """Whether new work is refused, if the budget stops."""
        return self.spent_nanos >= self.budget.limit_nanos


@dataclass(slots=True)
class Spending:
    """What counts against a budget in one of its periods, and the highest share of it that was announced."""

    spent_nanos: int = 0
    noticed_percent: int = 0

    def newly_noticed(self, limit_nanos: int) -> list[int]:
        """The shares that are spent and were not announced yet; from now on they are."""
        percents = crossed(self.spent_nanos, limit_nanos, self.noticed_percent)
        if percents:
            self.noticed_percent = percents[-1]
        return percents


@dataclass(slots=True)
class BudgetBook:
    """One live budget in the hands of a posting."""

    budget: Budget
    periods: dict[str, Spending] = field(default_factory=dict)

    def spending(self, month: Month) -> Spending:
        """Its period that ``month`` belongs to."""
        return self.periods.setdefault(self.budget.period_of(month), Spending())

    def stops(self, use: Subjects, month: Month) -> bool:
        """Whether it lets no more such use begin."""
        budget = self.budget
        return (
            budget.action is BudgetAction.STOP
            and budget.covers(use)
            and self.spending(month).spent_nanos >= budget.limit_nanos
        )

    def status(self, month: Month) -> BudgetStatus:
        """How it stands in ``month``."""
        return BudgetStatus(self.budget, self.spending(month).spent_nanos, self.budget.period_of(month))


def crossed(spent_nanos: int, of_nanos: int, noticed_percent: int) -> list[int]:
    """The shares to announce: those that are spent, above the highest that was announced."""
    if of_nanos <= 0:
        return []
    return [
        percent for percent in NOTICED_PERCENTS if noticed_percent < percent and spent_nanos * 100 >= of_nanos * percent
    ]


@lru_cache(maxsize=4096)
def tags_of(text: str) -> tuple[str, ...]:
    """The tags of their JSON text."""
    return tuple(msgspec.json.decode(text, type=list[str]))
