"""One meter on an empty database, and short words for what the tests do with it."""

from collections.abc import Callable
from typing import Concatenate, Literal, ParamSpec, TypeVar

import pytest
from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.kit.errors import PaymentRequired
from noctule.metering.book import PriceBook
from noctule.metering.service import ClosedLease, LeaseOpening, Meter, Metering, Month, TickOutcome, Usage, UsageEvent
from noctule.metering.store import reading
from tests.support import units
from tests.support.clock import FrozenClock

P = ParamSpec("P")
T = TypeVar("T")

MINUTE_NANOS = 833_333


class Bench:
    """A meter, its clock and its database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FrozenClock()
        self.book = PriceBook.built_in()
        self.meter = self.server("one")

    def server(
        self, instance_id: str, boot_id: str = "boot", on_exhausted: Literal["stop", "finish"] = "stop"
    ) -> Metering:
        return Metering(self.clock, self.book, instance_id=instance_id, boot_id=boot_id, on_exhausted=on_exhausted)

    def write(self, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return units.write(self.database, step, *args, **kwargs)

    def read(self, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return units.read(self.database, step, *args, **kwargs)

    def account(self, plan: str = "admin", id: str = "a") -> None:
        self.write(self.meter.open_account, id, plan)

    def account_with(self, left_nanos: int) -> None:
        """A free account with so much of its credit left."""
        self.account("free")
        self.spend(5 * 10**9 - left_nanos)

    def spend(self, nanos: int, key: str = "llm:spent", account_id: str = "a") -> None:
        now = self.clock.now()
        self.write(self.meter.deliver, [UsageEvent(key, account_id, Meter.LLM, now, 0, 1, "token", "p", nanos)])

    def open(self, id: str = "s", account_id: str = "a", meter: Metering | None = None) -> None:
        server = meter or self.meter
        self.write(server.open_lease, LeaseOpening(id, account_id, "key", session_id=id))
        server.begin(id)

    def tick(self, meter: Metering | None = None, **proxied_bytes: int) -> TickOutcome:
        return self.database.submit((meter or self.meter).tick_step(proxied_bytes)).result(timeout=60)

    def close(self, id: str = "s", proxied_bytes: int = 0, *, at_paid_minute: bool = False) -> ClosedLease:
        self.meter.freeze(id, at_paid_minute=at_paid_minute)
        closed = self.write(self.meter.close_lease, id, proxied_bytes=proxied_bytes)
        self.meter.forget(id)
        return closed

    def usage(self, month: Month | None = None, id: str = "a") -> Usage:
        return self.read(self.meter.usage, id, month)

    def is_admitted(self) -> bool:
        try:
            self.read(self.meter.admit, "a")
        except PaymentRequired:
            return False
        return True

    def keys(self) -> list[str]:
        """Keys of all events, in the order of booking."""
        return [posting.key for posting in self.read(_postings) if posting.event]

    def broken(self) -> list[str]:
        """Names of the invariants that do not hold."""
        return [check.name for check in self.read(self.meter.audit).checks if not check.ok]


def _postings(connection: Connection) -> list[reading.Posting]:
    return list(reading.postings(connection))


@pytest.fixture
def bench(database: Database) -> Bench:
    """A meter on an empty database, once on each engine."""
    return Bench(database)
