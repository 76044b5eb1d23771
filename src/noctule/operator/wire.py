"""The models of the operator tag. Amounts are US dollars, exact to a nano-dollar when read as decimals."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field

from noctule.kit.amounts import Dollars, SignedDollars
from noctule.kit.money import dollars
from noctule.kit.web import WireRequest, WireResponse
from noctule.metering.book import Dated, Plan, Price, Standing
from noctule.metering.service import GrantView, Meter, Month, MonthRollup, MonthView, Usage
from noctule.operator.service import Account, Overview, Rates

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)


def that_can_be(at: datetime) -> datetime:
    """The instant in UTC. Raises ``ValueError`` for one that no calendar of ours reaches."""
    if not _EARLIEST <= at < _LATEST:
        raise ValueError(f"an instant is in the years {_EARLIEST.year} to {_LATEST.year - 1}")
    return at.astimezone(UTC)


Key = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=255,
        description="What this is for, an order's number, say: the same key again changes nothing. Unset: the "
        "Idempotency-Key.",
    ),
]

MonthKey = Annotated[str, Field(pattern=r"^2[0-9]{3}-(0[1-9]|1[0-2])$")]


class WorkspaceRequest(WireRequest):
    """A workspace to make."""

    name: str = Field(min_length=1, max_length=64)
    plan: str = Field(default="free", min_length=1, max_length=64)


class PlanRequest(WireRequest):
    """The plan that a workspace is to be on."""

    plan: str = Field(min_length=1, max_length=64)


class TopUpRequest(WireRequest):
    """Credit that does not expire."""

    amount_nanos: Dollars = Field(alias="amount", description="US dollars.")
    key: Key = None


class GrantRequest(WireRequest):
    """Credit that is spent before top-ups."""

    amount_nanos: Dollars = Field(alias="amount", description="US dollars.")
    expires_after: MonthKey | None = Field(
        description="The last month in which it can be spent, such as 2026-12; null for credit that does not expire."
    )
    key: Key = None

    @property
    def last_month(self) -> Month | None:
        """``expires_after`` as a month."""
        return None if self.expires_after is None else Month.from_key(self.expires_after)


class CorrectionRequest(WireRequest):
    """Money for what was billed wrongly."""

    amount_nanos: SignedDollars = Field(
        alias="amount",
        description="US dollars: negative gives them back as credit that does not expire, positive charges.",
    )
    meter: Meter
    reason: str = Field(min_length=1, max_length=500)
    session_id: str | None = Field(default=None, min_length=1, max_length=64, description="The session it is about.")
    occurred_at: Annotated[AwareDatetime, AfterValidator(that_can_be)] | None = Field(
        default=None, description="When what is corrected happened; in a sealed month, it counts in the open one."
    )
    key: Key = None


class Figures(WireResponse):
    """What a month was used for and what that cost."""

    session_count: int = Field(description="Sessions that became active in the month.")
    function_count: int = Field(description="Function runs that began in the month.")
    browser_usage_cost: float
    proxy_usage_cost: float
    llm_usage_cost: float
    function_usage_cost: float
    total_cost: float = Field(description="The four costs added up.")


def _figures(of: Usage | MonthRollup) -> dict[str, Any]:
    return {
        "session_count": of.session_count,
        "function_count": of.function_count,
        "browser_usage_cost": dollars(of.browser_nanos),
        "proxy_usage_cost": dollars(of.proxy_nanos),
        "llm_usage_cost": dollars(of.llm_nanos),
        "function_usage_cost": dollars(of.function_nanos),
        "total_cost": dollars(of.total_nanos),
    }


class WorkspaceUsage(Figures):
    """The current month of a workspace."""

    month: str = Field(description="Such as 2026-11.")
    subscription_limit_amount: float = Field(description="Credit that expires and can be spent in this month.")
    topup_limit_amount: float = Field(description="Credit that does not expire, all that was ever added.")
    subscription_balance_amount: float
    topup_balance_amount: float = Field(description="What is left of the credit that does not expire, less debts.")
    is_usage_limit_exceeded: bool = Field(description="Whether new work is refused for want of credit.")

    @classmethod
    def of(cls, usage: Usage) -> "WorkspaceUsage":
        """The wire's form of a month."""
        return cls(
            month=usage.month.key,
            subscription_limit_amount=dollars(usage.subscription_limit_nanos),
            topup_limit_amount=dollars(usage.topup_limit_nanos),
            subscription_balance_amount=dollars(usage.subscription_balance_nanos),
            topup_balance_amount=dollars(usage.topup_balance_nanos),
            is_usage_limit_exceeded=usage.is_limit_exceeded,
            **_figures(usage),
        )


class _Workspace(WireResponse):
    id: str
    name: str
    plan: str
    balance_amount: float = Field(description="New work starts while it is above zero.")
    created_at: datetime


class WorkspaceSummary(_Workspace):
    """A workspace in a list."""

    @classmethod
    def of(cls, found: Overview) -> "WorkspaceSummary":
        """The wire's form of a workspace."""
        return cls(**_summary(found))


