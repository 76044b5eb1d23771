"""What is billed: meters, natural keys, started minutes.

An event's key says what it is for, so the same use can be booked once only; a key that comes back with
other content is a bug and raises ``KeyReused``.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import msgspec

CORRECTION = "correction"
"""The prefix of a correction's key, its unit and its price: no quantity, no place in a chain, only money."""

MINUTE = timedelta(minutes=1)
MINUTE_MICROSECONDS = 60_000_000


class Meter(StrEnum):
    """What is measured."""

    BROWSER = "browser"
    PROXY = "proxy"
    LLM = "llm"
    FUNCTION = "function"


class KeyReused(Exception):
    """A natural key was delivered again with different content."""


class UsageEvent(NamedTuple):
    """One immutable use.

    ``position`` is where it stands in its chain: the number of the minute, the first byte of the range, 0
    for a model call, -1 for a correction, which is in none. ``quantity`` is in ``unit`` (minutes, bytes,
    tokens). ``occurred_at`` is when the minute began, the bytes were counted or the call finished. ``detail``
    and ``tags`` are JSON texts.
    """

    key: str
    account_id: str
    meter: Meter
    occurred_at: datetime
    position: int
    quantity: int
    unit: str
    price_id: str
    cost_nanos: int
    session_id: str | None = None
    agent_id: str | None = None
    function_run_id: str | None = None
    api_key_id: str | None = None
    tags: str = "[]"
    detail: str | None = None
    function_id: str | None = None

    def must_equal(self, booked: "UsageEvent") -> None:
        """Raise ``KeyReused`` unless this is a second delivery of ``booked``."""
        pairs = zip(self._fields, self, booked, strict=True)
        if differing := [name for name, mine, theirs in pairs if mine != theirs]:
            raise KeyReused(f"{self.key} was booked before with another {', '.join(differing)}")


class _Detail(msgspec.Struct):
    model: str = ""


@lru_cache(maxsize=1024)
def model_of(detail: str) -> str:
    """The model that an event's ``detail`` speaks of; empty if of none."""
    return msgspec.json.decode(detail, type=_Detail).model


def correction_key(key: str) -> str:
    """The natural key of a correction."""
    return f"{CORRECTION}:{key}"


def minute_key(meter: Meter, subject_id: str, minute: int) -> str:
    """The natural key of minute ``minute`` (0-based) of a session or a run."""
    return f"{meter.value}:{subject_id}:{minute}"


def proxy_key(session_id: str, from_byte: int) -> str:
    """The natural key of the range of proxied bytes that begins at ``from_byte``."""
    return f"proxy:{session_id}:{from_byte}"


def llm_key(call_id: str) -> str:
    """The natural key of one call to a model."""
    return f"llm:{call_id}"


def started_minutes(witnessed_microseconds: int) -> int:
    """How many minutes a lease owes for its witnessed time: every started one, at least the first."""
    return max(1, -(-witnessed_microseconds // MINUTE_MICROSECONDS))
