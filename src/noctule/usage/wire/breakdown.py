"""The reply of ``GET /usage/breakdown``."""

from pydantic import Field

from noctule.kit.money import dollars
from noctule.kit.web import WireResponse
from noctule.usage.service import Dimension, LabelledBreakdown, Spent


class BreakdownRow(WireResponse):
    """What belongs to one session, agent, function, model, key, day or tag."""

    key: str | None = Field(
        description="The id, the model, the day (2025-05-31) or the tag; null for all that has none of it."
    )
    label: str | None = Field(description="What people call it: the name of a key.")
    unattributed: bool = Field(description="Whether this row is for what has no key of this kind.")
    session_count: int = Field(description="Sessions that used anything.")
    event_count: int = Field(description="Charges: minutes, ranges of bytes, model calls, corrections.")
    browser_minutes: int
    proxy_bytes: int
    llm_tokens: int
    function_minutes: int
    browser_usage_cost: float
    proxy_usage_cost: float
    llm_usage_cost: float
    function_usage_cost: float
    total_cost: float = Field(description="The four costs added up.")

    @classmethod
    def of(cls, spent: Spent, label: str | None) -> "BreakdownRow":
        """The reply's form of a row."""
        return cls(
            key=spent.key or None,
            label=label,
            unattributed=not spent.key,
            session_count=spent.sessions,
            event_count=spent.events,
            browser_minutes=spent.browser_minutes,
            proxy_bytes=spent.proxy_bytes,
            llm_tokens=spent.llm_tokens,
            function_minutes=spent.function_minutes,
            browser_usage_cost=dollars(spent.browser_nanos),
            proxy_usage_cost=dollars(spent.proxy_nanos),
            llm_usage_cost=dollars(spent.llm_nanos),
            function_usage_cost=dollars(spent.function_nanos),
            total_cost=dollars(spent.total_nanos),
        )


class BreakdownResponse(WireResponse):
    """A page of a month's cost, row by row."""

    period: str = Field(description="The month, in English, such as May 2025.")
    by: Dimension
    total_cost: float = Field(description="The cost of all rows of all pages, each charge counted once.")
    overlaps: bool = Field(
        description="Whether charges with several tags count in several rows, which then add up to more than the total."
    )
    items: list[BreakdownRow] = Field(description="Days in order; everything else with the largest cost first.")
    page: int
    page_size: int
    has_next: bool
    has_previous: bool

    @classmethod
    def of(cls, found: LabelledBreakdown) -> "BreakdownResponse":
        """The reply for a page."""
        breakdown = found.breakdown
        rows = breakdown.rows
        return cls(
            period=breakdown.month.label,
            by=breakdown.dimension,
            total_cost=dollars(breakdown.total_nanos),
            overlaps=breakdown.overlaps,
            items=[BreakdownRow.of(spent, found.labels.get(spent.key)) for spent in rows.items],
            page=rows.page,
            page_size=rows.page_size,
            has_next=rows.has_next,
            has_previous=rows.has_previous,
        )
