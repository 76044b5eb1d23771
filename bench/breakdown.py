"""A breakdown of a month with a million charges, against plain SQL that groups the single charges.

The reference is what one would write without the rollup of days: ``SELECT key, sum(cost) FROM usage_event
... GROUP BY key ORDER BY 2 DESC LIMIT 100``, by the bare driver on the same file. Both run in turns.

    python -m bench.breakdown [--events 1000000] [--rounds 5]
"""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from bench._million import fill
from bench._support import ratio, show
from noctule.db import bulk
from noctule.db.engine import Database
from noctule.db.migrate import migrate
from noctule.kit.clock import SystemClock
from noctule.kit.paging import PageQuery
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering, Month
from noctule.metering.service.breakdown import Breakdown, Dimension, breakdown

TARGET = 0.1
_MINUTES = 100
_PLAIN = {
    Dimension.SESSION: "session_id",
    Dimension.AGENT: "agent_id",
    Dimension.FUNCTION: "function_id",
    Dimension.MODEL: "json_extract(detail, '$.model')",
    Dimension.KEY: "api_key_id",
    Dimension.DAY: "date(occurred_at / 1000000, 'unixepoch')",
    Dimension.TAG: "tags",
}


def main() -> int:
    """Print the medians and ratios; 1 if one misses the target or a figure is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--skip-audit", action="store_true", help="do not check the million events first")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noctule.db"
        database, clock = Database(f"sqlite:///{path}"), SystemClock()
        migrate(database.engine)
        metering = Metering(clock, PriceBook.built_in(), instance_id="bench", boot_id="bench")
        database.submit(lambda connection: metering.open_account(connection, "a", "admin")).result()
        now = clock.now()
        database.submit(
            lambda connection: fill(connection, "a", options.events, at=now, minutes=_MINUTES, spread=True)
        ).result(timeout=600)
        if not options.skip_audit and (broken := _broken(database, metering)):
            print(f"the books are not right: {broken}")
            return 1
        missed = _measure(database, path, Month.of(now), options.rounds)
        database.close()
    return int(missed)


def _broken(database: Database, metering: Metering) -> list[str]:
    report = asyncio.run(database.read(metering.audit))
    return [check.name for check in report.checks if not check.ok]


def _first_page(connection: Connection, month: Month, dimension: Dimension) -> Breakdown:
    return breakdown(connection, "a", month, dimension, PageQuery(1, 100))


def _measure(database: Database, path: Path, month: Month, rounds: int) -> bool:
    missed = False
    plain = sqlite3.connect(path)
    for dimension, column in _PLAIN.items():
        sql = (
            f"SELECT {column}, sum(cost_nanos) FROM usage_event WHERE account_id = 'a' AND occurred_at >= ?"
            " AND occurred_at < ? GROUP BY 1 ORDER BY 2 DESC LIMIT 100"
        )
        span = (bulk.micros(month.start), bulk.micros(month.end))
        ours, reference = [], []
        for _ in range(rounds):
            started = time.perf_counter()
            rows = plain.execute(sql, span).fetchall()
            reference.append(time.perf_counter() - started)
            started = time.perf_counter()
            found = asyncio.run(database.read(partial(_first_page, month=month, dimension=dimension)))
            ours.append(time.perf_counter() - started)
        if dimension is not Dimension.TAG and sorted(cost for _, cost in rows) != sorted(
            row.total_nanos for row in found.rows.items
        ):
            print(f"by {dimension.value}: the figures differ")
            missed = True
        show(f"by {dimension.value}: plain SQL over the charges", reference)
        show(f"by {dimension.value}: breakdown", ours)
        missed |= ratio(f"by {dimension.value}: breakdown / plain SQL", ours, reference, TARGET) > TARGET
    plain.close()
    return missed


if __name__ == "__main__":
    sys.exit(main())
