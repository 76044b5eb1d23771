"""The books of calls: before, after, twice, never."""

import asyncio
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noctule.kit.errors import PaymentRequired
from noctule.llm import store
from noctule.llm.calls import Calls, findings
from noctule.llm.prices import PriceEntry, PriceList
from noctule.llm.protocol import Payer
from noctule.llm.routing import Route
from noctule.llm.store import CallStatus, ModelUse, SentCall, StoredCall
from noctule.llm.tokens import Tokens
from tests.unit.llm.house import OWN_ADDRESS, PAYER, House

ENTRY = PriceEntry("p", (("input_mtok", Decimal(1)), ("output_mtok", Decimal("0.3333"))))
ROUTE = Route(OWN_ADDRESS, "http://127.0.0.1/v1", "m", "k")
OWN_KEY = Route(OWN_ADDRESS, "http://127.0.0.1/v1", "m", "k", is_byok=True)


def _use(tokens: Tokens, entry: PriceEntry = ENTRY) -> ModelUse:
    return ModelUse(tokens, False, "m-2026", entry, entry.cost_nanos(tokens))


def _begin(calls: Calls, payer: Payer = PAYER, route: Route = ROUTE) -> SentCall:
    return asyncio.run(calls.begin(payer, "extract", route))


def _found(house: House, call: SentCall) -> StoredCall:
    (found,) = (each for each in house.read(store.of_workspace, call.payer.workspace_id, 100) if each.id == call.id)
    return found


def test_a_call_is_in_the_books_before_it_leaves(house: House) -> None:
    call = _begin(house.calls())
    found = _found(house, call)
    assert (found.status, found.purpose, found.model, found.cost_nanos) == (CallStatus.SENT, "extract", "m", 0)
    assert found.sent_at == house.clock.now()
    assert house.events() == []


def test_a_finished_call_is_charged_with_its_price_beside_it(house: House) -> None:
    calls = house.calls()
    call = _begin(calls)
    house.clock.advance(3)
    use = _use(Tokens(input=1_000, output=10, reasoning=5))
    asyncio.run(calls.finish(call, use))
    found = _found(house, call)
    assert (found.status, found.tokens, found.cost_nanos) == (
        CallStatus.DONE,
        use.tokens,
        1_005_000,
    )
    assert found.finished_at == house.clock.now()
    assert found.price is not None
    assert PriceEntry.from_text(found.price) == ENTRY
    assert house.events() == [(f"llm:{call.id}", 1_015, use.cost_nanos, "p")]
    assert house.broken() == []


@pytest.mark.parametrize("times", [2, 5])
def test_a_reply_that_is_delivered_again_is_charged_once(house: House, times: int) -> None:
    calls = house.calls()
    call = _begin(calls)
    answers = [house.write(calls.finish_step(call, _use(Tokens(input=7 + n)))) for n in range(times)]
    assert answers == [True] + [False] * (times - 1)
    assert [event[1] for event in house.events()] == [7]
    assert house.broken() == []


def test_a_charge_that_fails_leaves_the_call_open(house: House) -> None:
    calls = house.calls()
    call = SentCall("c", Payer("nobody"), "extract", "custom", "m", False, house.clock.now(), "one", "boot")
    house.write(store.add, call)
    with pytest.raises(Exception, match="no account"):
        asyncio.run(calls.finish(call, _use(Tokens(input=7))))
    assert _found(house, call).status is CallStatus.SENT


def test_a_failed_call_costs_nothing_and_stays_failed(house: House) -> None:
    calls = house.calls()
    call = _begin(calls)
    asyncio.run(calls.fail(call, "timeout"))
    assert (_found(house, call).status, _found(house, call).error) == (CallStatus.FAILED, "timeout")
    assert house.write(calls.finish_step(call, _use(Tokens(input=7)))) is False
    assert house.events() == []


def test_what_a_killed_server_left_out_becomes_unknown_and_costs_nothing(house: House) -> None:
    first, second = house.calls("boot-1"), house.calls("boot-2")
    done, out = _begin(first), _begin(first)
    asyncio.run(first.finish(done, _use(Tokens(input=7))))
    mine = _begin(second)
    assert asyncio.run(second.recover()) == 1
    assert asyncio.run(second.recover()) == 0
    assert [_found(house, each).status.value for each in (done, out, mine)] == ["done", "unknown", "sent"]
    assert [call.id for call in house.read(store.unknown)] == [out.id]
    assert len(house.events()) == 1
    assert house.read(lambda connection: list(findings(connection))) == [
        ("model-calls", f"llm:{out.id} to custom/m was out when its server ended")
    ]


def test_another_servers_calls_are_left_alone_until_nobody_can_wait_for_them(house: House) -> None:
    other = Calls(house.database, house.clock, house.calls()._charging, instance_id="two", boot_id="x")
    call = _begin(other)
    assert asyncio.run(house.calls().recover()) == 0
    house.clock.advance(31 * 60)
    assert asyncio.run(house.calls().recover()) == 1
    assert _found(house, call).status is CallStatus.UNKNOWN


def test_a_reply_that_comes_after_all_is_charged(house: House) -> None:
    calls = house.calls()
    call = _begin(calls)
    house.clock.advance(31 * 60)
    asyncio.run(calls.recover())
    assert house.write(calls.finish_step(call, _use(Tokens(input=7)))) is True
    assert _found(house, call).status is CallStatus.DONE
    assert len(house.events()) == 1


def test_without_credit_only_a_key_of_ones_own_is_let_out(house: House) -> None:
    house.write(house.metering.open_account, "b", "prepaid")
    calls, poor = house.calls(), Payer("b")
    with pytest.raises(PaymentRequired):
        _begin(calls, poor)
    call = _begin(calls, poor, OWN_KEY)
    asyncio.run(calls.finish(call, _use(Tokens(input=7), PriceList().byok())))
    assert house.events() == [(f"llm:{call.id}", 7, 0, "byok")]
    assert house.read(store.of_workspace, "b", 10)[0].is_byok


def test_calls_without_a_price_are_listed_by_model(house: House) -> None:
    calls = house.calls()
    unpriced = PriceList().entry(OWN_ADDRESS, "http://127.0.0.1/v1", "m", house.clock.now())
    for _ in range(2):
        asyncio.run(calls.finish(_begin(calls), _use(Tokens(input=7), unpriced)))
    assert house.read(store.unpriced_models) == {"custom/m": 2}


def test_the_audit_finds_a_cost_that_its_price_does_not_make(house: House) -> None:
    calls = house.calls()
    call = _begin(calls)
    wrong = ModelUse(Tokens(input=1_000), False, "m", ENTRY, 5)
    asyncio.run(calls.finish(call, wrong))
    found = house.read(lambda connection: list(findings(connection)))
    assert found == [("model-prices", f"llm:{call.id} cost 5 nanos, its price makes another sum")]


deliveries = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 10**7), st.integers(0, 10**6)), max_size=20)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries)
def test_however_often_and_in_whatever_order_replies_are_delivered_each_call_is_charged_once(
    lone: House, delivered: list[tuple[int, int, int]]
) -> None:
    calls = lone.calls()
    before = lone.spent_nanos()
    out = [_begin(calls) for _ in range(5)]
    first: dict[int, int] = {}
    for number, read, said in delivered:
        use = _use(Tokens(input=read, output=said))
        first.setdefault(number, use.cost_nanos)
        lone.write(calls.finish_step(out[number], use))
    assert lone.spent_nanos() - before == sum(first.values())
    done = {call.id for call in lone.read(store.done)}
    assert {number for number, call in enumerate(out) if call.id in done} == set(first)
    assert lone.broken() == []
