"""What may be asked of a page beside the browser's own commands, and what comes of it; no I/O.

An action of the API becomes one *deed*: a command for the browser, or one of the three classes here that
need no browser. Its ``Outcome`` is always a fact to report, never an HTTP error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

_MASK = "********"
_LONGEST_TEXT = 10_000
_LONGEST_LIST = 1_000
_DEEPEST = 20
_SECRET_FORM_KEYS = frozenset({"password", "current_password", "new_password", "totp", "cc_number", "cc_cvv"})


@dataclass(frozen=True, slots=True)
class Complete:
    """The end of a task, reported by whoever drives the page; nothing happens to the page."""

    success: bool
    answer: str


@dataclass(frozen=True, slots=True)
class AskForHelp:
    """Whoever drives the page cannot go on."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotSupported:
    """A known action that this version cannot carry out."""

    action_type: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an action failed. ``kind`` is the contract's error class; ``message`` is for people."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one action. ``markdown`` is text that the action brought back, ``None`` if it brings none."""

    started_at: datetime
    ended_at: datetime
    message: str
    markdown: str | None = None
    failure: Failure | None = None

    @property
    def success(self) -> bool:
        """Whether the action was carried out."""
        return self.failure is None


def trajectory_value(action: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """The ``execution_result`` that a session's trajectory keeps: JSON, long texts cut, secrets masked."""
    value = {
        "started_at": outcome.started_at.isoformat(),
        "ended_at": outcome.ended_at.isoformat(),
        "action": _without_secrets(action),
        "success": outcome.success,
        "message": outcome.message,
        "data": None if outcome.markdown is None else {"markdown": outcome.markdown},
        "exception": outcome.failure.message if outcome.failure else None,
    }
    return {key: _kept(item) for key, item in value.items()}


def _without_secrets(action: Mapping[str, Any]) -> dict[str, Any]:
    kept = dict(action)
    value = kept.get("value")
    if action.get("type") == "multi_factor_fill" and value is not None:
        kept["value"] = _MASK
    if action.get("type") == "form_fill" and isinstance(value, Mapping):
        kept["value"] = {key: _MASK if key in _SECRET_FORM_KEYS else text for key, text in value.items()}
    return kept


def _kept(value: Any, depth: int = 0) -> Any:
    """JSON that any store can keep: bounded in length and depth, valid Unicode, 64-bit integers."""
    match value:
        case str():
            text = value.encode("utf-8", "replace").decode()
            cut = len(text) - _LONGEST_TEXT
            return f"{text[:_LONGEST_TEXT]}… ({cut} characters left out)" if cut > 0 else text
        case dict() | list() if depth == _DEEPEST:
            return "…"
        case dict():
            return {_kept(key): _kept(item, depth + 1) for key, item in islice(value.items(), _LONGEST_LIST)}
        case list():
            return [_kept(item, depth + 1) for item in value[:_LONGEST_LIST]]
        case int() if not -(2**63) <= value < 2**63:
            return str(value)
        case _:
            return value
