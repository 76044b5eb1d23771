"""The reply of ``GET /usage``."""

from enum import StrEnum

from pydantic import Field

from noctule.kit.money import dollars
from noctule.kit.web import WireResponse
from noctule.metering.service import Usage


class SubscriptionType(StrEnum):
    """Plans that the API knows by name; an operator's own plans have names of their own."""

    FREE = "free"
    PRO = "pro"
    GROWTH = "growth"
    PLAYGROUND = "playground"
    ADMIN = "admin"
    MINOAN = "minoan"
    PROOFS = "proofs"
    INTERVIEW = "interview"


class UsageResponse(WireResponse):
    """One month of one workspace: what was used, what it cost, what is left."""

    plan_type: SubscriptionType | str
    period: str = Field(description="The month, in English, such as May 2025.")
    session_count: int = Field(description="Sessions that became active in the month.")
    function_count: int = Field(description="Function runs that began in the month.")
    browser_usage_cost: float = Field(description="Browser time: every started minute.")
    proxy_usage_cost: float = Field(description="Bytes through the server's own proxies.")
    llm_usage_cost: float = Field(description="Model tokens, at the provider's price.")
    function_usage_cost: float = Field(description="Function time: every started minute.")
    total_cost: float = Field(description="The four costs added up.")
    subscription_limit_amount: float = Field(description="Credit that the plan gave for the month.")
    topup_limit_amount: float = Field(description="Credit that does not expire, all that was ever added.")
    subscription_balance_amount: float = Field(description="What is left of the plan's credit.")
    topup_balance_amount: float = Field(description="What is left of the credit that does not expire, less debts.")
    balance_amount: float = Field(description="The two balances added up; new work starts while it is above zero.")
    is_usage_limit_exceeded: bool = Field(description="Whether new work is refused for want of credit.")

    @classmethod
    def of(cls, usage: Usage) -> "UsageResponse":
        """The reply for a month."""
        return cls(
            plan_type=usage.plan,
            period=usage.month.label,
            session_count=usage.session_count,
            function_count=usage.function_count,
            browser_usage_cost=dollars(usage.browser_nanos),
            proxy_usage_cost=dollars(usage.proxy_nanos),
            llm_usage_cost=dollars(usage.llm_nanos),
            function_usage_cost=dollars(usage.function_nanos),
            total_cost=dollars(usage.total_nanos),
            subscription_limit_amount=dollars(usage.subscription_limit_nanos),
            topup_limit_amount=dollars(usage.topup_limit_nanos),
            subscription_balance_amount=dollars(usage.subscription_balance_nanos),
            topup_balance_amount=dollars(usage.topup_balance_nanos),
            balance_amount=dollars(usage.balance_nanos),
            is_usage_limit_exceeded=usage.is_limit_exceeded,
        )
