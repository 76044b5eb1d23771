"""The models of ``/usage/budgets``: operations of our own, which the public API does not have."""

from datetime import datetime

from pydantic import Field

from noctule.kit.amounts import Dollars
from noctule.kit.money import dollars
from noctule.kit.tags import TAG_PATTERN
from noctule.kit.web import WireRequest, WireResponse
from noctule.usage.service.budgets import BudgetAction, BudgetPeriod, BudgetScope, BudgetStatus, BudgetWish

_NAME = f"^{TAG_PATTERN}$"


class BudgetRequest(WireRequest):
    """A budget that somebody wants."""

    name: str = Field(pattern=_NAME, description="A name to know it by; close reasons and refusals say it.")
    scope: BudgetScope = Field(description="Whose costs count: the workspace's, or those of one part of it.")
    subject: str | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="Which key, tag, agent or session; none for the workspace. Of a key's id eight characters will do.",
    )
    period: BudgetPeriod = Field(description="A calendar month in UTC, again and again, or everything that ever was.")
    limit: Dollars
    action: BudgetAction = Field(
        description="At the limit: only a message (warn), or no new work and the end of the running too (stop)."
    )

    def wish(self) -> BudgetWish:
        """The use case's form."""
        return BudgetWish(self.name, self.scope, self.subject, self.period, self.limit, self.action)


class BudgetChangeRequest(WireRequest):
    """What shall be otherwise; what is left out stays."""

    limit: Dollars | None = None
    action: BudgetAction | None = None


class BudgetResponse(WireResponse):
    """A budget in force and how it stands."""

    id: str
    name: str
    scope: BudgetScope
    subject: str | None = Field(description="The id or the tag that it is for; none for the workspace.")
    period: BudgetPeriod
    limit: float = Field(description="What may be spent in a period.")
    action: BudgetAction
    created_at: datetime
    current_period: str = Field(description="What `spent` is about: a month such as 2026-11, or total.")
    spent: float = Field(description="What its subject has cost in the current period.")
    left: float = Field(description="What may still be spent; 0 once the limit is reached.")
    percent: float = Field(description="The part of the limit that is spent, rounded down to a hundredth.")
    is_reached: bool = Field(description="Whether the limit is spent.")

    @classmethod
    def of(cls, status: BudgetStatus) -> "BudgetResponse":
        """The reply for a budget."""
        budget = status.budget
        return cls(
            id=budget.id,
            name=budget.name,
            scope=budget.scope,
            subject=budget.subject or None,
            period=budget.period,
            limit=dollars(budget.limit_nanos),
            action=budget.action,
            created_at=budget.created_at,
            current_period=status.period,
            spent=dollars(status.spent_nanos),
            left=dollars(max(0, budget.limit_nanos - status.spent_nanos)),
            percent=max(0, status.spent_nanos) * 10_000 // budget.limit_nanos / 100,
            is_reached=status.is_reached,
        )


class BudgetListResponse(WireResponse):
    """Every budget in force, oldest first."""

    items: list[BudgetResponse]
