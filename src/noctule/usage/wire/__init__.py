"""The API's models of the usage tag. Amounts are US dollars, exact to a nano-dollar when read as decimals."""

from noctule.usage.wire.breakdown import BreakdownResponse
from noctule.usage.wire.logs import UsageLog
from noctule.usage.wire.month import SubscriptionType, UsageResponse

__all__ = ["BreakdownResponse", "SubscriptionType", "UsageLog", "UsageResponse"]
