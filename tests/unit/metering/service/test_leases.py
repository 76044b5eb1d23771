"""Leases: prepaid minutes, proxy checkpoints, exhaustion, clocks, crashes."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, event, text

from noctule.kit.errors import NotFound, PaymentRequired
from noctule.metering.service import LeaseOpening, Month
from noctule.metering.service.leases import Doubtful
from tests.unit.metering.conftest import MINUTE_NANOS, Bench

T = TypeVar("T")


def test_minute_0_is_paid_when_the_lease_opens_and_time_runs_from_begin(bench: Bench) -> None:
    bench.account()
    bench.write(bench.meter.open_lease, LeaseOpening("s", "a", session_id="s"))
    assert bench.keys() == ["browser:s:0"]
    bench.clock.advance(300)
    assert bench.meter.witnessed_seconds("s") == 0
    bench.meter.begin("s")
    bench.clock.advance(60)
    assert bench.meter.witnessed_seconds("s") == 60
    bench.tick()
    assert bench.keys() == ["browser:s:0"]
    bench.clock.advance(0.001)
    bench.tick()
    assert bench.keys() == ["browser:s:0", "browser:s:1"]
    assert bench.usage().session_count == 1


def test_close_pays_the_minutes_that_are_missing_and_the_last_bytes_once(bench: Bench) -> None:
    bench.account()
    bench.open()
    bench.clock.advance(150)
    closed = bench.close(proxied_bytes=500)
    assert (closed.witnessed_seconds, closed.minutes, closed.cost_nanos) == (150, 3, 2_500_000 + 5_000)
    assert bench.close(proxied_bytes=900) == closed
    assert bench.keys() == ["browser:s:0", "browser:s:1", "browser:s:2", "proxy:s:0"]
    assert bench.read(bench.meter.cost_of_session, "s") == closed.cost_nanos
    assert bench.broken() == []


def test_closing_what_was_never_opened_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFound):
        bench.close("nothing")


def test_frozen_time_is_what_is_billed_however_long_the_end_takes(bench: Bench) -> None:
    bench.account()
    bench.open()
    bench.clock.advance(59)
    bench.meter.freeze("s")
    bench.clock.advance(600)
    assert bench.tick().charges == 0
    bench.meter.freeze("s")
    assert (bench.close().minutes, bench.meter.witnessed_seconds("s")) == (1, 0)


def test_bytes_are_booked_every_ten_seconds_or_ten_megabytes(bench: Bench) -> None:
    bench.account()
    bench.open()
    bench.clock.advance(9)
    assert bench.tick(s=5_000).charges == 0
    bench.clock.advance(1)
    assert bench.tick(s=7_000).charges == 1
    bench.clock.advance(1)
    assert bench.tick(s=10_006_999).charges == 0
    assert bench.tick(s=10_007_000).charges == 1
    bench.clock.advance(20)
    assert bench.tick(s=10_007_000).charges == 0
    bench.close(proxied_bytes=10_007_001)
    assert bench.keys()[1:] == ["proxy:s:0", "proxy:s:7000", "proxy:s:10007000"]
    assert bench.usage().proxy_nanos == 100_070_010
    assert bench.broken() == []


def test_an_exhausted_session_stops_when_its_paid_minute_is_over(bench: Bench) -> None:
    bench.account_with(MINUTE_NANOS)
    bench.open()
    assert bench.usage().balance_nanos == 0
    bench.clock.advance(60)
    assert bench.tick().stops == ()
    bench.clock.advance(0.5)
    (stop,) = bench.tick().stops
    assert (stop.lease_id, stop.reason) == ("s", "The balance of this workspace is used up.")
    assert bench.close(at_paid_minute=True).minutes == 1
    assert bench.usage().balance_nanos == 0
    assert bench.broken() == []


def test_a_top_up_in_the_last_paid_minute_lets_the_session_go_on(bench: Bench) -> None:
    bench.account_with(MINUTE_NANOS)
    bench.open()
    bench.clock.advance(59)
    bench.write(bench.meter.top_up, "a", 10**9, "k")
    bench.clock.advance(2)
    outcome = bench.tick()
    assert (outcome.stops, outcome.charges) == ((), 1)


def test_of_several_sessions_on_the_last_minute_one_goes_on_and_the_others_stop(bench: Bench) -> None:
    bench.account_with(3 * MINUTE_NANOS + 1)
    for id in ("s1", "s2", "s3"):
        bench.open(id)
    bench.clock.advance(61)
    outcome = bench.tick()
    assert (len(outcome.stops), outcome.charges) == (2, 1)
    assert -MINUTE_NANOS <= bench.usage().balance_nanos <= 0


def test_without_credit_no_more_checkpoints_are_booked_and_ten_megabytes_stop_the_session(bench: Bench) -> None:
    bench.account_with(MINUTE_NANOS)
    bench.open()
    bench.clock.advance(30)
    outcome = bench.tick(s=9_999_999)
    assert (outcome.stops, outcome.charges) == ((), 0)
    assert [stop.lease_id for stop in bench.tick(s=10_000_000).stops] == ["s"]
    assert bench.close(proxied_bytes=10_000_000, at_paid_minute=True).minutes == 1
    assert bench.usage().balance_nanos == -100_000_000
    assert bench.broken() == []


def test_a_checkpoint_that_takes_the_last_credit_is_part_of_the_one_that_a_session_may_owe(bench: Bench) -> None:
    bench.account_with(MINUTE_NANOS + 1)
    bench.open()
    bench.clock.advance(10)
    assert bench.tick(s=4_000_000).charges == 1
    bench.clock.advance(1)
    assert bench.tick(s=9_999_999).stops == ()
    assert [stop.lease_id for stop in bench.tick(s=10_000_000).stops] == ["s"]
    bench.write(bench.meter.top_up, "a", 10**9, "k")
    outcome = bench.tick(s=10_000_000)
    assert (outcome.stops, outcome.charges) == ((), 1)
    assert bench.tick(s=10_000_001).charges == 0
    assert bench.broken() == []


def test_where_sessions_may_finish_they_are_charged_on_without_credit(bench: Bench) -> None:
    meter = bench.server("lenient", on_exhausted="finish")
    bench.account_with(MINUTE_NANOS)
    bench.open(meter=meter)
    bench.clock.advance(130)
    outcome = bench.tick(meter, s=10)
    assert (outcome.stops, outcome.charges) == ((), 3)
    assert bench.usage().balance_nanos == -MINUTE_NANOS * 2 - 1 - 100
    with pytest.raises(PaymentRequired):
        bench.open("s2", meter=meter)


@pytest.mark.parametrize("seconds", [86_400 * 40, -86_400 * 40, 3600, -3600])
def test_a_wall_clock_that_jumps_bills_nothing(bench: Bench, seconds: float) -> None:
    bench.account()
    bench.open()
    bench.clock.advance(30)
    bench.clock.jump(seconds)
    assert bench.tick().charges == 0
    bench.clock.advance(31)
    assert bench.tick().charges == 1
    assert bench.close().minutes == 2
    assert bench.broken() == []


def test_a_minute_belongs_to_the_month_in_which_it_began(bench: Bench) -> None:
    bench.account()
    bench.clock.advance((datetime(2026, 3, 31, 23, 58, 30, tzinfo=UTC) - bench.clock.now()).total_seconds())
    bench.open()
    bench.clock.advance(110)
    bench.close()
    march, april = bench.usage(Month(2026, 3)), bench.usage(Month(2026, 4))
    assert (march.session_count, march.browser_nanos) == (1, 2 * MINUTE_NANOS + 1)
    assert (april.session_count, april.browser_nanos) == (0, 0)
    assert bench.broken() == []


def test_a_tick_that_is_not_committed_is_done_again_once(bench: Bench) -> None:
    bench.account()
    bench.open()
    bench.clock.advance(61)
    with pytest.raises(ZeroDivisionError):
        bench.write(_undone, bench)
    bench.clock.advance(60)
    with pytest.raises(Doubtful):
        bench.tick()
    assert bench.keys() == ["browser:s:0"]
    assert bench.tick().charges == 2
    assert bench.close().minutes == 3
    assert bench.broken() == []


def _undone(connection: Connection, bench: Bench) -> None:
    bench.meter.tick_step({})(connection)
    raise ZeroDivisionError


def test_a_close_that_is_not_committed_can_be_done_again(bench: Bench) -> None:
    bench.account()
    bench.open()
    bench.clock.advance(61)

    def step(connection: Connection) -> None:
        bench.meter.close_lease(connection, "s", proxied_bytes=5)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.write(step)
    bench.clock.advance(600)
    assert bench.close(proxied_bytes=5).minutes == 2
    assert bench.broken() == []


def test_after_a_crash_leases_are_closed_as_they_were_last_seen_and_nothing_is_charged(bench: Bench) -> None:
    bench.account()
    bench.open()
    bench.clock.advance(65)
    bench.tick(s=100)
    cost = bench.usage().total_nanos
    bench.clock.advance(3)
    reborn = bench.server("one", "second boot")
    bench.clock.advance(4_000)
    assert bench.write(bench.meter.abandon) == ()
    assert bench.write(reborn.abandon) == ("s",)
    assert bench.write(reborn.abandon) == ()
    closed = bench.write(reborn.close_lease, "s", proxied_bytes=999_999)
    assert (closed.witnessed_seconds, closed.minutes, closed.cost_nanos) == (65, 2, cost)
    assert bench.usage().total_nanos == cost
    assert bench.broken() == []


def test_another_server_takes_over_only_leases_unseen_for_two_minutes(bench: Bench) -> None:
    bench.account()
    bench.open()
    other = bench.server("two")
    bench.clock.advance(119)
    assert bench.write(other.abandon) == ()
    bench.clock.advance(2)
    assert bench.write(other.abandon) == ("s",)
    with pytest.raises(Doubtful):
        bench.tick()
    (stop,) = bench.tick().stops
    assert stop.reason == "Another server took this lease over."
    assert bench.keys() == ["browser:s:0"]
    assert bench.broken() == []


def test_a_live_server_keeps_its_leases_seen(bench: Bench) -> None:
    bench.account()
    bench.open()
    other = bench.server("two")
    for _ in range(30):
        bench.clock.advance(10)
        bench.tick()
        assert bench.write(other.abandon) == ()


def _beside(step: Callable[[Connection], T], happens: Callable[[], None]) -> Callable[[Connection], T]:
    """``step``, with something else committed before and after each of its statements about leases."""

    def interrupt(connection: Connection, cursor: Any, statement: str, *more: Any) -> None:
        if "meter_lease" in statement:
            happens()

    def beside(connection: Connection) -> T:
        names = ("before_cursor_execute", "after_cursor_execute")
        for name in names:
            event.listen(connection, name, interrupt)
        try:
            return step(connection)
        finally:
            for name in names:
                event.remove(connection, name, interrupt)

    return beside


def _opens_more(bench: Bench) -> tuple[list[str], Callable[[], None]]:
    opened: list[str] = []

    def open_one_more() -> None:
        bench.open(f"new {len(opened)}", "b")
        opened.append(f"new {len(opened)}")

    bench.account(id="b")
    return opened, open_one_more


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_lease_that_is_opened_during_recovery_is_not_taken_for_an_orphan(bench: Bench) -> None:
    bench.account()
    bench.open("orphan")
    bench.meter.forget("orphan")
    opened, open_one_more = _opens_more(bench)
    assert bench.write(_beside(bench.meter.abandon, open_one_more)) == ("orphan",)
    assert len(opened) >= 4
    bench.clock.advance(61)
    assert bench.tick().minutes == len(opened)
    assert bench.broken() == []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_lease_that_is_opened_while_others_are_read_anew_is_not_lost(bench: Bench) -> None:
    bench.account()
    bench.open("taken")
    bench.write(bench.server("one", "reboot").abandon)
    bench.clock.advance(10)
    with pytest.raises(Doubtful):
        bench.tick()
    opened, open_one_more = _opens_more(bench)
    outcome = bench.write(_beside(bench.meter.tick_step({}), open_one_more))
    assert [stop.lease_id for stop in outcome.stops] == ["taken"]
    assert len(opened) >= 2
    bench.meter.forget("taken")
    bench.clock.advance(61)
    assert bench.tick().minutes == len(opened)
    assert bench.broken() == []


def test_an_account_whose_books_are_broken_does_not_stop_the_others(bench: Bench) -> None:
    bench.account()
    bench.account(id="b")
    bench.open("s1", "a")
    bench.open("s2", "b")
    bench.write(_run, "UPDATE usage_event SET key = 'browser:s1:1' WHERE key = 'browser:s1:0'")
    bench.clock.advance(61)
    with pytest.raises(Exception, match=r"(?i)unique"):
        bench.tick()
    assert bench.tick().charges == 1
    assert bench.usage(id="b").browser_nanos == 2 * MINUTE_NANOS + 1
    bench.clock.advance(60)
    assert bench.tick().charges == 1


def _run(connection: Connection, sql: str) -> None:
    connection.execute(text(sql))


def test_function_runs_are_metered_like_sessions_and_counted_apart(bench: Bench) -> None:
    bench.account()
    bench.write(bench.meter.open_lease, LeaseOpening("r", "a", meter="function", function_run_id="r"))
    bench.meter.begin("r")
    bench.clock.advance(61)
    assert bench.tick().charges == 1
    assert bench.close("r").minutes == 2
    usage = bench.usage()
    assert (usage.session_count, usage.function_count, usage.function_nanos) == (0, 1, 2 * MINUTE_NANOS + 1)
    assert bench.keys() == ["function:r:0", "function:r:1"]
    assert bench.broken() == []


def test_a_refused_opening_leaves_nothing_behind(bench: Bench) -> None:
    bench.account_with(0)
    with pytest.raises(PaymentRequired):
        bench.open()
    with pytest.raises(NotFound):
        bench.close()
    assert bench.usage().session_count == 0
