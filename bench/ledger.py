"""Charges committed per second, against bare inserts of the same rows in transactions of the same size.

A charge is the whole thing: event, ledger transaction, entries, balances, rollup and lease, through the
meter's own tick. The reference is the least that could be done: the same usage events into a table of the
same columns with the same unique key, as prepared tuples, straight through the driver, on a file of the
same settings (WAL, synchronous=FULL). Both run in turns, in one process; medians of the rounds.

    python -m bench.ledger [--rounds 30] [--leases-per-account 5]
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.db.schema import metadata
from noctule.metering.book import PriceBook
from noctule.metering.service import LeaseOpening, Metering
from noctule.metering.store.tables import usage_event
from tests.support.clock import FrozenClock

BATCHES = (20, 100, 1000)
TARGET = 0.5


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
    """Prepared event rows into one table with a unique key."""

    def __init__(self, folder: Path, batch: int) -> None:
        self.database = Database(f"sqlite:///{folder / 'bare.db'}")
        metadata.create_all(self.database.engine)
        self._sessions = [str(uuid.uuid4()) for _ in range(batch)]
        self._minute = 0
        columns = usage_event.columns
        names = ", ".join(column.name for column in columns)
        self._sql = f"INSERT INTO usage_event ({names}) VALUES ({', '.join('?' * len(columns))})"

    def rows(self) -> list[tuple[Any, ...]]:
        """The next round's rows, made outside the measured time."""
        self._minute += 1
        base = self._minute * len(self._sessions)
        fixed = ("browser", 1, 1, None, self._minute, 1, "minute", "browser-2025", 833333)
        return [
            (base + number, f"browser:{id}:{self._minute}", id, *fixed, id, None, None, id, "[]", None)
            for number, id in enumerate(self._sessions)
        ]

    async def round(self, rows: list[tuple[Any, ...]]) -> None:
        """Insert the rows in one transaction."""

        def step(connection: Connection) -> None:
            connection.exec_driver_sql(self._sql, rows)

        await self.database.write(step)


async def measure(batch: int, rounds: int, leases_per_account: int) -> dict[str, float]:
    """Medians for one batch size."""
    with tempfile.TemporaryDirectory() as name:
        charges, bare = Charges(Path(name), batch, leases_per_account), Bare(Path(name), batch)
        charge_seconds, bare_seconds = [], []
        for turn in range(rounds + 3):
            rows = bare.rows()
            started = time.perf_counter()
            await bare.round(rows)
            between = time.perf_counter()
            charged = await charges.round()
            ended = time.perf_counter()
            if charged != batch:
                raise SystemExit(f"{charged} of {batch} leases were charged")
            if turn >= 3:
                bare_seconds.append(between - started)
                charge_seconds.append(ended - between)
        charges.database.close()
        bare.database.close()
    charge, reference = statistics.median(charge_seconds), statistics.median(bare_seconds)
    return {
        "batch": batch,
        "charges_per_second": round(batch / charge),
        "bare_inserts_per_second": round(batch / reference),
        "p95_charge_ms": round(statistics.quantiles(charge_seconds, n=20)[-1] * 1000, 2),
        "ratio": round(reference / charge, 3),
        "target": TARGET,
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
    return int(any(result["ratio"] < TARGET for result in results))


if __name__ == "__main__":
    sys.exit(main())
