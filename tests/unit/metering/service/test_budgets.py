"""Budgets: what counts, what they announce, what they refuse and what they end."""

from datetime import UTC, datetime
from typing import Any

import pytest

from noctule.kit.errors import Conflict, InvalidRequest, NotFound, PaymentRequired
from noctule.metering.service import (
    Budget,
    BudgetAction,
    BudgetPeriod,
    BudgetScope,
    LeaseOpening,
    Meter,
    Metering,
    UsageEvent,
)
from tests.support.outbox import KeptOutbox
from tests.unit.metering.conftest import MINUTE_NANOS, Bench

_CENT = 10**7


def _add(bench: Bench, name: str = "b", account_id: str = "a", **terms: Any) -> Budget:
    wanted: dict[str, Any] = {
        "scope": BudgetScope.WORKSPACE,
        "period": BudgetPeriod.MONTH,
        "limit_nanos": _CENT,
        "action": BudgetAction.STOP,
    }
    return bench.write(bench.meter.add_budget, account_id, name=name, **(wanted | terms))


def _open(bench: Bench, id: str, *, key: str = "k", tags: tuple[str, ...] = (), max_cost: int | None = None) -> None:
    opening = LeaseOpening(id, "a", key, session_id=id, tags=tags, max_cost_nanos=max_cost)
    bench.write(bench.meter.open_lease, opening)
    bench.meter.begin(id)


def _spent(bench: Bench, account_id: str = "a") -> dict[str, int]:
    return {each.budget.name: each.spent_nanos for each in bench.read(bench.meter.budgets, account_id)}


def _call(bench: Bench, nanos: int, key: str, *, api_key: str | None = None, agent: str | None = None) -> None:
    now = bench.clock.now()
    event = UsageEvent(f"llm:{key}", "a", Meter.LLM, now, 0, 1, "token", "p", nanos, None, agent, None, api_key)
    bench.write(bench.meter.deliver, [event])


def test_each_scope_counts_its_own(bench: Bench) -> None:
    bench.account()
    _add(bench, "all")
    _add(bench, "key", scope=BudgetScope.KEY, subject="k1")
    _add(bench, "tag", scope=BudgetScope.TAG, subject="x")
    _add(bench, "agent", scope=BudgetScope.AGENT, subject="agent-1")
    _add(bench, "session", scope=BudgetScope.SESSION, subject="s2")
    _open(bench, "s1", key="k1", tags=("x", "y"))
    _open(bench, "s2", key="k2", tags=("xx",))
    _call(bench, 7, "c", api_key="k1", agent="agent-1")
    assert _spent(bench) == {
        "all": 2 * MINUTE_NANOS + 7,
        "key": MINUTE_NANOS + 7,
        "tag": MINUTE_NANOS,
        "agent": 7,
        "session": MINUTE_NANOS,
    }
    assert bench.broken() == []


def test_a_budget_that_comes_late_counts_what_was_used_before(bench: Bench) -> None:
    bench.account()
    _call(bench, 5, "march")
    bench.clock.advance(31 * 86_400)
    _call(bench, 7, "april", api_key="k1")
    _add(bench, "month")
    _add(bench, "total", period=BudgetPeriod.TOTAL)
    _add(bench, "key", period=BudgetPeriod.TOTAL, scope=BudgetScope.KEY, subject="k1")
    assert _spent(bench) == {"month": 7, "total": 12, "key": 7}
    _call(bench, 1, "more")
    assert _spent(bench) == {"month": 8, "total": 13, "key": 7}
    assert bench.broken() == []


def test_a_monthly_budget_begins_anew_and_a_total_one_does_not(bench: Bench) -> None:
    bench.account()
    _add(bench, "month", limit_nanos=5)
    _add(bench, "total", period=BudgetPeriod.TOTAL, limit_nanos=5, scope=BudgetScope.KEY, subject="k")
    _call(bench, 5, "c", api_key="k")
    with pytest.raises(PaymentRequired, match="'month'"):
        bench.read(bench.meter.admit, "a", api_key_id="other")
    bench.clock.advance((datetime(2026, 4, 1, tzinfo=UTC) - bench.clock.now()).total_seconds())
    bench.read(bench.meter.admit, "a", api_key_id="other")
    with pytest.raises(PaymentRequired, match="'total'"):
        bench.read(bench.meter.admit, "a", api_key_id="k")
    assert _spent(bench) == {"month": 0, "total": 5}


