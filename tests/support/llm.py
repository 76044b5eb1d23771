"""A model for tests that says what the test scripts, and keys; ``tests/unit/llm/test_protocol.py`` holds the model to
the gateway's promises.

What a test may set: ``then`` (the next answers: a text, a JSON value, or an error to raise), ``model`` (``None``: there
is none), ``cost_nanos`` (of each call), ``context_tokens``. What it may read: ``requests``, all that was asked.
"""

import json
from collections import deque
from typing import Any

from noctule.llm import prompts
from noctule.llm.budget import Budget
from noctule.llm.errors import NoModel, WrongAnswer
from noctule.llm.protocol import Completed, Completion, Message, ModelInfo
from noctule.llm.routing import NO_MODEL
from noctule.llm.schemas import AnswerSchema, NotJson, json_in
from noctule.llm.tokens import Tokens, estimate


class FakeLlm:
    """An ``Llm`` without a network."""

    def __init__(self, *answers: Any) -> None:
        self.model: str | None = "fake/model"
        self.context_tokens = 32_000
        self.cost_nanos = 0
        self.requests: list[Completion] = []
        self.conversations: list[tuple[Message, ...]] = []
        self._answers: deque[Any] = deque(answers)

    def then(self, *answers: Any) -> None:
        """Answer the next questions so."""
        self._answers.extend(answers)

    async def find(self, workspace_id: str, model: str | None = None) -> ModelInfo | None:
        return None if self.model is None else ModelInfo(self.model, self.context_tokens)

    async def complete(self, request: Completion) -> Completed:
        self.requests.append(request)
        schema = None if request.schema is None else AnswerSchema(request.schema)
        if self.model is None:
            raise NoModel(NO_MODEL)
        call_ids: list[str] = []
        tokens = Tokens()
        messages = request.messages
        problems: list[str] = []
        text, value = "", None
        for _ in range(2):
            for budget in (Budget(request.max_cost_nanos), request.budget or Budget()):
                budget.set_aside(self.cost_nanos)
                budget.settle(self.cost_nanos, self.cost_nanos)
            text = self._next()
            self.conversations.append(messages)
            call_ids.append(f"call-{len(self.conversations)}")
            tokens += estimate(messages, text)
            if schema is None:
                break
            value, problems = _judged(schema, text)
            if not problems:
                break
            messages = (*messages, Message.assistant(text), Message.user(prompts.repair(problems)))
        if problems:
            raise WrongAnswer(f"The answer of {self.model} was not of the schema: {problems[0]}")
        return Completed(text, value, tokens, self.model, tuple(call_ids), self.cost_nanos * len(call_ids))

    def _next(self) -> str:
        answer = self._answers.popleft() if self._answers else "An answer."
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, str) else json.dumps(answer)


class FakeKeys:
    """Every workspace's keys, by provider. ``asked`` are the providers that a key was looked up for."""

    def __init__(self, **keys: str) -> None:
        self.keys = keys
        self.asked: list[str] = []

    async def provider_key(self, workspace_id: str, provider: str) -> str | None:
        self.asked.append(provider)
        return self.keys.get(provider)


def _judged(schema: AnswerSchema, text: str) -> tuple[Any, list[str]]:
    try:
        value = json_in(text)
    except NotJson as error:
        return None, [str(error)]
    return value, schema.problems(value)
