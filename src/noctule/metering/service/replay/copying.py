"""Metering's tables, row by row, out of a database of either kind into an empty SQLite one."""

from pathlib import Path

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.pool import NullPool

from noctule.db import bulk, copying
from noctule.db.schema import metadata
from noctule.metering.store import tables

_BATCH = 5_000

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
    if source.dialect.name != "sqlite":
        copying.from_postgres(source, target, [table.name for table in TABLES])
        return
    for table in TABLES:
        names = ", ".join(column.name for column in table.columns)
        cursor = source.connection.cursor()
        cursor.execute(f"SELECT {names} FROM {table.name}")
        while rows := cursor.fetchmany(_BATCH):
            bulk.insert(target, table, rows)
