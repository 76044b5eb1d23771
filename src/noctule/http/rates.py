"""Requests a minute, by caller, in memory.

A window of 60 seconds opens with a caller's first request and admits ``limit`` of them. Windows are
counted in monotonic time; only what the client is told about their end is wall time. What is remembered
is bounded: the oldest windows are forgotten first.
"""

import math
from dataclasses import dataclass

from noctule.kit.clock import Clock

WINDOW_SECONDS = 60.0
_MOST_WINDOWS = 50_000


@dataclass(slots=True)
class _Window:
    opened: float
    count: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a caller may still send. ``resets_at`` is Unix time, whole seconds, never too early."""

    allowed: bool
    limit: int
    remaining: int
    resets_at: int
    retry_after_seconds: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The three headers that every response carries."""
        return [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.resets_at),
        ]


class RateLimiter:
    """Counts requests of many callers."""

    def __init__(self, clock: Clock, most_windows: int = _MOST_WINDOWS) -> None:
        self._clock = clock
        self._most = most_windows
        # In order of opening, since an expired window is taken out before its successor goes in.
        self._windows: dict[str, _Window] = {}

    def hit(self, who: str, limit: int) -> Allowance:
        """Count one request of ``who``, who has ``limit`` of them a window."""
        now = self._clock.monotonic()
        window = self._windows.get(who)
        if window is None or now - window.opened >= WINDOW_SECONDS:
            self._windows.pop(who, None)
            window = self._windows[who] = _Window(now, 0)
            self._forget(now)
        allowed = window.count < limit
        if allowed:
            window.count += 1
        left = window.opened + WINDOW_SECONDS - now
        return Allowance(
            allowed=allowed,
            limit=limit,
            remaining=max(0, limit - window.count),
            resets_at=math.ceil(self._clock.now().timestamp() + left),
            retry_after_seconds=max(1, math.ceil(left)),
        )

    def __len__(self) -> int:
        return len(self._windows)

    def _forget(self, now: float) -> None:
        while len(self._windows) > 1:
            oldest = next(iter(self._windows))
            if len(self._windows) <= self._most and now - self._windows[oldest].opened < WINDOW_SECONDS:
                return
            del self._windows[oldest]
