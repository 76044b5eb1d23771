"""The facts behind a forecast, from the rollup by days, the leases and the credit that is left; it only reads."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import Connection

from noctule.kit.errors import NotFound
from noctule.metering.book import PriceBook
from noctule.metering.domain.events import MINUTE_MICROSECONDS, Meter
from noctule.metering.domain.forecast import (
    HORIZON_MONTHS,
    WINDOW_DAYS,
    Change,
    Credit,
    Facts,
    Forecast,
    Outlook,
    Saving,
    foretell,
)
from noctule.metering.domain.months import Month
from noctule.metering.domain.usage import Usage
from noctule.metering.store import pace, reading

__all__ = ["Change", "Forecast", "IdleEnds", "Outlook", "Saving", "forecast", "window_start"]

IdleEnds = Sequence[tuple[int, int]]
"""Sessions that ended because nobody used them: how many there were for each idle time-out, in minutes."""


def window_start(now: datetime) -> datetime:
    """The first instant that a forecast at ``now`` looks at."""
    return datetime.combine(now.date(), time(), UTC) - timedelta(days=WINDOW_DAYS)


def forecast(
    connection: Connection, account_id: str, usage: Usage, book: PriceBook, now: datetime, idle_ends: IdleEnds = ()
) -> Forecast:
    """Where an account is heading; ``usage`` is its current month, ``idle_ends`` those since ``window_start``.

    Raises ``NotFound``.
    """
    account = reading.account(connection, account_id)
    if account is None:
        raise NotFound(f"There is no account {account_id!r}.")
    now = max(now, account.booked_at)
    since = window_start(now)
    costs = pace.costs(connection, account.id, since)
    per_day: dict[str, int] = defaultdict(int)
    for (day, _), cost in costs.items():
        per_day[day] += cost
    days = tuple(per_day[pace.day(since + timedelta(days=number))] for number in range(WINDOW_DAYS))
    credits, owed = _credits(connection, account, book, now)
    return foretell(
        Facts(
            now=now,
            opened_at=account.opened_at,
            days=days,
            today_nanos=per_day[pace.day(now)],
            spent_nanos=usage.total_nanos,
            credits=credits,
            owed_nanos=owed,
            coming=_coming(account.plan, Month.of(now), book),
            avoidable={
                Change.PROXIES_OFF: sum(cost for (_, meter), cost in costs.items() if meter == Meter.PROXY),
                Change.IDLE_TIMEOUT: _idle(idle_ends, book, now),
                Change.FEWER_SESSIONS: _unused(connection, account.id, since, book, now),
            },
        )
    )


def _credits(
    connection: Connection, account: reading.Account, book: PriceBook, now: datetime
) -> tuple[tuple[Credit, ...], int]:
    """What is left and what is owed at ``now``, as the next posting will book it."""
    left = reading.credit_left(connection, account.id)
    credits = [Credit(each.nanos, each.expires_at) for each in left if not each.expires_at or each.expires_at > now]
    month = Month.of(now)
    if Month.of(account.booked_at) < month and (unbooked := book.monthly_credit(account.plan, month)):
        credits.append(Credit(unbooked, month.end))
    return tuple(credits), reading.owed(connection, account.id)


def _coming(plan: str, month: Month, book: PriceBook) -> tuple[int, ...]:
    coming = []
    for _ in range(HORIZON_MONTHS):
        month = month.next
        coming.append(book.monthly_credit(plan, month))
    return tuple(coming)


def _idle(idle_ends: IdleEnds, book: PriceBook, now: datetime) -> int:
    """Nanos of the minutes in which sessions waited for a time-out that could have been one minute."""
    minutes = sum((timeout_minutes - 1) * count for timeout_minutes, count in idle_ends)
    return book.price(Meter.BROWSER, now).cost(0, minutes)


def _unused(connection: Connection, account_id: str, since: datetime, book: PriceBook, now: datetime) -> int:
    """Nanos of what was left of the last minutes of sessions: a session that goes on would have used it."""
    price = book.price(Meter.BROWSER, now)
    unused = pace.unused_microseconds(connection, account_id, since)
    return price.rate_nanos * unused // (price.per * MINUTE_MICROSECONDS)
