"""Payload errors in words: which input, what was expected, what was given.

Official clients search the message for the validator's own texts (``Extra inputs are not permitted``) and
for the values that would have been right. What may be a secret is never repeated: neither under a name
that says so, nor inside a larger input, nor under a name that we do not know.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from noctule.http.replies import json_safe
from noctule.kit.log import redact

REDACTED = "[redacted]"

_SECRET_NAMES = frozenset(
    {
        "api_key",
        "apikey",
        "authorization",
        "auth",
        "card",
        "cookie",
        "credentials",
        "cvv",
        "email",
        "extra_http_headers",
        "key",
        "mfa_secret",
        "oauth_client_id",
        "oauth_client_secret",
        "password",
        "secret",
        "token",
        "username",
        "value",
        "variables",
        "x-notte-api-key",
    }
)
# Nothing to repeat: the input is the whole object around a missing name, or a name that we do not know.
_WITHOUT_INPUT = frozenset({"missing", "extra_forbidden", "json_invalid"})
# ``user:password@`` without the scheme by which log redaction knows it.
_USERINFO = re.compile(r"[^\s/@:'\"]*:(?!//\[redacted\]@)[^\s@]*@")
# More than is ever echoed. The patterns take time that grows with the square of the length.
_LONGEST_SEARCHED = 2000
_MOST_ERRORS = 8
_MOST_DETAILS = 50
_LONGEST_ECHO = 120


def described(errors: Iterable[Mapping[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """A message for people and a list in FastAPI's shape, both without secrets and fit for JSON."""
    every = list(errors)
    detail = [_cleaned(error) for error in every[:_MOST_DETAILS]]
    lines = [_line(error) for error in detail[:_MOST_ERRORS]]
    if len(every) > _MOST_ERRORS:
        lines.append(f"and {len(every) - _MOST_ERRORS} more")
    return "; ".join(lines), detail


def _cleaned(error: Mapping[str, Any]) -> dict[str, Any]:
    place = [part if isinstance(part, int) else str(json_safe(part)) for part in error.get("loc", ())]
    kind = str(error.get("type", "value_error"))
    text = str(error.get("msg", "not valid"))
    cleaned: dict[str, Any] = {"type": kind, "loc": place, "msg": _without_credentials(str(json_safe(text)))}
    if kind == "extra_forbidden":
        cleaned["input"] = REDACTED
    elif "input" in error:
        cleaned["input"] = _public(place, error["input"])
    if error.get("ctx"):
        cleaned["ctx"] = {name: json_safe(item) for name, item in error["ctx"].items()}
    if place == ["body"] and isinstance(error.get("input"), bytes):
        cleaned["msg"] += ". Send JSON with the header Content-Type: application/json"
    return cleaned


def _public(place: Sequence[str | int], value: Any) -> Any:
    names = [part.lower() for part in place if isinstance(part, str)]
    if any(name in _SECRET_NAMES for name in names) or (names and names[-1] == "cookies"):
        return REDACTED
    return json_safe(_without_secrets(value))


def _without_secrets(value: Any, depth: int = 0) -> Any:
    if depth > 12:
        return REDACTED
    if isinstance(value, Mapping):
        return {
            name: REDACTED if str(name).lower() in _SECRET_NAMES else _without_secrets(item, depth + 1)
            for name, item in islice(value.items(), _MOST_DETAILS)
        }
    if isinstance(value, list | tuple):
        return [_without_secrets(item, depth + 1) for item in value[:_MOST_DETAILS]]
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return _without_credentials(value) if isinstance(value, str) else value


def _without_credentials(text: str) -> str:
    return _USERINFO.sub("[redacted]@", redact(text[:_LONGEST_SEARCHED]))


def _line(error: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    kind = error["type"]
    text = f"{where}: {error['msg']}" if where else str(error["msg"])
    if kind == "extra_forbidden":
        return f"{text} [extra_forbidden]"
    if kind == "json_invalid":
        return f"{text}: {error.get('ctx', {}).get('error', 'unreadable')}"
    if "input" not in error or kind in _WITHOUT_INPUT:
        return text
    given = repr(error["input"])
    return f"{text} (got {given if len(given) <= _LONGEST_ECHO else given[:_LONGEST_ECHO] + '…'})"
