"""The books played into an empty database, in two ways: one by one through the door of metering, at the instants of
their booking, and by the replay that operators have."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from noctule.db.engine import Database
from noctule.db.schema import metadata
from noctule.metering.book import Plan, PriceBook
from noctule.metering.service import Metering, Month, Usage
from noctule.metering.service.replay import Difference, Replay
from noctule.metering.store import reading
from noctule.metering.store.tables import credit_grant, plan_period
from noctule.usage.wire import UsageResponse
from tests.properties import model
from tests.support import units
from tests.support.clock import FrozenClock


def book() -> PriceBook:
    """The built-in prices, and the model's plans."""
    built_in = PriceBook.built_in()
    begins_at = built_in.plans[0].begins_at
    plans = (Plan(name, begins_at, monthly, once, 9, 9, 9) for name, (monthly, once) in model.PLANS.items())
    return PriceBook(built_in.prices, tuple(plans))


def differences(connection: Connection, at: datetime) -> list[Difference]:
    """What ``noctule usage replay --diff`` would say of these books at an instant."""
    with tempfile.TemporaryDirectory() as folder:
        replay = Replay(Path(folder), book(), at)
        replay.copy(connection)
        replay.repost()
        return list(replay.differences(_reply))


def _reply(usage: Usage) -> str:
    return UsageResponse.of(usage).model_dump_json()


def log(connection: Connection) -> list[reading.Posting]:
    """Everything that was booked, in order."""
    return list(reading.postings(connection))


def plans(connection: Connection) -> dict[str, str]:
    """What the log itself does not say, by the keys of its bookings: the plans that accounts took, and the last months
    of credit that expires."""
    taken = {f"plan:{row.account_id}:{row.number}": row.plan for row in connection.execute(select(plan_period))}
    expiring = connection.execute(select(credit_grant).where(credit_grant.c.expires_at.is_not(None)))
    return taken | {row.key: Month.of(row.expires_at).previous.key for row in expiring}


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
            elif key.startswith("grant:credit:"):
                amount, name = -dict(posting.entries)["issued"], key.removeprefix("grant:credit:")
                units.write(scratch, meter.grant, id, amount, name, expires_after=Month.from_key(taken[key]))
            elif key.startswith("void:"):
                units.write(scratch, meter.void_grant, id, key.removeprefix("void:"))
        yield clock, meter, partial(units.read, scratch)
        scratch.close()