class WorkspaceResponse(_Workspace):
    """A workspace, its month and its budgets."""

    usage: WorkspaceUsage
    budget_count: int = Field(description="Budgets in force.")

    @classmethod
    def of(cls, found: Account) -> "WorkspaceResponse":
        """The wire's form of a workspace and its account."""
        return cls(usage=WorkspaceUsage.of(found.usage), budget_count=found.budget_count, **_summary(found))


def _summary(found: Overview | Account) -> dict[str, Any]:
    return {
        "id": found.workspace.id,
        "name": found.workspace.name,
        "plan": found.usage.plan,
        "balance_amount": dollars(found.usage.balance_nanos),
        "created_at": found.workspace.created_at,
    }


class GrantResponse(WireResponse):
    """Some credit and what is left of it."""

    id: str
    key: str = Field(description="What it was given for.")
    bucket: str = Field(description="plan: spent first, and expires; topup: does not expire.")
    amount: float
    remaining_amount: float
    effective_at: datetime
    expires_at: datetime | None

    @classmethod
    def of(cls, grant: GrantView) -> "GrantResponse":
        """The wire's form of a grant."""
        return cls(
            id=grant.id,
            key=grant.key,
            bucket=grant.bucket,
            amount=dollars(grant.amount_nanos),
            remaining_amount=dollars(grant.remaining_nanos),
            effective_at=grant.effective_at,
            expires_at=grant.expires_at,
        )


class VoidResponse(WireResponse):
    """A grant of which nothing is left."""

    grant_id: str
    amount: float = Field(description="What was taken back now: 0 if nothing was left.")
    workspace: WorkspaceResponse


class CorrectionResponse(WireResponse):
    """A correction that is booked."""

    is_new: bool = Field(description="False if this key had booked it before.")
    workspace: WorkspaceResponse


class MonthResponse(Figures):
    """One month of a workspace. Costs go by when things happened, credit by when it was booked."""

    month: str = Field(description="Such as 2026-11.")
    plan_granted_amount: float = Field(description="Credit that expires and could be spent in this month.")
    plan_spent_amount: float
    topup_granted_amount: float
    topup_spent_amount: float
    overage_amount: float = Field(description="Net change of what is owed: negative where charges found no credit.")
    sealed_at: datetime | None = Field(description="When its figures became final; null while they may change.")

    @classmethod
    def of(cls, view: MonthView) -> "MonthResponse":
        """The wire's form of a month."""
        return cls(
            month=view.month.key,
            plan_granted_amount=dollars(view.usage.plan_granted_nanos),
            plan_spent_amount=dollars(view.usage.plan_spent_nanos),
            topup_granted_amount=dollars(view.usage.topup_granted_nanos),
            topup_spent_amount=dollars(view.usage.topup_spent_nanos),
            overage_amount=dollars(view.usage.overage_nanos),
            sealed_at=view.sealed_at,
            **_figures(view.usage),
        )


class PriceResponse(WireResponse):
    """A dated price."""

    id: str
    meter: Meter
    amount: float
    per: str = Field(description="hour, minute or GB (10^9 bytes).")
    begins_at: datetime
    standing: Standing = Field(description="At the instant that was asked for.")

    @classmethod
    def of(cls, dated: Dated[Price]) -> "PriceResponse":
        """The wire's form of a price."""
        price = dated.row
        return cls(
            id=price.id,
            meter=price.meter,
            amount=dollars(price.rate_nanos),
            per=price.per_unit,
            begins_at=price.begins_at,
            standing=dated.standing,
        )


class PlanResponse(WireResponse):
    """A dated row of a plan."""

    name: str
    monthly_amount: float = Field(description="Credit of each month that begins while the row is in force.")
    once_amount: float = Field(description="Credit given once; does not expire.")
    concurrency: int
    max_duration_minutes: int
    requests_per_minute: int
    begins_at: datetime
    standing: Standing = Field(description="At the instant that was asked for.")

    @classmethod
    def of(cls, dated: Dated[Plan]) -> "PlanResponse":
        """The wire's form of a plan's row."""
        plan = dated.row
        return cls(
            name=plan.name,
            monthly_amount=dollars(plan.monthly_nanos),
            once_amount=dollars(plan.once_nanos),
            concurrency=plan.concurrency,
            max_duration_minutes=plan.max_duration_minutes,
            requests_per_minute=plan.requests_per_minute,
            begins_at=plan.begins_at,
            standing=dated.standing,
        )


class RatesResponse(WireResponse):
    """Every price and plan. Model tokens have no price of ours: they cost what their provider asks."""

    at: datetime
    prices: list[PriceResponse]
    plans: list[PlanResponse]

    @classmethod
    def of(cls, rates: Rates) -> "RatesResponse":
        """The wire's form of the rates."""
        return cls(
            at=rates.at,
            prices=[PriceResponse.of(price) for price in rates.prices],
            plans=[PlanResponse.of(plan) for plan in rates.plans],
        )
