"""How figures and instants are written in exports: exact, plain, the same in every locale."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=8192)
def billionths(count: int) -> str:
    """So many 10^-9 as a decimal without exponent: nano-dollars in dollars, bytes in GB. ``0.000833333``."""
    whole, part = divmod(abs(count), 1_000_000_000)
    sign = "-" if count < 0 else ""
    return f"{sign}{whole}.{part:09d}".rstrip("0").rstrip(".")


@lru_cache(maxsize=4096)
def instant(micros: int) -> str:
    """Microseconds since 1970 as ``2026-05-01T12:00:00.250000Z``."""
    return f"{_EPOCH + timedelta(microseconds=micros):%Y-%m-%dT%H:%M:%S.%fZ}"


@lru_cache(maxsize=4096)
def second(seconds: int) -> str:
    """Seconds since 1970 as ``2026-05-01T12:00:00Z``."""
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"
