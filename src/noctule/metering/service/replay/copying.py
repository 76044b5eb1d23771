"""Metering's tables, row by row, out of a database of either kind into an empty SQLite one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.pool import NullPool

from noctule.db import bulk
from noctule.db.schema import metadata
from noctule.metering.store import tables

BATCH = 5_000

TABLES: tuple[Table, ...] = (
    tables.meter_account,
    tables.plan_period,
    tables.usage_event,
    tables.credit_grant,
    tables.ledger_transaction,
    tables.ledger_entry,
    tables.grant_balance,
    tables.usage_month,
    tables.usage_day,
    tables.meter_lease,
    tables.budget,
    tables.budget_period,
    tables.month_seal,
)


def scratch(path: Path) -> Engine:
    """An empty database with metering's tables, made for speed: it is thrown away, so no power cut can hurt it."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _connected(connection: object, _record: object) -> None:
        # The driver's own transaction control would begin too late; ``begin`` below says BEGIN itself.
        connection.isolation_level = None  # type: ignore[attr-defined]
        connection.execute("PRAGMA journal_mode=OFF")  # type: ignore[attr-defined]
        connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    metadata.create_all(engine, tables=TABLES)
    return engine


def copy(source: Connection, target: Connection) -> None:
    """Copy every row; ``source`` sees one snapshot, and never more than a batch is in memory."""
    for table in TABLES:
        for rows in _batches(source, table):
            bulk.insert(target, table, rows)


def _batches(source: Connection, table: Table) -> Iterator[Sequence[bulk.Row]]:
    names = ", ".join(column.name for column in table.columns)
    if source.dialect.name == "sqlite":
        cursor = source.connection.cursor()
        cursor.execute(f"SELECT {names} FROM {table.name}")
        while rows := cursor.fetchmany(BATCH):
            yield rows
        return
    # One text for each row: the driver turns values into Python's one by one, which costs more than all the rest.
    query = text(f"SELECT CAST(json_build_array({names}) AS text) FROM {table.name}")
    found = source.execute(query, execution_options={"yield_per": BATCH})
    for part in found.scalars().partitions():
        yield [tuple(msgspec.json.decode(row)) for row in part]
