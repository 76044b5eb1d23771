"""Whole conversations with a model over HTTP, and what they leave in the books."""

import asyncio
import json
import logging

import pytest

from noctule.kit.errors import PaymentRequired
from noctule.llm.errors import (
    AnswerRefused,
    AnswerTruncated,
    BadReply,
    ModelBusy,
    ModelOverloaded,
    ModelRefusedKey,
    ModelRejected,
    ModelTimedOut,
    NoModel,
    PromptTooLarge,
    QuotaUsedUp,
    WrongAnswer,
)
from noctule.llm.gateway import Limits
from noctule.llm.protocol import Completed, Image, Message
from noctule.llm.store import CallStatus
from noctule.llm.tokens import Tokens
from tests.support.model_server import Scripted, http, says, status
from tests.unit.llm.house import KEY, USED, USED_NANOS, House, question

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "price": {"type": "number"}},
    "required": ["name", "price"],
    "additionalProperties": False,
}


def test_an_answer_is_charged_exactly_and_written_down(house: House) -> None:
    house.model.then(says("Good morning.", usage=USED))
    answer = house.ask(question())
    assert (answer.text, answer.value, answer.model) == ("Good morning.", None, "custom/m")
    assert (answer.tokens, answer.cost_nanos) == (Tokens(input=100, output=20), USED_NANOS)
    (call,) = house.stored()
    assert (call.id, call.status, call.cost_nanos) == (answer.call_ids[0], CallStatus.DONE, USED_NANOS)
    assert (call.session_id, call.purpose, call.tokens) == ("s", "test", answer.tokens)
    assert house.events() == [(f"llm:{call.id}", 120, USED_NANOS, "operator:custom/m@2025-01-01")]
    assert house.spent_nanos() == USED_NANOS
    assert house.broken() == []


def test_an_answer_of_a_schema_comes_as_a_value(lone: House) -> None:
    answer = lone.ask(question(schema=SCHEMA))
    assert answer.value == {"name": "text", "price": 1.5}
    form = lone.model.asked[0].body["response_format"]
    assert form["json_schema"] == {"name": "answer", "schema": SCHEMA, "strict": True}


def test_a_wrong_answer_is_repaired_once_and_both_calls_are_paid(house: House) -> None:
    house.model.then(says('{"name": 3}', usage=USED), says('{"name": "Lamp", "price": 3.5}', usage=USED))
    answer = house.ask(question(schema=SCHEMA))
    assert answer.value == {"name": "Lamp", "price": 3.5}
    assert len(answer.call_ids) == 2
    assert answer.cost_nanos == house.spent_nanos() == 2 * USED_NANOS
    said = house.model.asked[1].texts("user")[-1]
    assert "At name: 3 is not of type" in said
    assert '"price" is a required property' in said
    assert house.model.asked[1].texts("assistant") == ['{"name": 3}']
    assert house.broken() == []


@pytest.mark.parametrize("bad", ["I think it is a lamp.", '{"name": ', '{"name": 1}', "[[[[", '"\\ud800"', "NaN"])
def test_an_answer_that_is_wrong_twice_is_an_error_and_paid_all_the_same(lone: House, bad: str) -> None:
    lone.model.then(says(bad, usage=USED), says(bad, usage=USED), says('{"name": "Lamp", "price": 1}'))
    with pytest.raises(WrongAnswer, match="not of the schema"):
        lone.ask(question(schema=SCHEMA))
    assert lone.spent_nanos() == 2 * USED_NANOS
    assert len(lone.model.asked) == 2


def test_json_may_come_in_a_fence_or_after_a_thought(lone: House) -> None:
    lone.model.then(says('<think>Let me {see}.</think>\nHere:\n```json\n{"name": "Lamp", "price": 1}\n```\nDone.'))
    assert lone.ask(question(schema=SCHEMA)).value == {"name": "Lamp", "price": 1}


