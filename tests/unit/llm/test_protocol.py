"""What every model promises, held against the fake one and the real one alike."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from noctule.kit.errors import InvalidRequest
from noctule.llm.budget import Budget
from noctule.llm.errors import CostCapReached, ModelError, NoModel, WrongAnswer
from noctule.llm.protocol import Llm, Message, ModelInfo, Role
from tests.support.llm import FakeLlm
from tests.support.model_server import says
from tests.unit.llm.house import USED, USED_NANOS, House, question

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@dataclass
class Bench:
    """A model, how to script what it says, and what it was told in each call."""

    llm: Llm
    then: Callable[..., None]
    told: Callable[[], list[list[tuple[str, str]]]]


@asynccontextmanager
async def _fake(house: House, has_model: bool) -> AsyncIterator[Bench]:
    llm = FakeLlm()
    llm.cost_nanos = USED_NANOS
    llm.model = "fake/model" if has_model else None

    def told() -> list[list[tuple[str, str]]]:
        return [[(each.role.value, _text(each)) for each in messages] for messages in llm.conversations]

    yield Bench(llm, llm.then, told)


@asynccontextmanager
async def _real(house: House, has_model: bool) -> AsyncIterator[Bench]:
    def then(*answers: Any) -> None:
        texts = (answer if isinstance(answer, str) else json.dumps(answer) for answer in answers)
        house.model.then(*(says(text, usage=USED) for text in texts))

    def told() -> list[list[tuple[str, str]]]:
        return [[(each["role"], each["content"]) for each in asked.body["messages"]] for asked in house.model.asked]

    async with house.gateway(is_configured=has_model) as gateway:
        yield Bench(gateway, then, told)


def _text(message: Message) -> str:
    return "".join(part for part in message.parts if isinstance(part, str))


@pytest.fixture(params=[_fake, _real], ids=["fake", "real"])
def bench(request: pytest.FixtureRequest, lone: House) -> Callable[..., Any]:
    """Opens a model of one kind."""
    return lambda has_model=True: request.param(lone, has_model)


def test_a_text_is_answered_with_a_text(bench: Callable[..., Any]) -> None:
    async def story() -> None:
        async with bench() as b:
            b.then("A lamp.")
            answer = await b.llm.complete(question("What is it?"))
            assert (answer.text, answer.value) == ("A lamp.", None)
            assert answer.cost_nanos == USED_NANOS
            assert len(answer.call_ids) == 1
            assert answer.tokens.prompt > 0
            assert b.told() == [[(Role.USER.value, "What is it?")]]

    asyncio.run(story())


def test_the_model_of_a_question_is_known_before_it_is_asked(bench: Callable[..., Any]) -> None:
    async def story() -> None:
        async with bench() as b:
            info = await b.llm.find("a")
            assert isinstance(info, ModelInfo)
            assert info.context_tokens >= 2_000
            b.then("Yes.")
            assert (await b.llm.complete(question())).model == info.name

    asyncio.run(story())


def test_a_value_is_valid_against_the_schema(bench: Callable[..., Any]) -> None:
    async def story() -> None:
        async with bench() as b:
            b.then({"n": 3})
            assert (await b.llm.complete(question(schema=SCHEMA))).value == {"n": 3}

    asyncio.run(story())


def test_a_wrong_value_is_repaired_once(bench: Callable[..., Any]) -> None:
    async def story() -> None:
        async with bench() as b:
            b.then({"n": "three"}, {"n": 3})
            answer = await b.llm.complete(question(schema=SCHEMA))
            assert answer.value == {"n": 3}
            assert len(set(answer.call_ids)) == 2
            assert answer.cost_nanos == 2 * USED_NANOS
            second = b.told()[1]
            assert [role for role, _ in second] == ["user", "assistant", "user"]
            assert "At n:" in second[-1][1]

    asyncio.run(story())


def test_a_value_that_is_wrong_twice_is_an_error(bench: Callable[..., Any]) -> None:
    async def story() -> None:
        async with bench() as b:
            b.then("no JSON", {"n": None}, {"n": 3})
            with pytest.raises(WrongAnswer):
                await b.llm.complete(question(schema=SCHEMA))

    asyncio.run(story())


def test_a_schema_that_is_none_is_the_callers_error(bench: Callable[..., Any]) -> None:
    async def story() -> None:
        async with bench() as b:
            with pytest.raises(InvalidRequest, match="response_format"):
                await b.llm.complete(question(schema={"type": "strnig"}))
            assert b.told() == []

    asyncio.run(story())


def test_without_a_model_nothing_is_found_and_nothing_is_asked(bench: Callable[..., Any]) -> None:
    async def story() -> None:
        async with bench(has_model=False) as b:
            assert await b.llm.find("a") is None
            with pytest.raises(NoModel) as caught:
                await b.llm.complete(question())
            assert isinstance(caught.value, ModelError)
            assert "NOCTULE_LLM_MODEL" in caught.value.message

    asyncio.run(story())


def test_a_run_ends_at_its_budget(bench: Callable[..., Any]) -> None:
    async def story() -> None:
        async with bench() as b:
            budget = Budget(USED_NANOS + 1)
            b.then("Yes.", "Yes.")
            await b.llm.complete(question(budget=budget, max_output_tokens=16))
            assert budget.spent_nanos == USED_NANOS
            with pytest.raises(CostCapReached):
                await b.llm.complete(question(budget=budget, max_output_tokens=16))

    asyncio.run(story())
