"""Rows of FOCUS 1.2: they keep the specification's rules, and every sum is the ledger's."""

import csv
import io
import json
from decimal import Decimal

import pytest

from noctule.metering.service.export import ExportFormat
from tests.unit.metering.conftest import Bench
from tests.unit.metering.service.export.focus_rules import broken_by_header, broken_by_row
from tests.unit.metering.service.export.months import APRIL, DOLLAR, MARCH, eventful, exported, of_month

FOCUS = ExportFormat.FOCUS


@pytest.fixture
def made(bench: Bench) -> Bench:
    eventful(bench)
    return bench


def _nanos(rows: list[dict[str, str]], column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows), Decimal()) * 10**9


def _one(rows: list[dict[str, str]], key: str) -> dict[str, str]:
    (found,) = [row for row in rows if row["x_EventKey"] == key]
    return found


def test_every_row_keeps_the_rules_of_the_specification(made: Bench) -> None:
    document = exported(made, FOCUS, MARCH.start, APRIL.end)
    header, *_ = csv.reader(io.StringIO(document.decode(), newline=""))
    assert list(broken_by_header(header)) == []
    for account_id in ("a", None):
        for month in (MARCH, APRIL):
            for row in of_month(made, FOCUS, month, account_id):
                assert list(broken_by_row(row)) == [], row


def test_effective_cost_adds_up_to_the_month_and_list_cost_of_use_to_the_same(made: Bench) -> None:
    for month in (MARCH, APRIL):
        rows = of_month(made, FOCUS, month)
        use = [row for row in rows if row["ChargeCategory"] != "Purchase"]
        assert _nanos(rows, "EffectiveCost") == made.usage(month).total_nanos
        assert _nanos(use, "ListCost") == _nanos(use, "ContractedCost") == made.usage(month).total_nanos
    assert made.usage(MARCH).total_nanos > 0


def test_billed_cost_adds_up_to_what_was_paid_for_top_ups_and_the_open_overage(bench: Bench) -> None:
    bench.account("free")
    rows = of_month(bench, FOCUS, MARCH)
    assert _nanos(rows, "BilledCost") == 0
    bench.spend(8 * DOLLAR)
    assert _nanos(of_month(bench, FOCUS, MARCH), "BilledCost") == 3 * DOLLAR
    bench.write(bench.meter.top_up, "a", 2 * DOLLAR, "t1")
    assert _nanos(of_month(bench, FOCUS, MARCH), "BilledCost") == 3 * DOLLAR
    bench.write(bench.meter.top_up, "a", 2 * DOLLAR, "t2")
    assert _nanos(of_month(bench, FOCUS, MARCH), "BilledCost") == 4 * DOLLAR
    second = next(grant for grant in bench.read(bench.meter.grants, "a") if grant.key == "grant:topup:t2")
    assert bench.write(bench.meter.void_grant, "a", second.id) == DOLLAR
    rows = of_month(bench, FOCUS, MARCH)
    assert _nanos(rows, "BilledCost") == 3 * DOLLAR
    taken_back = [row for row in rows if row["ChargeCategory"] == "Purchase" and row["BilledCost"] == "-1"]
    assert [row["ChargeClass"] for row in taken_back] == [""]
    assert [list(broken_by_row(row)) for row in rows if list(broken_by_row(row))] == []


def test_a_use_is_billed_only_where_no_credit_paid_for_it(made: Bench) -> None:
    rows = of_month(made, FOCUS, MARCH)
    minute, call = _one(rows, "browser:s:0"), _one(rows, "llm:c1")
    assert (minute["BilledCost"], minute["EffectiveCost"]) == ("0", "0.000833333")
    overage = Decimal(call["BilledCost"])
    assert 0 < overage < 7
    assert Decimal(_one(rows, "grant:topup:t1")["BilledCost"]) == 20 - overage


def test_meters_are_told_in_units_of_the_specification(made: Bench) -> None:
    rows = of_month(made, FOCUS, MARCH)
    told = {
        key: (row["SkuMeter"], row["ConsumedQuantity"], row["ConsumedUnit"], row["PricingUnit"], row["ListUnitPrice"])
        for key in ("browser:s:1", "proxy:s:1234", "llm:c2")
        for row in [_one(rows, key)]
    }
    assert told == {
        "browser:s:1": ("browser", "1", "Minutes", "Minutes", "0.000833334"),
        "proxy:s:1234": ("proxy", "0.000998767", "GB", "GB", "10"),
        "llm:c2": ("llm", "42", "Tokens", "Requests", "0.123456789"),
    }


def test_a_row_says_whose_it_is_when_it_was_and_how_it_is_tagged(made: Bench) -> None:
    row = _one(of_month(made, FOCUS, MARCH), "browser:s:1")
    assert json.loads(row["Tags"]) == {"red": True, 'a "b", c': True}
    assert (row["BillingAccountId"], row["BillingAccountName"]) == ("a", "acme")
    assert (row["ResourceId"], row["ResourceType"], row["x_ApiKeyId"], row["x_AgentId"]) == (
        "s",
        "Session",
        "key-1",
        "agent",
    )
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")
    assert (row["ChargePeriodStart"], row["ChargePeriodEnd"]) == ("2026-03-10T12:01:00Z", "2026-03-10T12:02:00Z")


def test_what_comes_after_its_month_was_sealed_is_a_correction_in_the_open_month(made: Bench) -> None:
    rows = of_month(made, FOCUS, APRIL)
    late, old = _one(rows, "llm:late"), _one(rows, "correction:old")
    assert (late["ChargeCategory"], late["ChargeClass"]) == ("Usage", "Correction")
    assert (old["ChargeCategory"], old["ChargeClass"], old["EffectiveCost"]) == (
        "Adjustment",
        "Correction",
        "-0.000000007",
    )
    for row in (late, old):
        assert (row["BillingPeriodStart"], row["ChargePeriodStart"][:7]) == ("2026-04-01T00:00:00Z", "2026-03")


def test_a_correction_inside_its_month_is_an_adjustment_with_its_reason(made: Bench) -> None:
    row = _one(of_month(made, FOCUS, MARCH), "correction:refund")
    assert (row["ChargeCategory"], row["ChargeClass"], row["EffectiveCost"]) == ("Adjustment", "", "-0.5")
    assert (row["ChargeDescription"], row["ResourceId"]) == ("it hung", "s")


def test_credit_is_a_purchase_and_only_a_top_up_has_a_price(made: Bench) -> None:
    rows = [row for row in of_month(made, FOCUS, MARCH) if row["ChargeCategory"] == "Purchase"]
    told = {
        row["x_EventKey"]: (row["SkuId"], row["ChargeFrequency"], row["PricingQuantity"], row["ListCost"])
        for row in rows
    }
    assert told == {
        "grant:once:a:free": ("credit-given", "One-Time", "5", "0"),
        "grant:topup:t1": ("credit-topup", "One-Time", "20", "20"),
        "grant:credit:gift": ("credit-plan", "Recurring", "1", "0"),
        "grant:correction:refund": ("credit-given", "One-Time", "0.5", "0"),
    }


def test_another_accounts_rows_are_not_there_and_all_of_them_are_if_asked_for(made: Bench) -> None:
    mine = {row["BillingAccountId"] for row in of_month(made, FOCUS, MARCH)}
    all_of_them = {row["BillingAccountName"] for row in of_month(made, FOCUS, MARCH, None)}
    assert (mine, all_of_them) == ({"a"}, {"acme", "bees"})
