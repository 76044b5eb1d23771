"""A model behind HTTP: an OpenAI-compatible chat API on loopback, on a thread and an event loop of its own.

Unasked, it follows the JSON schema that it is sent (in ``response_format``, or in words), and repeats the last words of
the user where there is none. ``then`` scripts the next replies instead: what a model says, what an overloaded or broken
provider does. Every request is remembered, with its headers.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.origin import Served

_SCHEMA_IN_WORDS = "JSON schema:\n"
_BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema that the answer is to follow, however it was sent."""
        form = self.body.get("response_format") or {}
        if form.get("type") == "json_schema":
            schema: dict[str, Any] = form["json_schema"]["schema"]
            return schema
        for text in self.texts("system"):
            if _SCHEMA_IN_WORDS in text:
                stated: dict[str, Any] = json.loads(text.partition(_SCHEMA_IN_WORDS)[2])
                return stated
        return None

    def texts(self, role: str) -> list[str]:
        """What one of the speakers says."""
        said = []
        for message in self.body["messages"]:
            if message["role"] == role:
                content = message["content"]
                parts = [{"text": content}] if isinstance(content, str) else content
                said.append("".join(part.get("text", "") for part in parts))
        return said


@dataclass(frozen=True, slots=True)
class Scripted:
    """What the server sends, ``delay_seconds`` later. ``close_after`` ends the connection after so many bytes of it."""

    content: bytes = field(repr=False)
    close_after: int | None = None
    delay_seconds: float = 0.0


Script = Scripted | Callable[[Asked], Scripted]


class ModelServer(Served):
    """The server; use it in a ``with`` block."""

    def __init__(self) -> None:
        super().__init__()
        self.port = 0
        self.asked: list[Asked] = []
        self._scripts: deque[Script] = deque()

    def start(self) -> None:
        self.port = self.listen(self._serve)

    @property
    def base_url(self) -> str:
        """What NOCTULE_LLM_BASE_URL is to be."""
        return f"http://127.0.0.1:{self.port}/v1"

    def then(self, *scripts: Script) -> None:
        """Reply so to the next requests, in this order; after them as unasked again."""
        self._scripts.extend(scripts)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (asked := await _read(reader)) is not None:
            self.asked.append(asked)
            script = self._scripts.popleft() if self._scripts else follow
            scripted = script if isinstance(script, Scripted) else script(asked)
            await asyncio.sleep(scripted.delay_seconds)
            writer.write(scripted.content[: scripted.close_after])
            await writer.drain()
            if scripted.close_after is not None:
                return


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(first.split(" ")[1], headers, json.loads(body))


def follow(asked: Asked) -> Scripted:
    """A value of the schema that was sent; without one, the last words of the user."""
    schema = asked.schema
    if schema is not None:
        return says(json.dumps(example(schema, schema)))(asked)
    return says((asked.texts("user") or [""])[-1])(asked)


def says(
    text: str | None,
    *,
    finish_reason: str = "stop",
    refusal: str | None = None,
    usage: Mapping[str, Any] | None = None,
    counts: bool = True,
    delay_seconds: float = 0.0,
) -> Callable[[Asked], Scripted]:
    """A model that says this. ``counts``: whether it reports usage, its own count unless ``usage`` is given."""

    def script(asked: Asked) -> Scripted:
        prompt = sum(len(said) for role in ("system", "user", "assistant") for said in asked.texts(role))
        own = {
            "prompt_tokens": prompt // _BYTES_PER_TOKEN,
            "completion_tokens": len(text or "") // _BYTES_PER_TOKEN + 1,
        }
        own["total_tokens"] = sum(own.values())
        body: dict[str, Any] = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": asked.body["model"],
            "choices": [
                {
                    "index": 0,
                    "finish_reason": finish_reason,
                    "message": {"role": "assistant", "content": text, "refusal": refusal},
                }
            ],
        }
        if counts:
            body["usage"] = dict(own if usage is None else usage)
        return Scripted(http(200, json.dumps(body).encode()), delay_seconds=delay_seconds)

    return script


def status(code: int, message: str = "no", *, error_code: str | None = None, **headers: str) -> Scripted:
    """A provider that answers with an error; headers are written with underscores."""
    body = json.dumps({"error": {"message": message, "type": "error", "code": error_code}}).encode()
    return Scripted(http(code, body, **headers))


def http(code: int, body: bytes, content_type: str = "application/json", **headers: str) -> bytes:
    """An HTTP response."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {code} Said\r\nContent-Type: {content_type}\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def example(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """A value that is valid against a schema of the usual keywords."""
    if "$ref" in schema:
        return example(_at(root, schema["$ref"]), root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return example(schema[choice][0], root)
    if "allOf" in schema:
        return example({key: value for part in schema["allOf"] for key, value in part.items()}, root)
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    kind = kinds if isinstance(kinds, str) else ("null" if "null" in kinds else kinds[0])
    return _EXAMPLES[kind](schema, root)


def _at(root: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    found: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        found = found[int(step)] if isinstance(found, list) else found[step]
    place: Mapping[str, Any] = found
    return place


_STRINGS = {"date": "2026-03-10", "date-time": "2026-03-10T12:00:00Z", "uri": "https://example.com/", "email": "a@b.co"}


def _string(schema: Mapping[str, Any], _: Mapping[str, Any]) -> str:
    text = _STRINGS.get(schema.get("format", ""), "text")
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", len(text) + 1_000)]


def _object(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    return {name: example(each, root) for name, each in schema.get("properties", {}).items()}


def _array(schema: Mapping[str, Any], root: Mapping[str, Any]) -> list[Any]:
    return [example(schema.get("items", {}), root) for _ in range(schema.get("minItems", 1))]


_EXAMPLES: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Any]] = {
    "null": lambda _, __: None,
    "boolean": lambda _, __: True,
    "integer": lambda schema, _: schema.get("minimum", 1),
    "number": lambda schema, _: schema.get("minimum", 1.5),
    "string": _string,
    "array": _array,
    "object": _object,
}
