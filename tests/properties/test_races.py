"""Many at once, on both databases: one account is never booked by two at a time."""

from concurrent.futures import Future
from typing import Any

import pytest
from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.kit.errors import PaymentRequired
from noctule.metering.book import PriceBook
from noctule.metering.service import LeaseOpening, Meter, Metering, UsageEvent
from tests.support.clock import FrozenClock
from tests.support.units import read, submit, write

ONE_MINUTE_NANOS = 833_333


def _meter(clock: FrozenClock, instance_id: str) -> Metering:
    return Metering(clock, PriceBook.built_in(), instance_id=instance_id, boot_id="boot")


def _leave(connection: Connection, meter: Metering, clock: FrozenClock, left_nanos: int) -> None:
    """A free account that has only so much left."""
    meter.open_account(connection, "a", "free")
    spent = 5 * 10**9 - left_nanos
    meter.deliver(connection, [UsageEvent("llm:x", "a", Meter.LLM, clock.now(), 0, 1, "token", "p", spent)])


def test_of_fifty_starts_that_race_for_the_last_minute_one_wins(database: Database) -> None:
    clock = FrozenClock()
    meter = _meter(clock, "one")
    write(database, _leave, meter, clock, ONE_MINUTE_NANOS)
    for _ in range(50):
        read(database, meter.admit, "a")
    starts = [
        submit(database, meter.open_lease, LeaseOpening(f"s{number}", "a", session_id=f"s{number}"))
        for number in range(50)
    ]
    refusals = [start.exception(timeout=60) for start in starts]
    assert [type(refusal) for refusal in refusals if refusal is not None] == [PaymentRequired] * 49
    usage = read(database, meter.usage, "a", None)
    assert (usage.balance_nanos, usage.session_count, usage.is_limit_exceeded) == (0, 1, True)
    assert read(database, meter.audit).ok


@pytest.mark.parametrize("accounts", [1, 3])
def test_two_servers_on_one_database_charge_every_minute_once(database: Database, accounts: int) -> None:
    clock = FrozenClock()
    servers = [_meter(clock, "one"), _meter(clock, "two")]
    holders = {f"s{number}": servers[number % 2] for number in range(12)}
    for number in range(accounts):
        write(database, servers[0].open_account, f"a{number}", "admin")
    for number, (id, meter) in enumerate(holders.items()):
        write(database, meter.open_lease, LeaseOpening(id, f"a{number % accounts}", session_id=id))
        meter.begin(id)
    for beat in range(1, 6):
        clock.advance(61)
        moved = dict.fromkeys(holders, beat * 1_000)
        for tick in [database.submit(meter.tick_step(moved)) for meter in servers]:
            assert tick.result(timeout=60).stops == ()
    closing = [submit(database, meter.close_lease, id, proxied_bytes=9_000) for id, meter in holders.items()]
    assert [close.result(timeout=60).minutes for close in closing] == [6] * 12
    report = read(database, servers[0].audit)
    assert [check for check in report.checks if not check.ok] == []
    costs = [read(database, servers[0].usage, f"a{number}", None).total_nanos for number in range(accounts)]
    assert sum(costs) == 12 * (5_000_000 + 90_000)


def test_servers_that_open_close_and_top_up_at_once_keep_the_books_right(database: Database) -> None:
    clock = FrozenClock()
    servers = [_meter(clock, "one"), _meter(clock, "two")]
    for id in ("a", "b"):
        write(database, servers[0].open_account, id, "free")
    futures: list[Future[Any]] = []
    for number in range(20):
        meter, account_id = servers[number % 2], "ab"[number % 2]
        opening = LeaseOpening(f"s{number}", account_id, session_id=f"s{number}")
        futures.append(submit(database, meter.open_lease, opening))
        futures.append(submit(database, meter.top_up, account_id, 1_000, f"key-{number % 4}"))
        futures.append(database.submit(meter.tick_step({})))
    for future in futures:
        future.result(timeout=60)
    for number in range(20):
        write(database, servers[number % 2].close_lease, f"s{number}", proxied_bytes=0)
    report = read(database, servers[0].audit)
    assert [check for check in report.checks if not check.ok] == []
    assert read(database, servers[0].usage, "a", None).session_count == 10
    assert read(database, servers[0].usage, "a", None).topup_limit_nanos == 5 * 10**9 + 2_000
