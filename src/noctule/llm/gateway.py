"""The gateway: an ``Llm`` over HTTP, whose every call is written down, bounded and paid for.

What must hold: no transaction is open while a model is waited for. One question takes at most its deadline, whatever
is retried in it; costs at most its caps at worst, judged before each call; and is repaired at most once. A reply is
charged before its content is judged, since the provider charges for it as well.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from noctule.kit.clock import Clock
from noctule.llm import prompts
from noctule.llm.budget import Budget
from noctule.llm.calls import Calls
from noctule.llm.client import MOST_CONNECTIONS, Client
from noctule.llm.errors import (
    ModelError,
    ModelRejected,
    ModelTimedOut,
    NoModel,
    PromptTooLarge,
    WrongAnswer,
)
from noctule.llm.places import Places
from noctule.llm.prices import PriceEntry, PriceList
from noctule.llm.protocol import Completed, Completion, Image, Message, ModelInfo
from noctule.llm.providers import SchemaMode
from noctule.llm.routing import Route, Router
from noctule.llm.schemas import AnswerSchema, NotJson, json_in, without_thought
from noctule.llm.store import ModelUse
from noctule.llm.tokens import Tokens, estimate, most_prompt_tokens
from noctule.llm.wire import Reply, request_body

log = logging.getLogger(__name__)

_MOST_TEXT_BYTES = 8 * 1024 * 1024
_MOST_IMAGES = 16
_MOST_IMAGE_BYTES = 20 * 1024 * 1024
_MOST_REPEATED = 100_000
_MOST_REMEMBERED = 1_000
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 8.0
_WEAKER = {SchemaMode.JSON_SCHEMA: SchemaMode.JSON_OBJECT, SchemaMode.JSON_OBJECT: SchemaMode.PROMPT}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one question may take where it does not say itself. Costs in nano-dollars; ``None`` caps nothing.

    ``timeout_seconds`` is for one reply, ``deadline_seconds`` for the whole question with all its tries.
    """

    timeout_seconds: float = 60.0
    deadline_seconds: float = 120.0
    max_tries: int = 4
    max_output_tokens: int = 8_192
    max_cost_per_call_nanos: int | None = None
    max_cost_per_run_nanos: int | None = None
    at_once: int = MOST_CONNECTIONS
    of_a_workspace: int = MOST_CONNECTIONS // 2
    waiting: int = 256


