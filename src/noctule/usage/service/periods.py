"""``period`` as every operation of usage takes it."""

from noctule.kit.errors import InvalidRequest
from noctule.metering.service import Month
from noctule.usage.domain import ACCEPTED_PERIODS, BadPeriod, parse_period


def month_of(period: str | None) -> Month | None:
    """The month that ``period`` names; ``None``, the current one, if it is absent or blank.

    Raises ``InvalidRequest`` if it names none.
    """
    try:
        parsed = parse_period(period)
    except BadPeriod:
        raise InvalidRequest.at(
            ("query", "period"), f"period is {ACCEPTED_PERIODS}; leave it out for the current month", period
        ) from None
    return None if parsed is None else Month(*parsed)
