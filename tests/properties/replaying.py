"""An event log played into an empty database: everything that was not derived, at the instants of its booking."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from noctule.db.engine import Database
from noctule.db.schema import metadata
from noctule.metering.book import Plan, PriceBook
from noctule.metering.service import Metering
from noctule.metering.store import reading
from noctule.metering.store.tables import plan_period
from tests.properties import model
from tests.support import units
from tests.support.clock import FrozenClock


def book() -> PriceBook:
    """The built-in prices, and the model's plans."""
    built_in = PriceBook.built_in()
    begins_at = built_in.plans[0].begins_at
    plans = (Plan(name, begins_at, monthly, once, 9, 9, 9) for name, (monthly, once) in model.PLANS.items())
    return PriceBook(built_in.prices, tuple(plans))


def log(connection: Connection) -> list[reading.Posting]:
    """Everything that was booked, in order."""
    return list(reading.postings(connection))


def plans(connection: Connection) -> dict[str, str]:
    """The plans that accounts took, by the keys of their bookings."""
    return {f"plan:{row.account_id}:{row.number}": row.plan for row in connection.execute(select(plan_period))}


@contextmanager
def replayed(
    postings: Sequence[reading.Posting], taken: Mapping[str, str], clock: FrozenClock
) -> Iterator[tuple[FrozenClock, Metering, Any]]:
    """A meter whose database has seen exactly this log; with its clock, and a way to read."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Database(f"sqlite:///{folder}/scratch.db")
        metadata.create_all(scratch.engine)
        meter = Metering(clock, book(), instance_id="scratch", boot_id="scratch")
        for posting in postings:
            clock.jump((posting.booked_at - clock.now()).total_seconds())
            id, key = posting.account_id, posting.key
            if posting.event is not None:
                units.write(scratch, meter.deliver, [posting.event])
            elif key.startswith("plan:") and key.endswith(":1"):
                units.write(scratch, meter.open_account, id, taken[key])
            elif key.startswith("plan:"):
                units.write(scratch, meter.change_plan, id, taken[key])
            elif key.startswith("grant:topup:"):
                amount, name = -dict(posting.entries)["issued"], key.removeprefix("grant:topup:")
                units.write(scratch, meter.top_up, id, amount, name)
        yield clock, meter, partial(units.read, scratch)
        scratch.close()
