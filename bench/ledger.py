"""Charges committed per second, against bare inserts of the same number of rows, in transactions of the same size.

A charge is the whole thing: event, ledger transaction, entries, balances, rollup and lease, through the
meter's own tick. Two references, on files of the same settings (WAL, synchronous=FULL), both the same usage
events into a table of the same columns with the same unique key, and nothing else:

- *insert*: as one inserts rows in this code, ``connection.execute(insert(table), rows)``; the target is
  for this one;
- *driver*: prepared tuples straight into ``sqlite3``'s ``executemany``, the least that can be done.

All three run in turns, in one process; medians of the rounds.

    python -m bench.ledger [--rounds 40] [--leases-per-account 5]
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from noctule.db.engine import Database
from noctule.db.schema import metadata
from noctule.metering.book import PriceBook
from noctule.metering.service import LeaseOpening, Metering
from noctule.metering.store.tables import usage_event
from tests.support.clock import FrozenClock

BATCHES = (20, 100, 1000)
TARGET = 0.5
_WARM_UP = 3


class Charges:
    """One meter with ``batch`` leases that all owe a minute at every tick."""

    def __init__(self, folder: Path, batch: int, leases_per_account: int) -> None:
        self.database = Database(f"sqlite:///{folder / 'charges.db'}")
        metadata.create_all(self.database.engine)
        self.clock = FrozenClock()
        self.metering = Metering(self.clock, PriceBook.built_in(), instance_id="bench", boot_id="bench")
        self.database.submit(lambda connection: self._open(connection, batch, leases_per_account)).result()

    def _open(self, connection: Connection, batch: int, leases_per_account: int) -> None:
        account_id = ""
        for number in range(batch):
            if number % leases_per_account == 0:
                account_id = str(uuid.uuid4())
                self.metering.open_account(connection, account_id, "admin")
            id = str(uuid.uuid4())
            self.metering.open_lease(connection, LeaseOpening(id, account_id, account_id, session_id=id))
            self.metering.begin(id)

    async def round(self) -> int:
        """Charge every lease once; answers how many were charged."""
        self.clock.advance(60.001)
        outcome = await self.database.write(self.metering.tick_step({}))
        return outcome.charges


class Bare:
    """The same events into one table with a unique key."""

    def __init__(self, folder: Path, name: str, batch: int) -> None:
        self.database = Database(f"sqlite:///{folder / name}.db")
        metadata.create_all(self.database.engine)
        self._sessions = [str(uuid.uuid4()) for _ in range(batch)]
        self._minute = 0
        self._names = [str(column.name) for column in usage_event.columns]
        marks = ", ".join("?" * len(self._names))
        self._sql = f"INSERT INTO usage_event ({', '.join(self._names)}) VALUES ({marks})"

    def rows(self) -> list[tuple[Any, ...]]:
        """The next round's rows, made outside the measured time."""
        self._minute += 1
        base = self._minute * len(self._sessions)
        fixed = ("browser", 1, 1, None, self._minute, 1, "minute", "browser-2025", 833333)
        return [
            (base + number, f"browser:{id}:{self._minute}", id, *fixed, id, None, None, id, "[]", None, None)
            for number, id in enumerate(self._sessions)
        ]

    def named(self) -> list[dict[str, Any]]:
        """The same for SQLAlchemy, with instants as instants."""
        at = datetime.now(UTC)
        rows = [dict(zip(self._names, row, strict=True)) for row in self.rows()]
        return [row | {"occurred_at": at, "booked_at": at} for row in rows]

    async def by_driver(self, rows: list[tuple[Any, ...]]) -> None:
        """Insert the rows in one transaction."""

        def step(connection: Connection) -> None:
            connection.exec_driver_sql(self._sql, rows)

        await self.database.write(step)

    async def by_insert(self, rows: list[dict[str, Any]]) -> None:
        """Insert the rows in one transaction."""

        def step(connection: Connection) -> None:
            connection.execute(insert(usage_event), rows)

        await self.database.write(step)


async def measure(batch: int, rounds: int, leases_per_account: int) -> dict[str, float]:
    """Medians for one batch size."""
    with tempfile.TemporaryDirectory() as name:
        charges = Charges(Path(name), batch, leases_per_account)
        bare, raw = Bare(Path(name), "insert", batch), Bare(Path(name), "driver", batch)
        seconds: dict[str, list[float]] = {"charge": [], "insert": [], "driver": []}
        for turn in range(rounds + _WARM_UP):
            named, rows = bare.named(), raw.rows()
            instants = [time.perf_counter()]
            await bare.by_insert(named)
            instants.append(time.perf_counter())
            charged = await charges.round()
            instants.append(time.perf_counter())
            await raw.by_driver(rows)
            instants.append(time.perf_counter())
            if charged != batch:
                raise SystemExit(f"{charged} of {batch} leases were charged")
            if turn >= _WARM_UP:
                for what, (began, ended) in zip(("insert", "charge", "driver"), pairwise(instants), strict=True):
                    seconds[what].append(ended - began)
        for each in (charges, bare, raw):
            each.database.close()
    median = {what: statistics.median(samples) for what, samples in seconds.items()}
    return {
        "batch": batch,
        "charges_per_second": round(batch / median["charge"]),
        "inserts_per_second": round(batch / median["insert"]),
        "driver_inserts_per_second": round(batch / median["driver"]),
        "p95_charge_ms": round(statistics.quantiles(seconds["charge"], n=20)[-1] * 1000, 2),
        "ratio_to_insert": round(median["insert"] / median["charge"], 3),
        "target": TARGET,
        "ratio_to_driver": round(median["driver"] / median["charge"], 3),
    }


def main() -> int:
    """Print one JSON line a batch size; 1 if a ratio misses the target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--leases-per-account", type=int, default=5)
    options = parser.parse_args()
    results = [asyncio.run(measure(batch, options.rounds, options.leases_per_account)) for batch in BATCHES]
    for result in results:
        print(json.dumps(result))
    return int(any(result["ratio_to_insert"] < TARGET for result in results))


if __name__ == "__main__":
    sys.exit(main())