class Gateway:
    """Models behind HTTP. ``sleep`` passes the time between tries."""

    def __init__(
        self,
        *,
        router: Router,
        prices: PriceList,
        client: Client,
        calls: Calls,
        clock: Clock,
        limits: Limits,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._router = router
        self._prices = prices
        self._client = client
        self._calls = calls
        self._clock = clock
        self._limits = limits
        self._sleep = sleep
        self._places = Places(limits.at_once, limits.of_a_workspace, limits.waiting)
        self._modes = _Modes()

    async def find(self, workspace_id: str, model: str | None = None) -> ModelInfo | None:
        """The model that a question of this workspace would go to; ``None`` if there is none."""
        try:
            return self._router.info(await self._router.route(workspace_id, model))
        except NoModel:
            return None

    async def complete(self, request: Completion) -> Completed:
        """Ask; see ``Llm``."""
        _check_size(request.messages)
        schema = None if request.schema is None else AnswerSchema(request.schema)
        route = await self._router.route(request.payer.workspace_id, request.model)
        deadline = request.deadline_seconds or self._limits.deadline_seconds
        ends_at = self._clock.monotonic() + deadline
        mode = self._modes.find(route, schema)
        question = _Question(request, route, schema, ends_at, self._budgets(request), mode)
        async with self._places.one(request.payer.workspace_id, deadline):
            return await self._answer(question)

    async def recover(self) -> int:
        """Let calls be ``unknown`` that a killed server left behind; answers how many."""
        return await self._calls.recover()

    async def close(self) -> None:
        """Finish what is being written down, and close the connections."""
        await self._calls.close()
        await self._client.close()

    def new_budget(self, max_cost_nanos: int | None = None) -> Budget:
        """The budget of a run; the server's cap if none is named or the server's is lower."""
        caps = [cap for cap in (max_cost_nanos, self._limits.max_cost_per_run_nanos) if cap is not None]
        return Budget(min(caps) if caps else None)

    def _budgets(self, request: Completion) -> tuple[Budget, ...]:
        own = Budget(request.max_cost_nanos)
        return (own, request.budget or self.new_budget())

    async def _answer(self, question: "_Question") -> Completed:
        reply = await self._ask(question, question.request.messages)
        if question.schema is None:
            return question.completed(without_thought(reply.text), None)
        value, problems = _judge(question.schema, reply.text)
        if problems:
            repair = (
                *question.request.messages,
                Message.assistant(reply.text[:_MOST_REPEATED]),
                Message.user(prompts.repair(problems)),
            )
            reply = await self._ask(question, repair)
            value, problems = _judge(question.schema, reply.text)
        if problems:
            raise WrongAnswer(
                f"The answer of {question.route.name} was not of the schema, and the repair did not help: {problems[0]}"
            )
        return question.completed(reply.text, value)

    async def _ask(self, question: "_Question", messages: tuple[Message, ...]) -> Reply:
        """One reply, after as many tries as it takes and the deadline allows."""
        tries = 0
        while True:
            tries += 1
            try:
                reply = await self._call(question, messages)
            except ModelRejected as error:
                weaker = _WEAKER.get(question.mode) if question.schema is not None and error.may_be_schema else None
                if weaker is None:
                    raise
                question.mode = weaker
                continue
            except ModelError as error:
                if not error.is_passing or tries >= self._limits.max_tries:
                    raise
                pause = error.retry_after_seconds
                if pause is None:
                    longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** (tries - 1))
                    pause = longest * random.uniform(0.5, 1)
                if pause >= question.left_seconds(self._clock):
                    raise
                await self._sleep(pause)
                continue
            self._modes.remember(question)
            if reply.problem is not None:
                raise reply.problem
            return reply

    async def _call(self, question: "_Question", messages: tuple[Message, ...]) -> Reply:
        """One call: written down, sent, charged."""
        route, schema = question.route, question.schema
        left = question.left_seconds(self._clock)
        if left <= 0:
            raise ModelTimedOut(f"The model {route.name} was not done within the deadline.")
        most_out = question.request.max_output_tokens or self._limits.max_output_tokens
        entry = self._entry(route)
        worst = entry.worst_nanos(most_prompt_tokens(messages, len(schema.text) if schema else 0), most_out)
        body = request_body(
            route,
            messages,
            schema=schema,
            schema_mode=question.mode,
            max_output_tokens=most_out,
            temperature=question.request.temperature,
        )
        with _SetAside(question.budgets, self._limits.max_cost_per_call_nanos, worst) as kept:
            call = await self._calls.begin(question.request.payer, question.request.purpose, route)
            try:
                reply = await self._client.send(route, body, min(self._limits.timeout_seconds, left))
            except ModelError as error:
                await self._calls.fail(call, error.code)
                log.warning("a call to the model %s at %s failed: %s", route.name, route.host, error.code)
                raise
            except BaseException as error:
                self._calls.abandon(call, "cancelled" if isinstance(error, asyncio.CancelledError) else "failed")
                raise
            # The price may have changed with the month while the model thought.
            use = _use(reply, messages, self._entry(route))
            kept.cost_nanos = use.cost_nanos
            await self._calls.finish(call, use)
        question.note(call.id, use)
        return reply

    def _entry(self, route: Route) -> PriceEntry:
        if route.is_byok:
            return self._prices.byok()
        return self._prices.entry(route.provider, route.url, route.model, self._clock.now())


