"""The audit finds what it is for: each test breaks the books in one way, behind the meter's back."""

import pytest
from sqlalchemy import Connection, text

from noctule.metering.service import ModelCall
from tests.unit.metering.conftest import Bench


def _busy(bench: Bench) -> None:
    bench.account("free")
    bench.write(bench.meter.change_plan, "a", "pro")
    bench.open()
    bench.clock.advance(130)
    bench.tick(s=1_000)
    bench.clock.advance(10)
    bench.tick(s=3_000)
    bench.close(proxied_bytes=3_500)
    call = ModelCall("c", "a", "m", (("input", 1),), 70, "p", bench.clock.now(), session_id="s")
    bench.write(bench.meter.charge_model_call, call)


def _break(connection: Connection, statements: str) -> None:
    for statement in statements.split(";"):
        connection.execute(text(statement))


_OF = "(SELECT id FROM usage_event WHERE key = 'browser:s:1')"


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
        (
            "UPDATE ledger_entry SET amount_nanos = amount_nanos + 1 WHERE account LIKE 'revenue:%' "
            f"AND transaction_id = {_OF}",
            "ledger-balanced",
        ),
        (f"DELETE FROM ledger_transaction WHERE id = {_OF}", "ledger-balanced"),
        (
            f"DELETE FROM ledger_entry WHERE transaction_id = {_OF}; DELETE FROM ledger_transaction WHERE id = {_OF}",
            "events-paid-once",
        ),
        (f"DELETE FROM ledger_entry WHERE transaction_id = {_OF}", "events-paid-once"),
        (
            "INSERT INTO ledger_transaction (id, key, account_id, booked_at) "
            "VALUES (999999, 'odd', 'a', 1773144000000000)",
            "events-paid-once",
        ),
        ("UPDATE credit_grant SET amount_nanos = amount_nanos + 1 WHERE bucket = 0", "grants-add-up"),
        ("UPDATE usage_event SET key = 'browser:s:7' WHERE key = 'browser:s:1'", "natural-keys"),
        ("UPDATE usage_event SET position = 5, key = 'browser:s:5' WHERE key = 'browser:s:2'", "minute-chains"),
        ("UPDATE meter_lease SET witnessed_microseconds = 300000000", "minute-chains"),
        ("UPDATE usage_event SET quantity = quantity - 1 WHERE key = 'proxy:s:0'", "proxy-ranges"),
        ("UPDATE meter_lease SET proxied_bytes = 1", "proxy-ranges"),
        ("UPDATE usage_event SET price_id = 'browser-1999' WHERE key = 'browser:s:1'", "prices"),
        ("UPDATE usage_event SET price_id = 'unpriced' WHERE key = 'llm:c'", "models-priced"),
        ("UPDATE credit_grant SET bucket = 1 - bucket", "spend-order"),
        (f"UPDATE ledger_transaction SET booked_at = booked_at - 900000000 WHERE id = {_OF}", "booking-order"),
        ("UPDATE meter_account SET booked_at = 0", "booking-order"),
        ("UPDATE meter_lease SET cost_nanos = cost_nanos + 1", "sums-agree"),
        ("UPDATE usage_month SET browser_nanos = browser_nanos + 1", "rollups"),
        ("UPDATE usage_month SET session_count = 0", "rollups"),
        ("UPDATE grant_balance SET remaining_nanos = remaining_nanos - 1", "rollups"),
        ("DELETE FROM credit_grant WHERE bucket = 0", "grants-add-up"),
    ],
)
def test_broken_books_are_found(bench: Bench, statements: str, broken: str) -> None:
    _busy(bench)
    assert bench.broken() == []
    bench.write(_break, statements)
    assert broken in bench.broken()


def test_rollups_that_went_wrong_can_be_made_anew(bench: Bench) -> None:
    _busy(bench)
    usage = bench.usage()
    bench.write(_break, "DELETE FROM usage_month; UPDATE grant_balance SET remaining_nanos = 1")
    assert bench.usage() != usage
    assert bench.read(bench.meter.verified_usage, "a", None) == usage
    bench.write(bench.meter.rebuild)
    assert bench.usage() == usage
    assert bench.broken() == []


def test_many_violations_are_counted_and_only_some_are_shown(bench: Bench) -> None:
    bench.account()
    for number in range(30):
        bench.spend(1, f"llm:{number}")
    bench.write(_break, "UPDATE usage_event SET price_id = 'unpriced'")
    (check,) = [check for check in bench.read(bench.meter.audit).checks if not check.ok]
    assert (check.name, check.violation_count, len(check.violations)) == ("models-priced", 30, 20)
