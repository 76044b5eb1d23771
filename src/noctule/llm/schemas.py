"""JSON schemas of answers: whether one is usable, whether an answer is valid, and what to say if it is not.

Schemas come from callers and answers from models, so both are hostile. Nothing is fetched: a ``$ref`` that leads out
of the schema is an error. Patterns run on an engine in linear time (which has no look-around); sizes and depths are
bounded. Whether a value is valid is judged in time that follows from the two sizes; only to say why it is not can grow
with all ways through a schema, so a schema of very many ways, or of endless ones, gets no reasons.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import msgspec

from noctule.kit.errors import InvalidRequest

_MOST_SCHEMA_BYTES = 128 * 1024
_MOST_DEPTH = 64
# Ways through a schema up to which the reasons are looked for.
_MOST_WAYS = 2_000
_NO_REASON = "The value is not valid against the schema."
_SHOWN_PROBLEMS = 8
_LONGEST_PROBLEM = 300
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_FENCE = "```"
# What strict structured output takes; with anything else a provider would refuse the whole request.
_STRICT_KEYWORDS = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$ref", "$defs"}
    | {"title", "description"}
)


class NotJson(ValueError):
    """A text that holds no JSON value; the message says where it breaks off, for the model to read."""


class AnswerSchema:
    """A compiled schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Raises ``InvalidRequest`` unless it is a usable JSON schema."""
        self.schema = dict(schema)
        self._can_explain: bool | None = None
        try:
            self.text = msgspec.json.encode(self.schema).decode()
            if len(self.text) > _MOST_SCHEMA_BYTES:
                raise ValueError(f"it is larger than {_MOST_SCHEMA_BYTES // 1024} KiB")
            if _depth(self.schema) > _MOST_DEPTH:
                raise ValueError(f"it is nested deeper than {_MOST_DEPTH} levels")
            self._validator = jsonschema_rs.validator_for(
                self.schema,
                pattern_options=jsonschema_rs.RegexOptions(),
                offline=True,
            )
        except jsonschema_rs.ValidationError as error:
            raise _unusable(error.message) from None
        except (ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
            raise _unusable(str(error)) from None

    @property
    def digest(self) -> str:
        """A short name of this very schema."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def is_strict(self) -> bool:
        """Whether a provider's strict mode takes it: every object closed, every property required, plain keywords."""
        return self.schema.get("type") == "object" and _is_strict(self.schema)

    def problems(self, value: Any) -> list[str]:
        """What is wrong with a value, for the model to read; empty if it is valid."""
        if _depth(value) > _MOST_DEPTH:
            return [f"The value is nested deeper than {_MOST_DEPTH} levels."]
        if self._validator.is_valid(value):
            return []
        if not self._has_reasons():
            return [_NO_REASON]
        found: list[str] = []
        for error in self._validator.iter_errors(value):
            where = "/".join(str(step) for step in error.instance_path) or "the value itself"
            found.append(_short(f"At {where}: {error.message}"))
            if len(found) == _SHOWN_PROBLEMS:
                break
        return found

    def _has_reasons(self) -> bool:
        if self._can_explain is None:
            self._can_explain = _ways(self.schema, self.schema, {}) <= _MOST_WAYS
        return self._can_explain


def json_in(text: str) -> Any:
    """The JSON value in an answer: alone, in a fenced block, or between other words. Raises ``NotJson``."""
    text = _THOUGHT.sub("", text).strip()
    try:
        return _decode(text)
    except NotJson as error:
        problem = error
    if (fenced := _fenced(text)) is not None:
        try:
            return _decode(fenced)
        except NotJson as error:
            problem = error
    start = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    if start > 0:
        try:
            value, _ = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode(text, start)
        except (ValueError, RecursionError):
            raise problem from None
        return value
    raise problem


def without_thought(text: str) -> str:
    """The answer without the thinking that some models put before it."""
    return _THOUGHT.sub("", text).strip()


def _fenced(text: str) -> str | None:
    """What stands between the first two fences, without the name of its language."""
    _, _, rest = text.partition(_FENCE)
    first_line, line_end, rest = rest.partition("\n")
    inside, fence, _ = rest.partition(_FENCE)
    return inside if line_end and fence and len(first_line) < 20 else None


def _decode(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise NotJson(_short(str(error))) from None
    except RecursionError:
        raise NotJson("the value is nested too deeply") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _depth(value: Any) -> int:
    """How deep a value is nested; stops counting a little beyond the bound."""
    depth, level = 0, [value]
    while level and depth <= _MOST_DEPTH:
        below: list[Any] = []
        for each in level:
            if isinstance(each, Mapping):
                below.extend(each.values())
            elif isinstance(each, list | tuple):
                below.extend(each)
        depth, level = depth + 1, below
    return depth


def _ways(schema: Any, root: Any, known: dict[int, int]) -> int:
    """How many schemas there are below one when each reference is written out, endless ones as one more than enough.

    Many places share a definition, so each is counted once and remembered.
    """
    if not isinstance(schema, Mapping | list):
        return 0
    if id(schema) in known:
        return known[id(schema)]
    # Met again below itself: without an end.
    known[id(schema)] = _MOST_WAYS + 1
    below = schema.values() if isinstance(schema, Mapping) else schema
    count = 1 + sum(_ways(each, root, known) for each in below)
    if isinstance(schema, Mapping):
        if "$dynamicRef" in schema or "$recursiveRef" in schema:
            count = _MOST_WAYS + 1
        if isinstance(reference := schema.get("$ref"), str):
            count += _ways(_at(root, reference), root, known)
    known[id(schema)] = min(count, _MOST_WAYS + 1)
    return known[id(schema)]


def _at(root: Any, reference: str) -> Any:
    """The schema at a pointer; for any other kind of reference the whole, which counts as endless."""
    found = root
    for step in reference.split("/")[1:] if reference.startswith("#/") else ():
        step = unquote(step).replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(step)] if isinstance(found, list) else found[step]
        except (KeyError, ValueError, IndexError, TypeError):
            return root
    return found


def _is_strict(schema: Any) -> bool:
    if not isinstance(schema, Mapping) or not schema.keys() <= _STRICT_KEYWORDS:
        return False
    if "type" not in schema and not schema.keys() & {"$ref", "anyOf", "enum", "const"}:
        return False
    properties = schema.get("properties", {})
    if schema.get("type") == "object" or properties:
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != set(properties):
            return False
    elif "array" in str(schema.get("type")) and "items" not in schema:
        return False
    below = [*properties.values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", ())]
    if "items" in schema:
        below.append(schema["items"])
    return all(_is_strict(each) for each in below)


def _unusable(problem: str) -> InvalidRequest:
    message = f"not a usable JSON schema: {_short(problem)}"
    detail = [{"loc": ["response_format"], "msg": message, "type": "value_error"}]
    return InvalidRequest(f"response_format: {message}", detail=detail)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_PROBLEM else text[:_LONGEST_PROBLEM] + "…"
