"""Caps on what a run may spend."""

import asyncio

import pytest

from noctule.llm.budget import Budget
from noctule.llm.errors import CostCapReached
from noctule.llm.gateway import Limits
from tests.support.model_server import says
from tests.unit.llm.house import USED, USED_NANOS, House, question


def test_what_is_set_aside_counts_until_it_is_settled() -> None:
    budget = Budget(100)
    budget.set_aside(60)
    with pytest.raises(CostCapReached, match=r"could cost \$0.000000041, and \$0.00000004 of this run's \$0.0000001"):
        budget.set_aside(41)
    budget.settle(60, 10)
    budget.set_aside(90)
    budget.settle(90, 90)
    assert budget.spent_nanos == 100
    budget.set_aside(0)


def test_without_a_cap_everything_is_counted_and_nothing_refused() -> None:
    budget = Budget()
    budget.set_aside(10**15)
    budget.settle(10**15, 7)
    assert budget.spent_nanos == 7


def test_a_run_stops_before_it_could_cost_more_than_its_cap(lone: House) -> None:
    budget = Budget(2_000_000)

    async def story() -> None:
        async with lone.gateway() as gateway:
            await gateway.complete(question(budget=budget, max_output_tokens=150))
            with pytest.raises(CostCapReached, match=r"left"):
                await gateway.complete(question("x" * 600, budget=budget, max_output_tokens=150))

    lone.model.then(says("Yes.", usage=USED))
    asyncio.run(story())
    assert budget.spent_nanos == USED_NANOS
    assert len(lone.model.asked) == 1


def test_one_call_has_a_cap_of_its_own(lone: House) -> None:
    with pytest.raises(CostCapReached):
        lone.ask(question(), Limits(max_cost_per_call_nanos=1_000_000))
    with pytest.raises(CostCapReached):
        lone.ask(question(max_cost_nanos=1_000_000))
    assert lone.ask(question(max_output_tokens=50), Limits(max_cost_per_call_nanos=1_000_000)).text == "Hello"


def test_the_cap_counts_what_was_really_used(lone: House) -> None:
    # The provider ignores the limit that it was given; the next call sees what that cost.
    budget = Budget(1_000_000)
    lone.model.then(says("Much.", usage={"prompt_tokens": 10, "completion_tokens": 400, "total_tokens": 410}))
    lone.ask(question(budget=budget, max_output_tokens=10))
    assert budget.spent_nanos == 4_010_000
    with pytest.raises(CostCapReached, match=r"\$0.00 of this run's"):
        lone.ask(question(budget=budget, max_output_tokens=10))