def test_an_api_that_takes_no_schema_is_asked_in_words_from_then_on(lone: House) -> None:
    refused = status(400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported")
    lone.model.then(refused, refused)

    async def story() -> None:
        async with lone.gateway() as gateway:
            for _ in range(2):
                assert (await gateway.complete(question(schema=SCHEMA))).value == {"name": "text", "price": 1.5}

    asyncio.run(story())
    forms = [(asked.body.get("response_format") or {}).get("type") for asked in lone.model.asked]
    assert forms == ["json_schema", "json_object", None, None]
    assert lone.statuses() == ["done", "done", "rejected", "rejected"]


def test_a_schema_that_is_not_taken_changes_nothing_for_another(lone: House) -> None:
    lone.model.then(status(400, "no"), status(422, "no"), status(400, "no"))

    async def story() -> None:
        async with lone.gateway() as gateway:
            with pytest.raises(ModelRejected):
                await gateway.complete(question(schema=SCHEMA))
            for schema in (SCHEMA, {**SCHEMA, "title": "Other"}):
                await gateway.complete(question(schema=schema))

    asyncio.run(story())
    forms = [(asked.body.get("response_format") or {}).get("type") for asked in lone.model.asked]
    assert forms == ["json_schema", "json_object", None, "json_schema", "json_schema"]


def test_cached_and_reasoned_tokens_are_counted_by_kind(lone: House) -> None:
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 300,
        "total_tokens": 1300,
        "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 250},
    }
    lone.model.then(says("Yes.", usage=usage))
    answer = lone.ask(question())
    assert answer.tokens == Tokens(input=400, cache_read=600, output=50, reasoning=250)
    assert answer.cost_nanos == 400 * 1_000 + 600 * 100 + 300 * 10_000
    assert lone.events()[0][1] == 1300


def test_a_model_that_does_not_count_is_estimated_and_marked(lone: House) -> None:
    lone.model.then(says("Yes, it is.", counts=False))
    answer = lone.ask(question("Is it?" * 10))
    assert answer.is_estimated
    assert answer.tokens == Tokens(input=15 + 8, output=3)
    assert lone.stored()[0].is_estimated
    assert lone.spent_nanos() == answer.cost_nanos > 0


def test_a_model_without_a_price_is_marked_and_named_once(lone: House, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with lone.gateway(prices=()) as gateway:
            for _ in range(3):
                answer = await gateway.complete(question())
                assert (answer.cost_nanos, answer.is_priced) == (0, False)

    with caplog.at_level(logging.WARNING):
        asyncio.run(story())
    assert sum("no price is known for the model custom/m" in record.getMessage() for record in caplog.records) == 1
    assert {event[3] for event in lone.events()} == {"unpriced"}
    assert lone.broken() == ["models-priced"]


def test_a_busy_provider_is_asked_again_when_it_says(lone: House) -> None:
    lone.model.then(status(429, Retry_After="7"), status(503, Retry_After="Tue, 10 Mar 2026 12:00:00 GMT"))
    assert lone.ask(question()).text == "Hello"
    assert lone.slept == [7.0, 0.0]
    assert lone.statuses() == ["done", "overloaded", "overloaded"]


def test_pauses_grow_where_the_provider_names_none(lone: House) -> None:
    lone.model.then(*(status(500) for _ in range(3)))
    assert lone.ask(question()).text == "Hello"
    for pause, longest in zip(lone.slept, (0.5, 1.0, 2.0), strict=True):
        assert longest / 2 <= pause <= longest


def test_a_provider_that_wants_more_time_than_there_is_ends_the_question_at_once(lone: House) -> None:
    lone.model.then(status(429, Retry_After="3600"))
    with pytest.raises(ModelOverloaded, match="too many requests") as caught:
        lone.ask(question())
    assert caught.value.retry_after_seconds == 3600
    assert lone.slept == []


def test_tries_are_counted(lone: House) -> None:
    lone.model.then(*(status(502) for _ in range(10)))
    with pytest.raises(ModelOverloaded, match="502"):
        lone.ask(question(), Limits(max_tries=3))
    assert len(lone.model.asked) == 3


def test_a_reply_that_breaks_off_is_asked_for_again(lone: House) -> None:
    whole = http(200, json.dumps({"choices": []}).encode())
    lone.model.then(Scripted(whole, close_after=len(whole) - 5), Scripted(b"", close_after=0))
    assert lone.ask(question()).text == "Hello"
    assert lone.statuses() == ["done", "unreachable", "unreachable"]


def test_a_model_that_is_too_slow_times_out(lone: House) -> None:
    lone.model.then(says("Late.", delay_seconds=5))
    with pytest.raises(ModelTimedOut, match="did not answer within"):
        lone.ask(question(), Limits(timeout_seconds=0.2, max_tries=1))
    assert lone.statuses() == ["timeout"]
    assert lone.events() == []


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (status(401), ModelRefusedKey, "refused_key"),
        (status(403), ModelRefusedKey, "refused_key"),
        (status(429, error_code="insufficient_quota"), QuotaUsedUp, "quota"),
        (status(400, error_code="context_length_exceeded"), PromptTooLarge, "prompt_too_large"),
        (status(400, error_code="content_filter"), AnswerRefused, "refused"),
        (Scripted(http(200, b"<!doctype html><title>Proxy</title>", "text/html")), BadReply, "bad_reply"),
        (Scripted(http(200, b'{"choices": "none"}')), BadReply, "bad_reply"),
        (Scripted(http(200, b"[" * 100_000)), BadReply, "bad_reply"),
        (Scripted(http(200, b'{"error": {"message": "no"}}')), BadReply, "bad_reply"),
        (Scripted(http(302, b"", Location="http://127.0.0.1:9/")), BadReply, "bad_reply"),
    ],
)
def test_what_cannot_be_used_is_one_clear_error_and_costs_nothing(
    lone: House, reply: Scripted, error: type[Exception], code: str
) -> None:
    lone.model.then(reply)
    with pytest.raises(error) as caught:
        lone.ask(question())
    assert KEY not in str(caught.value)
    assert lone.statuses() == [code]
    assert lone.events() == []
    assert len(lone.model.asked) == 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (says(None, refusal="I will not.", usage=USED), AnswerRefused),
        (says("", finish_reason="content_filter", usage=USED), AnswerRefused),
        (says('{"name": "La', finish_reason="length", usage=USED), AnswerTruncated),
        (says("", usage=USED), BadReply),
        (lambda _: Scripted(http(200, json.dumps({"choices": [], "usage": USED}).encode())), BadReply),
    ],
)
def test_an_answer_of_no_use_is_an_error_and_paid(lone: House, reply: Scripted, error: type[Exception]) -> None:
    lone.model.then(reply)
    with pytest.raises(error):
        lone.ask(question(schema=SCHEMA))
    assert lone.statuses() == ["done"]
    assert lone.spent_nanos() == USED_NANOS


