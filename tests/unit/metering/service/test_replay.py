"""The books posted anew: alike to the last nano, and every figure that was changed behind the meter's back is named."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Connection, text

from noctule.metering.book import PriceBook
from noctule.metering.service import (
    BudgetAction,
    BudgetPeriod,
    BudgetScope,
    Correction,
    Meter,
    ModelCall,
    Month,
    Usage,
    UsageEvent,
)
from noctule.metering.service.replay import Difference, Replay
from tests.unit.metering.conftest import Bench

DAY = 86_400


def _lived(bench: Bench) -> None:
    """Two months and a half of two accounts, with everything that can be booked."""
    bench.account("pro", "a")
    bench.account("free", "b")
    bench.write(bench.meter.top_up, "a", 3_000_000_000, "first")
    bench.write(
        bench.meter.add_budget,
        "a",
        name="all",
        scope=BudgetScope.WORKSPACE,
        period=BudgetPeriod.TOTAL,
        limit_nanos=10**12,
        action=BudgetAction.WARN,
    )
    april = Month.of(bench.clock.now()).next
    bench.write(bench.meter.grant, "a", 700_000_000, "welcome", expires_after=april)
    _session(bench, "s1", "a", seconds=200, proxied=12_000_000)
    _session(bench, "s2", "b", seconds=30, proxied=0)
    red = _call(bench, "c1", "a", 4_000_000_000, tags=("team:red",))
    bench.write(bench.meter.change_plan, "b", "growth")
    _session(bench, "s3", "b", seconds=61, proxied=5)
    bench.clock.advance(25 * DAY)
    # What is due at the month's start is booked by whoever comes first, and that is not a posting of its own.
    assert bench.write(bench.meter.deliver, [red]) == 0
    _call(bench, "c2", "a", 1_000_000, at=bench.clock.now() - timedelta(days=20))
    bench.write(bench.meter.correct, "a", Correction("oops", -500_000_000, "billed twice", Meter.LLM))
    bench.write(
        bench.meter.correct,
        "b",
        Correction("more", 70_000_000, "forgotten", Meter.BROWSER, session_id="s2"),
    )
    _session(bench, "s4", "a", seconds=3_000, proxied=80_000_000)
    bench.write(bench.meter.top_up, "b", 1_000_000_000, "second")
    (voided,) = [each for each in bench.read(bench.meter.grants, "b") if each.key == "grant:topup:second"]
    assert bench.write(bench.meter.void_grant, "b", voided.id) == 1_000_000_000
    bench.write(
        bench.meter.add_budget,
        "b",
        name="month",
        scope=BudgetScope.KEY,
        subject="key",
        period=BudgetPeriod.MONTH,
        limit_nanos=10**9,
        action=BudgetAction.STOP,
    )
    _session(bench, "s5", "b", seconds=90, proxied=0)
    bench.clock.advance(30 * DAY)
    _call(bench, "c3", "b", 30_000_000_000)
    _session(bench, "s6", "a", seconds=59, proxied=1)
    bench.write(bench.meter.seal_months)
    bench.open("open", "a")
    bench.clock.advance(61)
    bench.tick()


def _session(bench: Bench, id: str, account_id: str, *, seconds: float, proxied: int) -> None:
    bench.open(id, account_id)
    bench.clock.advance(seconds / 2)
    bench.write(bench.meter.tick_step({id: proxied // 2}))
    bench.clock.advance(seconds / 2)
    bench.close(id, proxied)


def _call(
    bench: Bench, id: str, account_id: str, nanos: int, *, at: datetime | None = None, tags: tuple[str, ...] = ()
) -> UsageEvent:
    finished_at = at or bench.clock.now()
    call = ModelCall(id, account_id, "some/model", (("input", 3),), nanos, "price", finished_at, tags=tags)
    assert bench.write(bench.meter.charge_model_call, call)
    return call.event()


def _replayed(bench: Bench, folder: Path, book: PriceBook | None = None) -> list[Difference]:
    folder.mkdir()
    replay = Replay(folder, book or PriceBook.built_in(), bench.clock.now())
    bench.read(replay.copy)
    assert replay.repost() == len(bench.keys())
    return list(replay.differences(_reply))


def _reply(usage: Usage) -> str:
    return repr(asdict(usage))


def test_books_posted_anew_are_the_same_books(bench: Bench, tmp_path: Path) -> None:
    _lived(bench)
    assert bench.broken() == []
    assert _replayed(bench, tmp_path / "replay") == []


def test_an_empty_database_replays_to_an_empty_one(bench: Bench, tmp_path: Path) -> None:
    assert _replayed(bench, tmp_path / "replay") == []


def test_a_server_at_work_does_not_disturb_it(bench: Bench, tmp_path: Path) -> None:
    _lived(bench)
    done = Event()

    def work() -> None:
        for number in itertools.count():
            if done.is_set():
                return
            bench.clock.advance(1)
            _call(bench, f"busy-{number}", "ab"[number % 2], 1_000, tags=(f"n:{number}",))

    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(work)
        try:
            for number in range(3):
                folder = tmp_path / str(number)
                folder.mkdir()
                replay = Replay(folder, PriceBook.built_in(), bench.clock.now())
                bench.read(replay.copy)
                replay.repost()
                assert list(replay.differences(_reply)) == []
        finally:
            done.set()
        busy.result(timeout=30)


@pytest.mark.parametrize(
    ("damage", "table", "column"),
    [
        (
            "UPDATE usage_month SET llm_nanos = llm_nanos + 1 WHERE month = '2026-04' AND account_id = 'a'",
            "usage_month",
            "llm_nanos",
        ),
        ("DELETE FROM usage_month WHERE month = '2026-03' AND account_id = 'b'", "usage_month", "browser_nanos"),
        ("UPDATE grant_balance SET remaining_nanos = 1 WHERE account = 'overage'", "grant_balance", "remaining_nanos"),
        ("UPDATE usage_day SET cost_nanos = 0 WHERE model = 'some/model'", "usage_day", "cost_nanos"),
        ("DELETE FROM usage_day WHERE session_id = 's1'", "usage_day", "row"),
        ("UPDATE budget_period SET spent_nanos = spent_nanos - 1", "budget_period", "spent_nanos"),
        ("UPDATE meter_account SET month_credit_nanos = 5", "meter_account", "month_credit_nanos"),
        ("UPDATE meter_account SET plan = 'pro' WHERE id = 'b'", "meter_account", "plan"),
        ("UPDATE meter_lease SET paid_minutes = 99 WHERE lease_id = 's4'", "meter_lease", "paid_minutes"),
        ("UPDATE meter_lease SET proxied_bytes = 1 WHERE lease_id = 's1'", "meter_lease", "proxied_bytes"),
        ("UPDATE ledger_entry SET amount_nanos = 1 WHERE account = 'expired'", "ledger_entry", "amount_nanos"),
        ("DELETE FROM ledger_entry WHERE account = 'issued'", "ledger_entry", "amount_nanos"),
        ("DELETE FROM ledger_transaction WHERE key = 'grant:plan:a:2026-04'", "ledger_transaction", "row"),
        (
            "UPDATE ledger_transaction SET account_id = 'b' WHERE key = 'grant:plan:a:2026-04'",
            "ledger_transaction",
            "account_id",
        ),
        ("DELETE FROM credit_grant WHERE key = 'grant:plan:a:2026-04'", "credit_grant", "row"),
        ("UPDATE credit_grant SET expires_at = NULL WHERE key = 'grant:plan:b:2026-04'", "credit_grant", "expires_at"),
        (
            "UPDATE usage_event SET occurred_at = occurred_at + 1, origin_at = NULL WHERE key = 'llm:c3'",
            "usage_day",
            "",
        ),
        ("UPDATE month_seal SET digest = 'x' WHERE account_id = 'a'", "month_seal", "digest"),
        ("UPDATE usage_month SET topup_granted_nanos = 7 WHERE account_id = 'a'", "GET /usage", "reply"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_every_figure_that_was_changed_is_named(
    bench: Bench, tmp_path: Path, damage: str, table: str, column: str
) -> None:
    _lived(bench)

    def step(connection: Connection) -> int:
        return connection.execute(text(damage)).rowcount

    assert bench.write(step) > 0
    found = _replayed(bench, tmp_path / "replay")
    if column:
        assert (table, column) in {(each.table, each.column) for each in found}
        assert all(each.live != each.replayed for each in found)
