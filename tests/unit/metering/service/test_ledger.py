"""Accounts, plans, grants, months: what can be booked without a lease."""

from datetime import UTC, datetime

import pytest

from noctule.kit.errors import Conflict, InvalidRequest, NotFound, PaymentRequired
from noctule.metering.service import KeyReused, ModelCall, Month
from tests.unit.metering.conftest import Bench

_DOLLAR = 10**9
_MARCH, _APRIL, _MAY = Month(2026, 3), Month(2026, 4), Month(2026, 5)


def _go_to(bench: Bench, at: datetime) -> None:
    bench.clock.advance((at - bench.clock.now()).total_seconds())


def test_a_new_account_has_its_plans_credit_of_the_month(bench: Bench) -> None:
    bench.account("pro")
    usage = bench.usage()
    assert (usage.plan, usage.month) == ("pro", _MARCH)
    assert (usage.subscription_limit_nanos, usage.balance_nanos) == (5 * _DOLLAR, 5 * _DOLLAR)
    assert bench.read(bench.meter.plan_of, "a").concurrency == 25


def test_free_credit_is_given_once_and_does_not_expire(bench: Bench) -> None:
    bench.account("free")
    for plan in ("pro", "free", "pro", "free"):
        bench.write(bench.meter.change_plan, "a", plan)
    _go_to(bench, datetime(2027, 1, 5, tzinfo=UTC))
    usage = bench.usage()
    assert (usage.topup_limit_nanos, usage.topup_balance_nanos) == (5 * _DOLLAR, 5 * _DOLLAR)
    assert usage.subscription_limit_nanos == 0


def test_an_unknown_plan_or_account_is_refused(bench: Bench) -> None:
    with pytest.raises(InvalidRequest, match="no such plan"):
        bench.account("gold")
    bench.account()
    with pytest.raises(InvalidRequest, match="no such plan"):
        bench.write(bench.meter.change_plan, "a", "gold")
    with pytest.raises(Conflict):
        bench.account()
    for step in (bench.meter.plan_of, bench.meter.admit):
        with pytest.raises(NotFound):
            bench.read(step, "nobody")
    with pytest.raises(NotFound):
        bench.write(bench.meter.top_up, "nobody", 1, "k")


def test_a_larger_plan_raises_this_months_credit_by_the_difference_and_a_smaller_one_takes_nothing(
    bench: Bench,
) -> None:
    bench.account("pro")
    bench.spend(2 * _DOLLAR)
    bench.write(bench.meter.change_plan, "a", "growth")
    assert (bench.usage().subscription_limit_nanos, bench.usage().balance_nanos) == (25 * _DOLLAR, 23 * _DOLLAR)
    bench.write(bench.meter.change_plan, "a", "pro")
    bench.write(bench.meter.change_plan, "a", "growth")
    assert bench.usage().subscription_limit_nanos == 25 * _DOLLAR
    bench.write(bench.meter.change_plan, "a", "pro")
    _go_to(bench, datetime(2026, 4, 2, tzinfo=UTC))
    assert bench.usage().subscription_limit_nanos == 5 * _DOLLAR
    assert bench.usage(_MARCH).plan == "pro"
    assert bench.broken() == []


def test_what_is_left_of_plan_credit_expires_with_the_month_and_is_booked_when_next_something_is(
    bench: Bench,
) -> None:
    bench.account("pro")
    bench.spend(1 * _DOLLAR)
    _go_to(bench, datetime(2026, 5, 3, tzinfo=UTC))
    before = [bench.usage(month) for month in (_MARCH, _APRIL, _MAY)]
    assert [usage.balance_nanos for usage in before] == [4 * _DOLLAR, 5 * _DOLLAR, 5 * _DOLLAR]
    bench.spend(0, "llm:nothing")
    assert [bench.usage(month) for month in (_MARCH, _APRIL, _MAY)] == before
    assert bench.broken() == []


def test_reading_writes_nothing(bench: Bench) -> None:
    bench.account("pro")
    _go_to(bench, datetime(2026, 5, 3, tzinfo=UTC))
    before = bench.read(bench.meter.audit).transactions
    bench.usage()
    bench.read(bench.meter.admit, "a")
    assert bench.read(bench.meter.audit).transactions == before


def test_the_same_top_up_key_adds_once_and_with_another_amount_or_account_conflicts(bench: Bench) -> None:
    bench.account("pro")
    bench.account("pro", "b")
    for _ in range(2):
        bench.write(bench.meter.top_up, "a", 7, "k")
    assert bench.usage().topup_limit_nanos == 7
    for account_id, amount in (("a", 8), ("b", 7)):
        with pytest.raises(Conflict):
            bench.write(bench.meter.top_up, account_id, amount, "k")
    with pytest.raises(InvalidRequest):
        bench.write(bench.meter.top_up, "a", 0, "zero")


