"""How much an account uses a day, for its forecast."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from noctule.metering.domain.events import MINUTE_MICROSECONDS, Meter
from noctule.metering.store.tables import meter_lease, usage_day, usage_event


def day(at: datetime) -> str:
    """The UTC day of an instant, as it is stored."""
    return at.strftime("%Y-%m-%d")


def costs(connection: Connection, account_id: str, since: datetime) -> dict[tuple[str, str], int]:
    """Nanos by day and meter, without corrections: they say nothing about the pace."""
    on, event = usage_day.c, usage_event.c
    rolled_up = (
        select(on.day, on.meter, func.sum(on.cost_nanos))
        .where(on.account_id == account_id, on.day >= day(since))
        .group_by(on.day, on.meter)
    )
    corrections = select(event.occurred_at, event.meter, event.cost_nanos).where(
        event.key >= "correction:",
        event.key < "correction;",
        event.account_id == account_id,
        event.occurred_at >= since,
    )
    # PostgreSQL adds integers up to decimals.
    found = {(when, meter): int(cost) for when, meter, cost in connection.execute(rolled_up)}
    for at, meter, cost in connection.execute(corrections):
        found[day(at), meter] -= cost
    return found


def unused_microseconds(connection: Connection, account_id: str, since: datetime) -> int:
    """What was paid and not used of the last minutes of the sessions that used anything since the day of ``since``."""
    on, lease = usage_day.c, meter_lease.c
    sessions = (
        select(on.session_id)
        .where(on.account_id == account_id, on.day >= day(since), on.meter == Meter.BROWSER.value)
        .distinct()
        .subquery()
    )
    unused = select(
        func.coalesce(func.sum(lease.paid_minutes * MINUTE_MICROSECONDS - lease.witnessed_microseconds), 0)
    ).where(lease.lease_id == sessions.c.session_id, lease.account_id == account_id, lease.closed_at.is_not(None))
    return int(connection.execute(unused).scalar_one())
