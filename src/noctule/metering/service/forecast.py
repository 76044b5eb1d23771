"""The facts behind a forecast, from the rollup by days, the leases and the credit that is left; it only reads."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection, and_, func, or_, select

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
from noctule.metering.domain.journal import OVERAGE
from noctule.metering.domain.months import Month
from noctule.metering.domain.usage import Usage
from noctule.metering.store import reading
from noctule.metering.store.tables import credit_grant, grant_balance, meter_lease, usage_day, usage_event

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
    costs = _costs(connection, account.id, since)
    per_day: dict[str, int] = defaultdict(int)
    for (day, _), cost in costs.items():
        per_day[day] += cost
    days = tuple(per_day[_day(since + timedelta(days=number))] for number in range(WINDOW_DAYS))
    credits, owed = _credits(connection, account, book, now)
    return foretell(
        Facts(
            now=now,
            opened_at=account.opened_at,
            days=days,
            today_nanos=per_day[_day(now)],
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


def _day(at: datetime | date) -> str:
    return at.strftime("%Y-%m-%d")


def _costs(connection: Connection, account_id: str, since: datetime) -> dict[tuple[str, str], int]:
    """Nanos by day and meter, without corrections: they say nothing about the pace."""
    day, event = usage_day.c, usage_event.c
    rolled_up = (
        select(day.day, day.meter, func.sum(day.cost_nanos))
        .where(day.account_id == account_id, day.day >= _day(since))
        .group_by(day.day, day.meter)
    )
    corrections = select(event.occurred_at, event.meter, event.cost_nanos).where(
        event.key >= "correction:",
        event.key < "correction;",
        event.account_id == account_id,
        event.occurred_at >= since,
    )
    # PostgreSQL adds integers up to decimals.
    costs = {(on, meter): int(cost) for on, meter, cost in connection.execute(rolled_up)}
    for at, meter, cost in connection.execute(corrections):
        costs[_day(at), meter] -= cost
    return costs


def _credits(
    connection: Connection, account: reading.Account, book: PriceBook, now: datetime
) -> tuple[tuple[Credit, ...], int]:
    """What is left and what is owed at ``now``, as the next posting will book it."""
    balance, grant = grant_balance.c, credit_grant.c
    query = (
        select(balance.account, balance.remaining_nanos, grant.expires_at)
        .select_from(grant_balance)
        .outerjoin(credit_grant, and_(grant.account_id == balance.account_id, balance.account == "grant:" + grant.id))
        .where(
            balance.account_id == account.id,
            balance.remaining_nanos != 0,
            or_(grant.expires_at.is_(None), grant.expires_at > now),
        )
        .order_by(balance.account)
    )
    rows = list(connection.execute(query))
    credits = [Credit(left, expires_at) for name, left, expires_at in rows if name != OVERAGE]
    month = Month.of(now)
    if Month.of(account.booked_at) < month and (unbooked := book.monthly_credit(account.plan, month)):
        credits.append(Credit(unbooked, month.end))
    return tuple(credits), -sum(left for name, left, _ in rows if name == OVERAGE)


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
    day, lease = usage_day.c, meter_lease.c
    sessions = (
        select(day.session_id)
        .where(day.account_id == account_id, day.day >= _day(since), day.meter == Meter.BROWSER.value)
        .distinct()
        .subquery()
    )
    unused = select(
        func.coalesce(func.sum(lease.paid_minutes * MINUTE_MICROSECONDS - lease.witnessed_microseconds), 0)
    ).where(lease.lease_id == sessions.c.session_id, lease.account_id == account_id, lease.closed_at.is_not(None))
    price = book.price(Meter.BROWSER, now)
    return price.rate_nanos * int(connection.execute(unused).scalar_one()) // (price.per * MINUTE_MICROSECONDS)