def test_without_a_model_the_answer_is_one_sentence_that_says_what_to_do(lone: House) -> None:
    with pytest.raises(NoModel, match=r"NOCTULE_LLM_MODEL.*namespace llm_provider"):
        lone.ask(question(), is_configured=False)

    async def story() -> None:
        async with lone.gateway(is_configured=False) as gateway:
            assert await gateway.find("a") is None

    asyncio.run(story())
    assert lone.stored() == []


def test_an_empty_balance_lets_no_call_out(house: House) -> None:
    house.write(house.metering.open_account, "b", "prepaid")
    poor = question(payer=type(question().payer)("b"))
    with pytest.raises(PaymentRequired):
        house.ask(poor)
    assert house.model.asked == []


def test_a_caller_that_goes_away_leaves_no_call_open(lone: House) -> None:
    lone.model.then(says("Late.", delay_seconds=5))

    async def story() -> None:
        async with lone.gateway() as gateway:
            asking = asyncio.create_task(gateway.complete(question()))
            while not lone.model.asked:
                await asyncio.sleep(0.01)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    asyncio.run(story())
    assert lone.statuses() == ["cancelled"]


@pytest.mark.parametrize("beats", range(1, 8))
def test_at_whatever_moment_a_caller_goes_away_nothing_stays_out(lone: House, beats: int) -> None:
    async def story() -> None:
        async with lone.gateway() as gateway:
            asking = asyncio.create_task(gateway.complete(question()))
            for _ in range(beats):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(story())
    assert "sent" not in lone.statuses()


def test_only_so_many_wait_for_a_place(lone: House) -> None:
    lone.model.then(*(says("Slow.", delay_seconds=0.3) for _ in range(2)))

    async def story() -> None:
        async with lone.gateway(Limits(at_once=1, waiting=1)) as gateway:
            answers = await asyncio.gather(*(gateway.complete(question()) for _ in range(4)), return_exceptions=True)
        assert [type(each) for each in answers] == [Completed, Completed, ModelBusy, ModelBusy]

    asyncio.run(story())


def test_a_providers_name_for_the_model_cannot_hurt_the_books(house: House) -> None:
    body = {"model": "m\x00" + "é" * 500, "choices": [{"message": {"content": "Yes."}}], "usage": USED}
    house.model.then(Scripted(http(200, json.dumps(body).encode())))
    assert house.ask(question()).text == "Yes."
    assert house.spent_nanos() == USED_NANOS


def test_a_prompt_has_a_largest_size(lone: House) -> None:
    with pytest.raises(PromptTooLarge, match="8 MiB"):
        lone.ask(question("x" * (8 * 2**20 + 1)))
    with pytest.raises(PromptTooLarge, match="pictures"):
        lone.ask(question(messages=(Message.user(*(Image("image/png", b"x") for _ in range(17))),)))
    with pytest.raises(PromptTooLarge, match="at least one"):
        lone.ask(question(messages=()))
