"""Reading a request's body: whole, bounded in size and time, and strict about JSON.

A body is read before its route runs, so that it can be fingerprinted and so that a client that leaves
cannot leave half of it; files alone go past this, as they come (``http/uploads.py``). JSON is checked by a
strict parser first: Python's own takes NaN, lone surrogates and any depth, and each of these would break
something further in.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec
from starlette.types import Message, Receive

from noctule.kit.errors import InvalidRequest, NoctuleError

MOST_BYTES = 16 * 1024 * 1024
DEEPEST_JSON = 100
MOST_JSON_VALUES = 50_000
_READ_TIMEOUT_SECONDS = 60.0


class BodyTooLarge(NoctuleError):
    """More bytes than any request may have."""

    status = 413


class BodyTooSlow(NoctuleError):
    """The client did not send what it announced."""

    status = 408


class ClientGone(Exception):
    """The client left before its request was complete; there is nobody to answer."""


def has_body(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request announces a body."""
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


async def read_body(receive: Receive, headers: Mapping[bytes, bytes]) -> bytes:
    """The whole body.

    Raises ``BodyTooLarge``, ``BodyTooSlow`` or ``ClientGone``.
    """
    length = headers.get(b"content-length", b"")
    if length.isdigit() and (len(length) > 18 or int(length) > MOST_BYTES):
        raise _too_large()
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_READ_TIMEOUT_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > MOST_BYTES:
                    raise _too_large()
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        raise BodyTooSlow(
            f"The body did not arrive within {_READ_TIMEOUT_SECONDS:.0f} seconds.", headers={"connection": "close"}
        ) from None


def replayed(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that hands the body over in one message and then tells what the real one tells."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again


def is_json(content_type: bytes) -> bool:
    """Whether a body of this type is read as JSON; one without a type is."""
    kind = content_type.split(b";", 1)[0].strip().lower()
    return kind in (b"", b"application/json") or (kind.startswith(b"application/") and kind.endswith(b"+json"))


def check_json(body: bytes) -> None:
    """Raise ``InvalidRequest`` unless the body is JSON that everything further in can hold."""
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise _unreadable(f"nested deeper than {DEEPEST_JSON} levels") from None
    except ValueError as error:
        raise _unreadable(str(error)) from None
    containers = body.count(b"[") + body.count(b"{")
    if containers > DEEPEST_JSON and _deeper_than(value, DEEPEST_JSON):
        raise _unreadable(f"nested deeper than {DEEPEST_JSON} levels")
    # Every wrong value costs an error of its own: a million of them would hold up everybody for half a minute.
    if containers + body.count(b",") >= MOST_JSON_VALUES and _more_values_than(value, MOST_JSON_VALUES):
        raise _unreadable(f"more than {MOST_JSON_VALUES} values")
    # Text with NUL fits neither PostgreSQL nor a process's arguments.
    if b"\\u0000" in body and any("\x00" in text for text in _texts(value)):
        raise _unreadable("a text contains a NUL character (\\u0000)")


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {MOST_BYTES // 1024 // 1024} MiB.", headers={"connection": "close"})


def _unreadable(reason: str) -> InvalidRequest:
    return InvalidRequest(
        f"body: JSON decode error: {reason}",
        detail=[
            {
                "type": "json_invalid",
                "loc": ["body"],
                "msg": "JSON decode error",
                "input": {},
                "ctx": {"error": reason},
            }
        ],
    )


def _deeper_than(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [inner for outer in layer for inner in _children(outer)]
        if not layer:
            return False
    return any(isinstance(item, list | dict) for item in layer)


def _more_values_than(value: Any, most: int) -> bool:
    pending = [value]
    counted = 0
    while pending and counted <= most:
        inner = _children(pending.pop())
        counted += len(inner)
        pending.extend(inner)
    return counted > most


def _texts(value: Any) -> Iterable[str]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from item
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def _children(value: Any) -> Collection[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