def test_a_refusal_names_the_budget_and_when_it_begins_anew(bench: Bench) -> None:
    bench.account()
    made = _add(bench, "night runs", scope=BudgetScope.TAG, subject="night", limit_nanos=MINUTE_NANOS)
    _open(bench, "s", tags=("night",))
    with pytest.raises(PaymentRequired) as refused:
        bench.read(bench.meter.admit, "a", tags=("day", "night"))
    assert "'night runs'" in refused.value.message
    assert "$0.000833333 a month" in refused.value.message
    assert refused.value.detail == {
        "reason": "budget_exceeded",
        "budget": {"id": made.id, "name": "night runs", "scope": "tag"},
        "limit": MINUTE_NANOS / 1e9,
        "balance": 0.0,
        "resets_at": "2026-04-01T00:00:00+00:00",
        "docs": "/docs#/usage/get_usage",
    }
    bench.read(bench.meter.admit, "a", tags=("day",))
    with pytest.raises(PaymentRequired):
        _open(bench, "t", tags=("night",))
    assert _spent(bench) == {"night runs": MINUTE_NANOS}


def test_a_stop_ends_the_matching_leases_at_the_end_of_the_minute_that_is_paid(bench: Bench) -> None:
    bench.account()
    _add(bench, "two minutes", scope=BudgetScope.KEY, subject="k1", limit_nanos=2 * MINUTE_NANOS)
    _open(bench, "mine", key="k1")
    _open(bench, "other", key="k2")
    bench.clock.advance(60)
    assert bench.tick().stops == ()
    bench.clock.advance(0.5)
    assert bench.tick().stops == ()
    bench.clock.advance(59)
    assert bench.tick().stops == ()
    bench.clock.advance(1)
    (stop,) = bench.tick().stops
    assert (stop.lease_id, stop.cause) == ("mine", "budget")
    assert "'two minutes'" in stop.reason
    closed = bench.close("mine", at_paid_minute=True)
    assert closed.minutes == 2
    assert bench.close("other").minutes == 3
    assert bench.broken() == []


def test_a_warning_refuses_and_ends_nothing(bench: Bench) -> None:
    bench.account()
    _add(bench, limit_nanos=1, action=BudgetAction.WARN)
    _open(bench, "s")
    bench.clock.advance(61)
    outcome = bench.tick()
    assert (outcome.stops, outcome.minutes) == ((), 1)
    bench.read(bench.meter.admit, "a")


def test_a_reached_budget_lets_no_more_checkpoints_be_booked_until_the_lease_ends(bench: Bench) -> None:
    bench.account()
    _add(bench, limit_nanos=MINUTE_NANOS + 50)
    _open(bench, "s")
    bench.clock.advance(10.5)
    assert bench.tick(s=100).checkpoints == 1
    bench.clock.advance(10.5)
    assert bench.tick(s=5_000).checkpoints == 0
    (stop,) = bench.tick(s=10_000_100).stops
    assert stop.cause == "budget"
    bench.close(proxied_bytes=10_000_100, at_paid_minute=True)
    assert _spent(bench) == {"b": MINUTE_NANOS + 10 * 10_000_100}
    assert bench.broken() == []


def test_what_a_session_may_cost_ends_it_and_leaves_the_others_alone(bench: Bench) -> None:
    bench.account()
    _open(bench, "dear", max_cost=1)
    _open(bench, "free")
    bench.clock.advance(60.5)
    (stop,) = bench.tick().stops
    assert stop.lease_id == "dear"
    assert "$0.000000001" in stop.reason
    bench.close("dear", at_paid_minute=True)
    assert bench.read(bench.meter.budgets, "a") == []
    _open(bench, "next")
    assert bench.broken() == []


def test_the_budget_of_a_session_goes_with_its_server(bench: Bench) -> None:
    bench.account()
    _open(bench, "s", max_cost=5_000_000)
    assert len(bench.read(bench.meter.budgets, "a")) == 1
    assert bench.write(bench.server("one", "reboot").abandon) == ("s",)
    assert bench.read(bench.meter.budgets, "a") == []


