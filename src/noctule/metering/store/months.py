"""Months and their seals: rows in, domain out."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, select
from sqlalchemy.dialects import postgresql, sqlite

from noctule.db.engine import lock_row
from noctule.metering.domain.months import Month
from noctule.metering.domain.usage import MonthRollup
from noctule.metering.store.tables import meter_account, month_seal, usage_month

_FIGURES = list(usage_month.c)[2:]
_SEALED = and_(month_seal.c.account_id == usage_month.c.account_id, month_seal.c.month == usage_month.c.month)


def months(connection: Connection, account_id: str) -> list[tuple[Month, MonthRollup, datetime | None]]:
    """The months of an account that have figures, oldest first, and when they were sealed."""
    query = (
        select(usage_month.c.month, month_seal.c.sealed_at, *_FIGURES)
        .select_from(usage_month)
        .outerjoin(month_seal, _SEALED)
        .where(usage_month.c.account_id == account_id)
        .order_by(usage_month.c.month)
    )
    return [(Month.from_key(row[0]), MonthRollup(*row[2:]), row[1]) for row in connection.execute(query)]


def unsealed(connection: Connection, before: Month) -> list[tuple[str, Month, MonthRollup, datetime]]:
    """Months before another that have no seal, with the newest booking of their account."""
    query = (
        select(usage_month.c.account_id, usage_month.c.month, meter_account.c.booked_at, *_FIGURES)
        .select_from(usage_month)
        .join(meter_account, meter_account.c.id == usage_month.c.account_id)
        .outerjoin(month_seal, _SEALED)
        .where(usage_month.c.month < before.key, month_seal.c.month.is_(None))
        .order_by(usage_month.c.account_id, usage_month.c.month)
    )
    return [(row[0], Month.from_key(row[1]), MonthRollup(*row[3:]), row[2]) for row in connection.execute(query)]


def seal(connection: Connection, rows: Sequence[tuple[str, str, datetime, str]]) -> None:
    """Write seals (account, month, instant, digest); one that is there stays as it is."""
    if rows:
        insert = postgresql.insert if lock_row(connection) else sqlite.insert
        names = ("account_id", "month", "sealed_at", "digest")
        values = [dict(zip(names, row, strict=True)) for row in rows]
        connection.execute(insert(month_seal).on_conflict_do_nothing(), values)


def seals(connection: Connection) -> dict[tuple[str, Month], str]:
    """Every seal's digest."""
    rows = connection.execute(select(month_seal.c.account_id, month_seal.c.month, month_seal.c.digest))
    return {(row.account_id, Month.from_key(row.month)): row.digest for row in rows}
