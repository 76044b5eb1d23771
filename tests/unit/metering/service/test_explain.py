"""One session's bill, line by line."""

import pytest

from noctule.kit.errors import NotFound
from noctule.metering.service import ModelCall
from tests.unit.metering.conftest import MINUTE_NANOS, Bench


def test_each_event_is_told_with_its_price_and_the_credit_that_paid_for_it(bench: Bench) -> None:
    bench.account_with(MINUTE_NANOS + 1)
    bench.open()
    bench.clock.advance(61)
    bench.tick()
    call = ModelCall("c", "a", "m", (("input", 1),), 70, "some-price", bench.clock.now(), session_id="s")
    bench.write(bench.meter.charge_model_call, call)
    bill = bench.read(bench.meter.explain, "a", "s")
    told = [
        (line.event.key, line.event.price_id, [(part.source, part.amount_nanos) for part in line.payments])
        for line in bill.lines
    ]
    free = "grant:once:a:free"
    assert told == [
        ("browser:s:0", "browser-2025", [(free, MINUTE_NANOS)]),
        ("browser:s:1", "browser-2025", [(free, 1), ("overage", MINUTE_NANOS)]),
        ("llm:c", "some-price", [("overage", 70)]),
    ]
    assert (bill.is_open, bill.total_nanos) == (True, 2 * MINUTE_NANOS + 1 + 70)
    assert bench.read(bench.meter.cost_of_session, "s") == bill.total_nanos


def test_sessions_of_others_and_sessions_never_billed_are_not_found(bench: Bench) -> None:
    bench.account()
    bench.account(id="b")
    bench.open()
    bench.open("s1")
    assert [line.event.key for line in bench.read(bench.meter.explain, None, "s").lines] == ["browser:s:0"]
    for account_id, session_id in (("b", "s"), ("a", "s2"), (None, "")):
        with pytest.raises(NotFound):
            bench.read(bench.meter.explain, account_id, session_id)
