"""What a session's trajectory keeps: JSON that any store can keep, long texts cut, secrets masked.

What must always hold: a value that may be a secret is masked, and a field that nobody could look at may be one.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from noctule.page.domain.outcomes import Outcome, echo

_MASK = "********"
_LONGEST_TEXT = 10_000
_LONGEST_LIST = 1_000
_DEEPEST = 20
_SECRET_FORM_KEYS = frozenset({"password", "current_password", "new_password", "totp", "cc_number", "cc_cvv"})
_FILLS = frozenset({"fill", "fallback_fill"})


def trajectory_value(action: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """The ``execution_result`` of an action that was tried."""
    value = {
        "started_at": outcome.started_at.isoformat(),
        "ended_at": outcome.ended_at.isoformat(),
        "action": _without_secrets(echo(action, outcome.found), outcome),
        "success": outcome.success,
        "message": outcome.message,
        "data": None if outcome.data is None else dict(outcome.data),
        "exception": outcome.failure.message if outcome.failure else None,
    }
    return {key: kept(item) for key, item in value.items()}


def secrets_of(action: Mapping[str, Any], outcome: Outcome) -> frozenset[str]:
    """The texts of an action that was tried which nobody may keep."""
    value, kind = action.get("value"), action.get("type")
    if kind == "form_fill" and isinstance(value, Mapping):
        return frozenset(str(text) for key, text in value.items() if key in _SECRET_FORM_KEYS)
    return frozenset({str(value)}) if value is not None and _is_secret(kind, outcome) else frozenset()


def _without_secrets(action: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    value, kind = action.get("value"), action.get("type")
    if kind == "form_fill" and isinstance(value, Mapping):
        return {**action, "value": {key: _MASK if key in _SECRET_FORM_KEYS else text for key, text in value.items()}}
    return {**action, "value": _MASK} if value is not None and _is_secret(kind, outcome) else action


def _is_secret(kind: Any, outcome: Outcome) -> bool:
    """Whether the one value of an action may be a secret. Whether the field of a fill that failed was one for
    passwords, nobody has seen."""
    return kind == "multi_factor_fill" or (kind in _FILLS and (outcome.is_secret or not outcome.success))


def kept(value: Any, depth: int = 0) -> Any:
    """JSON that any store can keep: bounded in length and depth, valid Unicode, 64-bit integers."""
    match value:
        case str():
            text = value.encode("utf-8", "replace").decode()
            cut = len(text) - _LONGEST_TEXT
            return f"{text[:_LONGEST_TEXT]}… ({cut} characters left out)" if cut > 0 else text
        case dict() | list() if depth == _DEEPEST:
            return "…"
        case dict():
            return {kept(key): kept(item, depth + 1) for key, item in islice(value.items(), _LONGEST_LIST)}
        case list():
            return [kept(item, depth + 1) for item in value[:_LONGEST_LIST]]
        case int() if not -(2**63) <= value < 2**63:
            return str(value)
        case _:
            return value
