"""Rollups made anew from what they are derived from, and compared with it in SQL."""

from collections.abc import Mapping
from dataclasses import astuple

from sqlalchemy import Connection, delete, text

from noctule.db import bulk
from noctule.metering.domain.months import Month
from noctule.metering.domain.usage import MonthRollup
from noctule.metering.store.tables import grant_balance, usage_day, usage_month

_SHOWN = 1_000


def replace_all(
    connection: Connection,
    rollups: Mapping[tuple[str, Month], MonthRollup],
    balances: Mapping[tuple[str, str], int],
) -> None:
    """Put other rollups in the place of all that there are; those of days come from the events."""
    connection.execute(delete(usage_month))
    connection.execute(delete(grant_balance))
    rows = [(account_id, month.key, *astuple(rollup)) for (account_id, month), rollup in rollups.items()]
    bulk.insert(connection, usage_month, rows)
    bulk.insert(connection, grant_balance, [(*where, left) for where, left in balances.items()])
    connection.execute(delete(usage_day))
    columns = ", ".join(column.name for column in usage_day.columns)
    connection.execute(text(f"INSERT INTO usage_day ({columns}) {_days(connection.dialect.name)}"))


def differing_days(connection: Connection) -> list[tuple[str, str, str]]:
    """Account, day and meter of rows of ``usage_day`` that the events do not say, or the other way round."""
    columns = ", ".join(column.name for column in usage_day.columns)
    made, kept = _days(connection.dialect.name), f"SELECT {columns} FROM usage_day"
    found: set[tuple[str, str, str]] = set()
    for one, other in ((made, kept), (kept, made)):
        query = f"SELECT account_id, day, meter FROM ({one} EXCEPT {other}) AS differing LIMIT {_SHOWN}"
        found.update((row.account_id, row.day, row.meter) for row in connection.execute(text(query)))
    return sorted(found)


def _days(dialect: str) -> str:
    if dialect == "sqlite":
        day, model = "date(occurred_at / 1000000, 'unixepoch')", "json_extract(detail, '$.model')"
    else:
        day = "to_char(to_timestamp(occurred_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
        model = "CAST(detail AS json) ->> 'model'"
    ids = ("session_id", "agent_id", "function_id", "function_run_id", "api_key_id")
    named = ", ".join(f"coalesce({id}, '') AS {id}" for id in ids)
    return (
        f"SELECT account_id, {day} AS day, meter, {named}, coalesce({model}, '') AS model, tags,"
        " count(*) AS events, sum(quantity) AS quantity, sum(cost_nanos) AS cost_nanos"
        " FROM usage_event GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"
    )
