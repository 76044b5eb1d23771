"""The facts behind a forecast come from the books: days, credit, leases; on both databases."""

from datetime import timedelta

import pytest

from noctule.kit.errors import NotFound
from noctule.metering.book import PriceBook
from noctule.metering.domain.forecast import Change, Forecast, Outlook
from noctule.metering.service import Correction, LeaseOpening, Meter, ModelCall, Month
from noctule.metering.service.forecast import IdleEnds, forecast
from tests.unit.metering.conftest import MINUTE_NANOS, Bench

DAY = 86_400
NOON = 12 * 3_600


def look(bench: Bench, idle_ends: IdleEnds = ()) -> Forecast:
    usage = bench.usage()
    return bench.read(forecast, "a", usage, PriceBook.built_in(), bench.clock.now(), idle_ends)


def call(bench: Bench, id: str, nanos: int) -> None:
    made = ModelCall(id, "a", "some/model", (("input", 3),), nanos, "price", bench.clock.now())
    assert bench.write(bench.meter.charge_model_call, made)


def test_a_steady_week_is_told_from_the_books(bench: Bench) -> None:
    bench.account("free")
    for day in range(10):
        call(bench, f"c{day}", 100_000_000)
        bench.clock.advance(DAY)
    found = look(bench)
    # Ten days ago at noon the first, today none yet.
    assert (found.whole_days, found.balance_nanos, found.outlook) == (7, 4_000_000_000, Outlook.ENDS)
    assert found.pace is not None
    assert (found.pace.cost_nanos, found.pace.span) == (700_000_000, timedelta(days=7.5))
    assert found.left is not None
    assert abs(found.left - timedelta(days=7.5) * 4_000 / 700) < timedelta(microseconds=5)
    assert found.spent_nanos == bench.usage().total_nanos == 1_000_000_000


def test_a_new_account_and_one_without_use_are_told_nothing_that_nobody_knows(bench: Bench) -> None:
    bench.account("pro")
    call(bench, "c", 5)
    assert look(bench).outlook is Outlook.TOO_LITTLE_DATA
    bench.clock.advance(9 * DAY)
    assert look(bench).outlook is Outlook.NOTHING_USED
    with pytest.raises(NotFound):
        bench.read(forecast, "nobody", bench.usage(), PriceBook.built_in(), bench.clock.now())


def test_credit_is_what_the_next_posting_will_find(bench: Bench) -> None:
    bench.account("pro")
    bench.write(bench.meter.top_up, "a", 1_000_000_000, "mine")
    april = Month.of(bench.clock.now()).next
    bench.write(bench.meter.grant, "a", 300_000_000, "gift", expires_after=april)
    call(bench, "c", 2_000_000_000)
    assert look(bench).balance_nanos == bench.usage().balance_nanos == 4_300_000_000
    bench.clock.advance(30 * DAY)
    # Nothing was booked in April: what is left of March's plan credit is gone, April's is there.
    assert look(bench).balance_nanos == bench.usage().balance_nanos == 6_300_000_000
    bench.clock.advance(30 * DAY)
    assert look(bench).balance_nanos == bench.usage().balance_nanos == 6_000_000_000
    assert look(bench).coming_nanos == 5_000_000_000


def test_a_debt_is_counted_until_the_next_credit_pays_it(bench: Bench) -> None:
    bench.account("pro")
    call(bench, "c", 7_000_000_000)
    bench.clock.advance(2 * DAY)
    assert (look(bench).outlook, look(bench).balance_nanos) == (Outlook.USED_UP, -2_000_000_000)
    bench.clock.advance(25 * DAY)
    assert look(bench).balance_nanos == bench.usage().balance_nanos == 3_000_000_000


def test_corrections_do_not_change_the_pace(bench: Bench) -> None:
    bench.account("pro")
    bench.clock.advance(3 * DAY)
    call(bench, "c", 800_000_000)
    before = look(bench)
    bench.write(bench.meter.correct, "a", Correction("back", -500_000_000, "billed twice", Meter.LLM))
    after = look(bench)
    assert after.pace == before.pace
    assert after.balance_nanos == before.balance_nanos + 500_000_000


def test_savings_are_facts_of_proxies_time_outs_and_last_minutes(bench: Bench) -> None:
    bench.account("pro")
    bench.clock.advance(2.5 * DAY)
    bench.open("short")
    bench.clock.advance(6)
    bench.close("short", proxied_bytes=1_000_000)
    bench.open("long")
    bench.clock.advance(90)
    bench.close("long")
    bench.write(
        bench.meter.open_lease,
        LeaseOpening("run", "a", meter="function", function_run_id="run"),
    )
    bench.open("open")
    found = {saving.change: saving.a_day_nanos for saving in look(bench, [(3, 2), (1, 9)]).savings}
    span = look(bench).pace
    assert span is not None

    def a_day(nanos: int) -> int:
        return nanos * 86_400_000_000 // (span.span // timedelta(microseconds=1))

    assert found == {
        Change.PROXIES_OFF: a_day(10_000_000),
        # Two sessions waited three minutes where one would do.
        Change.IDLE_TIMEOUT: a_day(4 * MINUTE_NANOS + 1),
        # 54 seconds of one session's only minute, 30 of the other's second.
        Change.FEWER_SESSIONS: a_day(50_000_000 * 84 // 3_600),
    }


def test_another_accounts_use_does_not_matter(bench: Bench) -> None:
    bench.account("pro")
    bench.account("admin", "b")
    bench.clock.advance(3 * DAY)
    bench.open("theirs", "b")
    bench.clock.advance(30)
    bench.close("theirs", proxied_bytes=10**6)
    found = look(bench)
    assert (found.outlook, found.savings) == (Outlook.NOTHING_USED, ())