def test_an_account_holds_no_more_than_its_columns_can_count(bench: Bench) -> None:
    bench.account("pro")
    with pytest.raises(InvalidRequest, match="at most"):
        bench.write(bench.meter.top_up, "a", 10**18 + 1, "k")
    assert bench.usage().topup_limit_nanos == 0


def test_what_no_credit_covers_is_owed_and_paid_first_by_the_next_grant(bench: Bench) -> None:
    bench.account_with(10)
    bench.spend(15, "llm:more")
    usage = bench.usage()
    assert (usage.balance_nanos, usage.topup_balance_nanos, usage.is_limit_exceeded) == (-5, -5, True)
    assert not bench.is_admitted()
    bench.write(bench.meter.top_up, "a", 5, "k1")
    assert bench.usage().balance_nanos == 0
    assert not bench.is_admitted()
    bench.write(bench.meter.top_up, "a", 1, "k2")
    assert bench.usage().balance_nanos == 1
    assert bench.is_admitted()
    assert bench.broken() == []


def test_next_months_plan_credit_pays_what_is_owed_whether_or_not_it_is_booked_yet(bench: Bench) -> None:
    bench.account("pro")
    bench.spend(7 * _DOLLAR)
    _go_to(bench, datetime(2026, 4, 1, tzinfo=UTC))
    unbooked = bench.usage()
    assert (unbooked.subscription_balance_nanos, unbooked.topup_balance_nanos) == (3 * _DOLLAR, 0)
    bench.spend(0, "llm:nothing")
    assert bench.usage() == unbooked
    assert bench.usage(_MARCH).balance_nanos == -2 * _DOLLAR


def test_a_refusal_says_how_much_there_was_and_when_more_comes(bench: Bench) -> None:
    bench.account("pro")
    bench.spend(6 * _DOLLAR)
    with pytest.raises(PaymentRequired) as refusal:
        bench.read(bench.meter.admit, "a")
    assert refusal.value.detail == {
        "reason": "usage_limit_exceeded",
        "limit": 5.0,
        "balance": -1.0,
        "resets_at": "2026-04-01T00:00:00+00:00",
        "docs": "/docs#/usage/get_usage",
    }


def test_without_monthly_credit_a_refusal_names_no_reset(bench: Bench) -> None:
    bench.account_with(0)
    with pytest.raises(PaymentRequired) as refusal:
        bench.read(bench.meter.admit, "a")
    assert isinstance(refusal.value.detail, dict)
    assert refusal.value.detail["resets_at"] is None


def test_a_month_before_the_account_is_all_zeros_and_a_future_one_has_only_the_top_ups(bench: Bench) -> None:
    bench.account("pro")
    bench.write(bench.meter.top_up, "a", 3, "k")
    past, future = bench.usage(Month(2025, 1)), bench.usage(_MAY)
    assert {past.balance_nanos, past.topup_limit_nanos, past.total_nanos, past.is_limit_exceeded} == {0}
    assert (future.subscription_limit_nanos, future.subscription_balance_nanos) == (0, 0)
    assert (future.topup_limit_nanos, future.topup_balance_nanos, future.is_limit_exceeded) == (3, 3, False)
    assert bench.usage(Month(9999, 12)).balance_nanos == 3


def test_a_late_event_of_an_open_month_counts_in_it_and_of_a_sealed_one_is_a_correction(bench: Bench) -> None:
    bench.account("pro")
    _go_to(bench, datetime(2026, 4, 1, 0, 59, tzinfo=UTC))
    late = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)

    def call(id: str) -> ModelCall:
        return ModelCall(id, "a", "m", (("input", 5),), 100, "p", late)

    assert bench.write(bench.meter.charge_model_call, call("1"))
    assert (bench.usage(_MARCH).llm_nanos, bench.usage(_APRIL).llm_nanos) == (100, 0)
    bench.clock.advance(60)
    sealed = bench.usage(_MARCH)
    assert bench.write(bench.meter.charge_model_call, call("2"))
    assert bench.usage(_MARCH) == sealed
    assert bench.usage(_APRIL).llm_nanos == 100
    assert not bench.write(bench.meter.charge_model_call, call("2"))
    assert bench.broken() == []


def test_a_wall_clock_that_goes_back_opens_no_sealed_month(bench: Bench) -> None:
    bench.account("pro")
    _go_to(bench, datetime(2026, 4, 1, 2, tzinfo=UTC))
    bench.spend(10, "llm:april")
    march = bench.usage(_MARCH)
    bench.clock.jump(-3 * 3600)
    assert bench.usage().month == _APRIL
    bench.spend(20, "llm:back")
    assert bench.usage(_MARCH) == march
    assert bench.usage(_APRIL).llm_nanos == 30
    assert bench.broken() == []


def test_the_same_key_with_other_content_raises_and_changes_nothing(bench: Bench) -> None:
    bench.account()
    bench.spend(5, "llm:1")
    with pytest.raises(KeyReused, match="llm:1 was booked before with another cost_nanos"):
        bench.spend(6, "llm:1")
    assert bench.usage().total_nanos == 5