def test_another_limit_or_action_holds_at_once(bench: Bench) -> None:
    bench.account()
    made = _add(bench, limit_nanos=10)
    _call(bench, 10, "c")
    with pytest.raises(PaymentRequired):
        bench.read(bench.meter.admit, "a")
    bench.write(bench.meter.change_budget, "a", made.id, limit_nanos=11)
    bench.read(bench.meter.admit, "a")
    bench.write(bench.meter.change_budget, "a", made.id, limit_nanos=5)
    with pytest.raises(PaymentRequired):
        bench.read(bench.meter.admit, "a")
    changed = bench.write(bench.meter.change_budget, "a", made.id, action=BudgetAction.WARN)
    assert (changed.limit_nanos, changed.action) == (5, BudgetAction.WARN)
    bench.read(bench.meter.admit, "a")


def test_a_budget_that_is_removed_holds_nothing_back(bench: Bench) -> None:
    bench.account()
    made = _add(bench, limit_nanos=1)
    _call(bench, 10, "c")
    assert bench.write(bench.meter.remove_budget, "a", made.id) == made
    bench.read(bench.meter.admit, "a")
    assert bench.read(bench.meter.budgets, "a") == []
    with pytest.raises(NotFound):
        bench.write(bench.meter.remove_budget, "a", made.id)
    _add(bench)


def test_budgets_that_make_no_sense_are_refused_and_nothing_changes(bench: Bench) -> None:
    bench.account()
    bench.account(id="other")
    made = _add(bench)
    with pytest.raises(Conflict):
        _add(bench)
    for terms in (
        {"limit_nanos": 0},
        {"limit_nanos": -1},
        {"subject": "x"},
        {"scope": BudgetScope.KEY},
        {"scope": BudgetScope.TAG, "subject": ""},
    ):
        with pytest.raises(InvalidRequest):
            _add(bench, "new", **terms)
    with pytest.raises(InvalidRequest):
        bench.write(bench.meter.change_budget, "a", made.id, limit_nanos=0)
    for account_id, budget_id in (("a", "unknown"), ("other", made.id), ("nobody", made.id)):
        with pytest.raises(NotFound):
            bench.write(bench.meter.change_budget, account_id, budget_id, limit_nanos=1)
        with pytest.raises(NotFound):
            bench.write(bench.meter.remove_budget, account_id, budget_id)
    assert [each.budget for each in bench.read(bench.meter.budgets, "a")] == [made]


def test_there_are_at_most_a_hundred_besides_those_of_sessions(bench: Bench) -> None:
    bench.account()
    for number in range(100):
        _add(bench, f"b{number}", limit_nanos=10**12)
    with pytest.raises(Conflict, match="100"):
        _add(bench, "one more")
    _open(bench, "s", max_cost=1)
    assert len(bench.read(bench.meter.budgets, "a")) == 101


def _announcing(bench: Bench) -> KeptOutbox:
    outbox = KeptOutbox()
    bench.meter = Metering(bench.clock, bench.book, instance_id="one", boot_id="boot", outbox=outbox)
    return outbox


def test_half_four_fifths_and_all_of_a_budget_are_announced_once(bench: Bench) -> None:
    outbox = _announcing(bench)
    bench.account()
    made = _add(bench, "b", limit_nanos=100, action=BudgetAction.WARN)
    for number in range(6):
        _call(bench, 30, str(number))
    said = outbox.of_type("usage.budget")
    assert [each.data["percent"] for each in said] == [50, 80, 100]
    assert [each.data["spent"] for each in said] == ["0.00000006", "0.00000009", "0.00000012"]
    assert said[0].data["budget"] == {
        "id": made.id,
        "name": "b",
        "scope": "workspace",
        "subject": None,
        "period": "month",
        "limit": "0.0000001",
        "action": "warn",
    }
    bench.clock.advance(31 * 86_400)
    _call(bench, 200, "april")
    assert [each.data["period"] for each in outbox.of_type("usage.budget")[3:]] == ["2026-04"] * 3


def test_another_limit_announces_its_own_shares(bench: Bench) -> None:
    outbox = _announcing(bench)
    bench.account()
    made = _add(bench, "b", limit_nanos=1_000, action=BudgetAction.WARN)
    _call(bench, 100, "c")
    assert outbox.of_type("usage.budget") == []
    bench.write(bench.meter.change_budget, "a", made.id, limit_nanos=120)
    bench.write(bench.meter.change_budget, "a", made.id, limit_nanos=120)
    assert [each.data["percent"] for each in outbox.of_type("usage.budget")] == [50, 80]
    _add(bench, "late", limit_nanos=100)
    assert [each.data["percent"] for each in outbox.of_type("usage.budget")[2:]] == [50, 80, 100]
