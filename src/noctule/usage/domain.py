"""What ``period`` may say, and what a line of the request log is. No I/O, no locale, no guessing."""

import re
from datetime import datetime
from typing import NamedTuple, Protocol

ACCEPTED_PERIODS = "a month such as 'May 2025', 'Sept 2025' or '2025-05'"
LONGEST_PERIOD = 100

_MONTHS = (
    ("january", "jan"),
    ("february", "feb"),
    ("march", "mar"),
    ("april", "apr"),
    ("may",),
    ("june", "jun"),
    ("july", "jul"),
    ("august", "aug"),
    ("september", "sep", "sept"),
    ("october", "oct"),
    ("november", "nov"),
    ("december", "dec"),
)
_BY_NAME = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names}
_NAMED = re.compile(r"([a-z]{3,9})\s+([0-9]{4})", re.ASCII)
_NUMBERED = re.compile(r"([0-9]{4})-([0-9]{2})", re.ASCII)


class Period(NamedTuple):
    """A calendar month."""

    year: int
    month: int


class BadPeriod(ValueError):
    """A text that names no month."""


def parse_period(text: str | None) -> Period | None:
    """The month that ``period`` asks for; ``None``, the current one, where it is absent or blank.

    English month names, whole or of three letters (``sept`` too), any case, before a year of four digits;
    or ``YYYY-MM``. Raises ``BadPeriod`` for everything else.
    """
    trimmed = (text or "").strip().lower()
    if not trimmed:
        return None
    if len(trimmed) <= LONGEST_PERIOD:
        if named := _NAMED.fullmatch(trimmed):
            year, month = int(named[2]), _BY_NAME.get(named[1], 0)
        elif numbered := _NUMBERED.fullmatch(trimmed):
            year, month = int(numbered[1]), int(numbered[2])
        else:
            raise BadPeriod(text)
        if year >= 1 and 1 <= month <= 12:
            return Period(year, month)
    raise BadPeriod(text)


class LogLine(Protocol):
    """One authenticated request. ``endpoint`` is the path as called, without its query."""

    @property
    def workspace_id(self) -> str: ...
    @property
    def key_id(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def status(self) -> int: ...
    @property
    def duration_ms(self) -> int: ...
    @property
    def created_at(self) -> datetime: ...


class LoggedRequest(NamedTuple):
    """A line as it is read back."""

    endpoint: str
    duration_ms: int
    created_at: datetime
