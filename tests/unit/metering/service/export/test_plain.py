"""Plain CSV: every fact of an event, exactly, and who paid."""

import json
from decimal import Decimal

import pytest

from noctule.metering.service.export import ExportFormat
from tests.unit.metering.conftest import MINUTE_NANOS, Bench
from tests.unit.metering.service.export.months import APRIL, MARCH, eventful, exported, of_month

CSV = ExportFormat.CSV


@pytest.fixture
def made(bench: Bench) -> Bench:
    eventful(bench)
    return bench


def test_each_event_is_one_row_in_the_order_of_booking(made: Bench) -> None:
    rows = of_month(made, CSV, MARCH) + of_month(made, CSV, APRIL)
    booked = made.keys()
    mine = [key for key in booked if not key.startswith("browser:other")]
    assert [row["key"] for row in rows] == mine
    assert [int(row["event_id"]) for row in rows] == sorted(int(row["event_id"]) for row in rows)


def test_costs_and_payments_are_exact_and_add_up_to_the_month(made: Bench) -> None:
    for month in (MARCH, APRIL):
        rows = of_month(made, CSV, month)
        assert sum(Decimal(row["cost"]) for row in rows) * 10**9 == made.usage(month).total_nanos
        for row in rows:
            parts = [Decimal(row[name]) for name in ("paid_by_plan", "paid_by_topup", "overage")]
            listed = [Decimal(part["amount"]) for part in json.loads(row["paid_by"])]
            assert sum(parts) == sum(listed) == Decimal(row["cost"])


def test_a_row_names_the_credit_that_paid(bench: Bench) -> None:
    bench.account_with(MINUTE_NANOS + 1)
    bench.open()
    bench.clock.advance(61)
    bench.tick()
    *_, last = of_month(bench, CSV, MARCH)
    assert json.loads(last["paid_by"]) == [
        {"source": "grant:once:a:free", "kind": "topup", "amount": "0.000000001"},
        {"source": "overage", "kind": "overage", "amount": "0.000833333"},
    ]
    assert (last["paid_by_plan"], last["paid_by_topup"], last["overage"]) == ("0", "0.000000001", "0.000833333")


def test_all_facts_of_an_event_come_back_as_they_are(made: Bench) -> None:
    rows = {row["key"]: row for row in of_month(made, CSV, MARCH) + of_month(made, CSV, APRIL)}
    minute = rows["browser:s:1"]
    assert (minute["workspace"], minute["account_id"], minute["meter"]) == ("acme", "a", "browser")
    assert (minute["occurred_at"], minute["origin_at"]) == ("2026-03-10T12:01:00.000000Z", "")
    assert (minute["position"], minute["quantity"], minute["unit"]) == ("1", "1", "minute")
    assert (minute["session_id"], minute["agent_id"], minute["api_key_id"]) == ("s", "agent", "key-1")
    assert json.loads(minute["tags"]) == ["red", 'a "b", c']
    call = rows["llm:c1"]
    assert call["model"] == json.loads(call["detail"])["model"] == 'gpt, "new"\nline'
    late = rows["llm:late"]
    assert (late["origin_at"], late["occurred_at"][:7]) == ("2026-03-31T23:00:00.000000Z", "2026-04")


def test_lines_end_as_rfc_4180_says_and_the_header_is_there_without_events(made: Bench) -> None:
    empty = exported(made, CSV, APRIL.end, APRIL.next.end)
    assert empty.endswith(b"\r\n")
    assert empty.count(b"\n") == 1
    assert empty.startswith(b"event_id,key,workspace,account_id,meter,occurred_at,booked_at,origin_at,position,")
