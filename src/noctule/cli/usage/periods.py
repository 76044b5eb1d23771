"""``--period`` as the commands of ``noctule usage`` take it."""

import click

from noctule.metering.service import Month
from noctule.usage.domain import ACCEPTED_PERIODS, BadPeriod, parse_period

PERIOD_HELP = f"{ACCEPTED_PERIODS[0].upper()}{ACCEPTED_PERIODS[1:]}; unset: the current month."


def month_option(period: str | None) -> Month | None:
    """The month of ``--period``; ``None``, the current one, if unset. Raises ``click.BadParameter``."""
    try:
        parsed = parse_period(period)
    except BadPeriod:
        raise click.BadParameter(f"{period!r} is not {ACCEPTED_PERIODS}", param_hint="--period") from None
    return None if parsed is None else Month(*parsed)
