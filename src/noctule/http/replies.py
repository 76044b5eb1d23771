"""The one shape of every reply that is not 2xx.

``status`` is in the body too and equals the HTTP code: an official client retries a 5xx only if the body
says so. ``message`` is always a string, since clients search it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from noctule.kit.errors import NoctuleError

_DEEPEST = 12
_LONGEST_TEXT = 500
_MOST_ITEMS = 50


def error_reply(
    status: int, message: str, path: str, detail: Any = None, headers: Mapping[str, str] | None = None
) -> Response:
    """A reply in the error shape; ``detail`` may be anything, it is made fit for JSON."""
    body: dict[str, Any] = {"status": status, "message": message, "path": json_safe(path)}
    if detail is not None:
        body["detail"] = json_safe(detail)
    return Response(msgspec.json.encode(body), status, dict(headers or {}), media_type="application/json")


def reply_to(error: NoctuleError, path: str) -> Response:
    """The reply that an error of ours asks for."""
    return error_reply(error.status, error.message, path, error.detail, error.headers)


def json_safe(value: Any, depth: int = 0) -> Any:
    """The value as JSON can hold it, bounded in depth and size: bytes as text, NaN as its name."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else f"an integer of {value.bit_length()} bits"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes | bytearray):
        value = bytes(value[: _LONGEST_TEXT + 1]).decode("utf-8", "replace")
    if isinstance(value, str):
        text = value.encode("utf-8", "replace").decode()
        return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        pairs = list(value.items())[:_MOST_ITEMS]
        return {str(json_safe(str(name))): json_safe(item, depth + 1) for name, item in pairs}
    if isinstance(value, Sequence | set | frozenset):
        return [json_safe(item, depth + 1) for item in list(value)[:_MOST_ITEMS]]
    return json_safe(str(value), depth)