class _Modes:
    """How each schema turned out to be best asked for, where the provider's usual way was not taken.

    One schema that a provider refuses says nothing of another: what a caller sends changes nothing for others.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], SchemaMode] = {}

    def find(self, route: Route, schema: AnswerSchema | None) -> SchemaMode:
        """How to ask."""
        return self._known.get(self._key(route, schema), route.provider.schema_mode)

    def remember(self, question: "_Question") -> None:
        """Ask like this again: it was answered."""
        if question.mode is question.route.provider.schema_mode:
            return
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[self._key(question.route, question.schema)] = question.mode

    @staticmethod
    def _key(route: Route, schema: AnswerSchema | None) -> tuple[str, str, str]:
        return route.url, route.model, "" if schema is None else schema.digest


class _Question:
    """One question under way, and what its calls came to so far."""

    def __init__(
        self,
        request: Completion,
        route: Route,
        schema: AnswerSchema | None,
        ends_at: float,
        budgets: tuple[Budget, ...],
        mode: SchemaMode,
    ) -> None:
        self.request = request
        self.route = route
        self.schema = schema
        self.budgets = budgets
        self.mode = mode
        self._call_ids: list[str] = []
        self._ends_at = ends_at
        self._tokens = Tokens()
        self._cost_nanos = 0
        self._is_estimated = False
        self._is_priced = True

    def left_seconds(self, clock: Clock) -> float:
        """How much of the deadline is left."""
        return self._ends_at - clock.monotonic()

    def note(self, call_id: str, use: ModelUse) -> None:
        """Add what a call used."""
        self._call_ids.append(call_id)
        self._tokens += use.tokens
        self._cost_nanos += use.cost_nanos
        self._is_estimated = self._is_estimated or use.is_estimated
        self._is_priced = self._is_priced and use.entry.is_known

    def completed(self, text: str, value: Any) -> Completed:
        """The answer."""
        return Completed(
            text=text,
            value=value,
            tokens=self._tokens,
            model=self.route.name,
            call_ids=tuple(self._call_ids),
            cost_nanos=self._cost_nanos,
            is_estimated=self._is_estimated,
            is_priced=self._is_priced,
        )


class _SetAside:
    """Keeps the worst case of a call in every budget that it counts against, until its cost is known."""

    def __init__(self, budgets: tuple[Budget, ...], cap_nanos: int | None, worst_nanos: int) -> None:
        self._budgets = (Budget(cap_nanos), *budgets)
        self._worst_nanos = worst_nanos
        self._kept: list[Budget] = []
        self.cost_nanos = 0

    def __enter__(self) -> "_SetAside":
        try:
            for budget in self._budgets:
                budget.set_aside(self._worst_nanos)
                self._kept.append(budget)
        except ModelError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for budget in self._kept:
            budget.settle(self._worst_nanos, self.cost_nanos)


def _use(reply: Reply, messages: tuple[Message, ...], entry: PriceEntry) -> ModelUse:
    tokens = reply.tokens if reply.tokens is not None else estimate(messages, reply.text)
    return ModelUse(
        tokens=tokens,
        is_estimated=reply.tokens is None,
        answered_by=reply.model,
        entry=entry,
        cost_nanos=entry.cost_nanos(tokens),
    )


def _judge(schema: AnswerSchema, text: str) -> tuple[Any, list[str]]:
    try:
        value = json_in(text)
    except NotJson as error:
        return None, [f"It is not JSON: {error}"]
    return value, schema.problems(value)


def _check_size(messages: tuple[Message, ...]) -> None:
    texts = [part for message in messages for part in message.parts if isinstance(part, str)]
    images = [part for message in messages for part in message.parts if isinstance(part, Image)]
    if sum(len(text.encode(errors="replace")) for text in texts) > _MOST_TEXT_BYTES:
        raise PromptTooLarge(f"A prompt has at most {_MOST_TEXT_BYTES // 2**20} MiB of text.")
    if len(images) > _MOST_IMAGES or sum(len(image.data) for image in images) > _MOST_IMAGE_BYTES:
        raise PromptTooLarge(
            f"A prompt has at most {_MOST_IMAGES} pictures of {_MOST_IMAGE_BYTES // 2**20} MiB together."
        )
    if not messages:
        raise PromptTooLarge("A prompt has at least one message.")
