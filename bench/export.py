"""How fast a million charges are exported, in both formats, against plain SQL that reads and writes the same rows.

The reference is the least that makes a CSV file of the events: ``SELECT * FROM usage_event``, by the bare driver,
into ``csv.writer``. An export also tells of each charge which credit paid for it, names, and exact decimals.
The memory printed is the most that the process held at any time.

    python -m bench.export [--events 1000000] [--rounds 1]
"""

import argparse
import asyncio
import csv
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection

from bench._million import fill
from bench._support import ratio, show
from noctule.db import bulk
from noctule.db.engine import Database
from noctule.db.migrate import migrate
from noctule.kit.clock import SystemClock
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering, Month
from noctule.metering.service.export import Export, ExportFormat

TARGET = 6.0
MEMORY_TARGET_MB = 300
_MINUTES = 100


def main() -> int:
    """Print rates and ratios; 1 if one misses its target or a file has not every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "noctule.db", Path(folder) / "out.csv"
        database, clock = Database(f"sqlite:///{path}"), SystemClock()
        migrate(database.engine)
        metering = Metering(clock, PriceBook.built_in(), instance_id="bench", boot_id="bench")
        database.submit(lambda connection: metering.open_account(connection, "a", "admin")).result()
        now = clock.now()
        database.submit(
            lambda connection: fill(connection, "a", options.events, at=now, minutes=_MINUTES, spread=True)
        ).result(timeout=600)
        month, missed = Month.of(now), False
        makers: dict[str, Callable[[], int]] = {
            "plain SQL and csv.writer": lambda: _plain(path, month, out),
            "csv": lambda: _ours(database, ExportFormat.CSV, month, out),
            "focus": lambda: _ours(database, ExportFormat.FOCUS, month, out),
        }
        seconds: dict[str, list[float]] = {name: [] for name in makers}
        for _ in range(options.rounds):
            for name, make in makers.items():
                started = time.perf_counter()
                rows = make()
                seconds[name].append(time.perf_counter() - started)
                print(f"{name}: {rows:,} rows, {rows / seconds[name][-1]:,.0f} a second, {out.stat().st_size:,} bytes")
                missed |= rows < options.events // _MINUTES * _MINUTES
        database.close()
    reference = seconds.pop("plain SQL and csv.writer")
    show("plain SQL and csv.writer", reference)
    for name, taken in seconds.items():
        show(f"export as {name}", taken)
        missed |= ratio(f"export as {name} / plain", taken, reference, TARGET) > TARGET
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"most memory held: {most:.0f} MB   target <= {MEMORY_TARGET_MB}")
    return int(missed or most > MEMORY_TARGET_MB)


def _plain(path: Path, month: Month, out: Path) -> int:
    connection, rows = sqlite3.connect(path), 0
    cursor = connection.execute(
        "SELECT * FROM usage_event WHERE account_id = 'a' AND occurred_at >= ? AND occurred_at < ? ORDER BY id",
        (bulk.micros(month.start), bulk.micros(month.end)),
    )
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        while some := cursor.fetchmany(2_000):
            writer.writerows(some)
            rows += len(some)
    connection.close()
    return rows


def _ours(database: Database, format: ExportFormat, month: Month, out: Path) -> int:
    def step(connection: Connection) -> int:
        made = Export.begin(connection, format, "a", month.start, month.end, {"a": "bench"})
        with out.open("wb") as file:
            while (piece := made.next(connection)) is not None:
                file.write(piece)
        return made.rows

    return asyncio.run(database.read(step))


if __name__ == "__main__":
    sys.exit(main())
