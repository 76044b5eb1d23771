"""The reply of ``GET /usage/forecast``, an operation of our own."""

from datetime import datetime, timedelta

from pydantic import Field

from noctule.kit.money import dollars
from noctule.kit.web import WireResponse
from noctule.usage.service.forecast import Change, Forecast, Outlook, Saving


class SavingResponse(WireResponse):
    """What one change, alone, would help."""

    change: Change
    cost_per_day: float = Field(description="What it would save a day, at the same use.")
    ends_at: datetime | None = Field(description="When the credit would end then; null if that is not in sight.")

    @classmethod
    def of(cls, saving: Saving) -> "SavingResponse":
        """The reply for a saving."""
        return cls(change=saving.change, cost_per_day=dollars(saving.a_day_nanos), ends_at=saving.ends_at)


class ForecastResponse(WireResponse):
    """Where a workspace is heading, at the pace of the last seven whole days (UTC) and of today so far."""

    as_of: datetime
    outlook: Outlook = Field(
        description="ends and lasts tell of the credit; too_little_data: not one whole day of the workspace's life yet."
    )
    whole_days: int = Field(description="How many whole days the pace rests on, besides today.")
    cost_per_day: float | None = Field(description="The pace; null where there is too little to tell.")
    balance: float = Field(description="Credit that is left, or owed as a negative amount.")
    ends_at: datetime | None = Field(description="When the credit ends, what the plan still gives included.")
    days_left: float | None = Field(description="How long that is from now, in days, to a hundredth.")
    month_ends_at: datetime
    is_enough_for_month: bool | None = Field(description="Whether the credit outlasts the month.")
    next_month_credit: float = Field(description="What the plan gives next month.")
    month_cost_so_far: float
    month_cost_low: float | None = Field(
        description="What the month will have cost, if its rest is like the quietest days."
    )
    month_cost_expected: float | None = Field(description="The same at the pace of the week.")
    month_cost_high: float | None = Field(description="The same, if the rest is like the busiest days.")
    savings: list[SavingResponse] = Field(description="Changes that would help, those that save most first.")

    @classmethod
    def of(cls, forecast: Forecast) -> "ForecastResponse":
        """The reply for a forecast."""
        projection = forecast.projection
        return cls(
            as_of=forecast.now,
            outlook=forecast.outlook,
            whole_days=forecast.whole_days,
            cost_per_day=None if forecast.pace is None else dollars(forecast.pace.a_day),
            balance=dollars(forecast.balance_nanos),
            ends_at=forecast.ends_at,
            days_left=None if forecast.left is None else days(forecast.left),
            month_ends_at=forecast.month.end,
            is_enough_for_month=forecast.is_enough_for_month,
            next_month_credit=dollars(forecast.coming_nanos),
            month_cost_so_far=dollars(forecast.spent_nanos),
            month_cost_low=None if projection is None else dollars(projection.low_nanos),
            month_cost_expected=None if projection is None else dollars(projection.expected_nanos),
            month_cost_high=None if projection is None else dollars(projection.high_nanos),
            savings=[SavingResponse.of(saving) for saving in forecast.savings],
        )


def days(span: timedelta) -> float:
    """Days, rounded down to a hundredth."""
    return span * 100 // timedelta(days=1) / 100
