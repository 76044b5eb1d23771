"""A database as the first schema (0001) had it, with a month of work in it, to be migrated by tests."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, insert, make_url, select, text

from noctule.db.engine import Database
from noctule.db.migrate import alembic_config, migrate
from noctule.db.schema import metadata
from noctule.kit.clock import SystemClock
from noctule.metering.book import PriceBook
from noctule.metering.service import LeaseOpening, Metering
from tests.support.clock import FrozenClock
from tests.support.units import write

_REVISION = "0001"
_ACCOUNTS = {"first": "admin", "second": "free"}


def fill(url: str, scratch: Path) -> dict[str, list[Any]]:
    """Make the tables of the first schema and put work into them, done on the newest schema at ``scratch`` first;
    answers the figures."""
    work = Database(f"sqlite:///{scratch}")
    migrate(work.engine)
    _work(work)
    engine = _engine(url)
    with engine.begin() as target, work.engine.connect() as source:
        source.info["writes"] = False
        config = alembic_config()
        config.attributes["connection"] = target
        command.upgrade(config, _REVISION)
        old = MetaData()
        old.reflect(target)
        for table in metadata.sorted_tables:
            if table.name in old.tables:
                _copy(source, target, table, old.tables[table.name])
        if target.dialect.name == "postgresql":
            sequence = (
                "SELECT setval(pg_get_serial_sequence('ledger_transaction', 'id'), max(id)) FROM ledger_transaction"
            )
            target.execute(text(sequence))
    work.close()
    engine.dispose()
    return figures(url)


def figures(url: str) -> dict[str, list[Any]]:
    """What must be the same before and after."""
    mine = "account_id IN ('first', 'second')"
    queries = {
        "events": f"SELECT id, key, cost_nanos, occurred_at, booked_at FROM usage_event WHERE {mine} ORDER BY id",
        "entries": "SELECT transaction_id, account, amount_nanos FROM ledger_entry WHERE transaction_id IN "
        f"(SELECT id FROM ledger_transaction WHERE {mine}) ORDER BY transaction_id, account",
        "grants": f"SELECT key, account_id, amount_nanos FROM credit_grant WHERE {mine} ORDER BY key",
        "months": f"SELECT account_id, month, session_count, browser_nanos, proxy_nanos FROM usage_month WHERE {mine} "
        "ORDER BY account_id, month",
        "balances": f"SELECT account_id, account, remaining_nanos FROM grant_balance WHERE {mine} "
        "ORDER BY account_id, account",
    }
    engine = _engine(url)
    with engine.connect() as connection:
        found = {name: [tuple(row) for row in connection.execute(text(query))] for name, query in queries.items()}
    engine.dispose()
    return found


def revision(url: str) -> str | None:
    """Which schema the database has."""
    engine = _engine(url)
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return found


def _work(database: Database) -> None:
    clock = FrozenClock(SystemClock().now())
    metering = Metering(clock, PriceBook.built_in(), instance_id="earlier", boot_id="earlier")
    for account, plan in _ACCOUNTS.items():
        write(database, metering.open_account, account, plan)
        write(database, metering.top_up, account, 2_000_000_000, f"order-of-{account}")
        for number in range(3):
            session_id = f"{account}-{number}"
            write(database, metering.open_lease, LeaseOpening(session_id, account, session_id=session_id))
            metering.begin(session_id)
            for minute in range(1, 4):
                clock.advance(61)
                database.submit(metering.tick_step({session_id: 1_000_000 * minute})).result(30)
            if number:
                write(database, metering.close_lease, session_id, proxied_bytes=4_000_000)
                metering.forget(session_id)


def _copy(source: Connection, target: Connection, newest: Table, old: Table) -> None:
    columns = [newest.c[column.name] for column in old.columns]
    rows = [dict(row) for row in source.execute(select(*columns)).mappings()]
    if rows:
        # Through the newest tables' types, which are the old ones': only columns were added.
        target.execute(insert(newest), rows)


def _engine(url: str) -> Engine:
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        assert parts.database is not None
        Path(parts.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return create_engine(url)
    return create_engine(parts.set(drivername="postgresql+pg8000"))
