"""The chat API as it goes over the wire: our question as a request, a provider's reply as an answer.

What is read of a reply is what is declared here, so whatever else a provider sends can do nothing.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from noctule.llm import prompts
from noctule.llm.errors import AnswerRefused, AnswerTruncated, BadReply, ModelError, ModelOverloaded
from noctule.llm.protocol import Image, Message, Role
from noctule.llm.providers import SchemaMode
from noctule.llm.routing import Route
from noctule.llm.schemas import AnswerSchema
from noctule.llm.tokens import Reported, Tokens, counted

_LONGEST_NAME = 200
_PASSING_STATUSES = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that was understood. ``tokens`` is ``None`` where the provider did not count; ``problem`` is why the
    answer is of no use although it was given, and may have to be paid for."""

    text: str = field(repr=False)
    model: str
    tokens: Tokens | None
    problem: ModelError | None = None


def request_body(
    route: Route,
    messages: Sequence[Message],
    *,
    schema: AnswerSchema | None,
    schema_mode: SchemaMode,
    max_output_tokens: int,
    temperature: float | None,
) -> dict[str, Any]:
    """The JSON of a request."""
    shown = [_message(message) for message in messages]
    body: dict[str, Any] = {"model": route.model, "messages": shown, route.provider.limit_name: max_output_tokens}
    if temperature is not None:
        body["temperature"] = temperature
    if schema is None:
        return body
    if schema_mode is SchemaMode.JSON_SCHEMA:
        described = {"name": "answer", "schema": schema.schema, "strict": schema.is_strict}
        body["response_format"] = {"type": "json_schema", "json_schema": described}
        return body
    if schema_mode is SchemaMode.JSON_OBJECT:
        body["response_format"] = {"type": "json_object"}
    _add_to_system(shown, prompts.answer_schema(schema.text))
    return body


def _message(message: Message) -> dict[str, Any]:
    if all(isinstance(part, str) for part in message.parts):
        return {"role": message.role.value, "content": _clean("".join(str(part) for part in message.parts))}
    return {"role": message.role.value, "content": [_part(part) for part in message.parts]}


def _part(part: str | Image) -> dict[str, Any]:
    if isinstance(part, Image):
        url = f"data:{part.media_type};base64,{base64.b64encode(part.data).decode()}"
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "text", "text": _clean(part)}


def _clean(text: str) -> str:
    # Pages can hold halves of surrogate pairs, which no JSON can.
    return text.encode(errors="replace").decode()


def _add_to_system(shown: list[dict[str, Any]], text: str) -> None:
    if shown and shown[0]["role"] == Role.SYSTEM.value and isinstance(shown[0]["content"], str):
        shown[0]["content"] += f"\n\n{text}"
    else:
        shown.insert(0, {"role": Role.SYSTEM.value, "content": text})


class _Part(msgspec.Struct):
    type: str = "text"
    text: str | None = None


class _Answer(msgspec.Struct):
    content: str | list[_Part] | None = None
    refusal: object = None


class _Choice(msgspec.Struct):
    message: _Answer | None = None
    finish_reason: str | None = None


class _Body(msgspec.Struct):
    choices: list[_Choice] | None = None
    model: object = None
    # Read apart: an answer whose tokens are counted wrongly is still an answer.
    usage: msgspec.Raw = msgspec.Raw(b"null")
    error: object = None


def parse_reply(content: bytes, content_type: str, route: Route) -> Reply:
    """What a successful reply says. Raises ``BadReply``."""
    where = route.where
    try:
        body = msgspec.json.decode(content, type=_Body, strict=False)
    except RecursionError:
        raise BadReply(f"{where} answered with JSON that is nested too deeply.") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        if "html" in content_type.lower() or content.lstrip()[:1] == b"<":
            raise BadReply(
                f"{where} answered with a web page instead of JSON; is NOCTULE_LLM_BASE_URL the API's address?"
            ) from None
        raise BadReply(f"{where} answered with something that is not a chat completion.") from None
    if body.error is not None and not body.choices:
        code = body.error.get("code") if isinstance(body.error, dict) else None
        if isinstance(code, int) and is_passing(code):
            raise ModelOverloaded(f"{where} reported {code} inside a successful reply.")
        raise BadReply(f"{where} reported an error inside a successful reply.")
    if body.choices is None:
        raise BadReply(f"{where} answered with JSON that is not a chat completion.")
    tokens = counted(_reported(body.usage), reasoning_is_apart=route.provider.reasoning_is_apart)
    # It goes into the books, where not every character may.
    named = body.model if isinstance(body.model, str) else route.model
    model = "".join(each for each in named if each.isprintable())[:_LONGEST_NAME]
    if not body.choices or body.choices[0].message is None:
        return Reply("", model, tokens, BadReply(f"{where} answered without any choice to read."))
    choice = body.choices[0]
    text = _text(choice.message)
    return Reply(text, model, tokens, _problem(choice, text, route))


def is_passing(status: int) -> bool:
    """Whether a status says that the same request may be answered later."""
    return status in _PASSING_STATUSES or status >= 500


def _reported(usage: msgspec.Raw) -> Reported | None:
    try:
        return msgspec.json.decode(usage, type=Reported | None, strict=False)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _text(answer: _Answer | None) -> str:
    if answer is None or answer.content is None:
        return ""
    if isinstance(answer.content, str):
        return answer.content
    return "".join(part.text or "" for part in answer.content if part.type == "text")


def _problem(choice: _Choice, text: str, route: Route) -> ModelError | None:
    if choice.finish_reason == "content_filter":
        return AnswerRefused(f"The filter of {route.provider.id} kept the answer back.")
    if choice.message is not None and choice.message.refusal:
        return AnswerRefused(f"The model {route.name} declined to answer.")
    if choice.finish_reason == "length":
        return AnswerTruncated(
            f"The answer of {route.name} was cut at its limit of tokens; raise NOCTULE_LLM_MAX_OUTPUT_TOKENS or ask "
            "for less."
        )
    if not text.strip():
        return BadReply(f"The model {route.name} answered with nothing.")
    return None


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error reply is about: only what we need to know, none of its words."""

    is_about_quota: bool = False
    is_about_filter: bool = False
    is_about_length: bool = False


_ABOUT_QUOTA = ("insufficient_quota", "insufficient balance", "credit balance", "billing_hard_limit")
_ABOUT_FILTER = ("content_filter", "content_policy", "content management policy")
_ABOUT_LENGTH = (
    "context_length_exceeded",
    "context length",
    "maximum context",
    "too many tokens",
    "prompt is too long",
)
_READ_OF_COMPLAINT = 4_000


def parse_complaint(content: bytes) -> Complaint:
    """What an error reply is about."""
    text = content[:_READ_OF_COMPLAINT].decode(errors="replace").lower()
    return Complaint(
        is_about_quota=any(each in text for each in _ABOUT_QUOTA),
        is_about_filter=any(each in text for each in _ABOUT_FILTER),
        is_about_length=any(each in text for each in _ABOUT_LENGTH),
    )
