"""One clock for a session: the browser's monotonic one, set against wall time once.

A browser of this machine reads the very clock that we read (``CLOCK_MONOTONIC``); one elsewhere has its own, which is
laid over ours by the first message that tells its time. What must always hold: two instants of one session are as far
apart as they were on the browser's clock, whatever the wall clock did meanwhile.
"""

import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# No clock that begins with its machine says more; one that does must not lead beyond the calendar.
_MOST_SECONDS = 1e9


class BrowserClock:
    """Turns seconds on the browser's clock into instants. ``is_ours``: it is this machine's."""

    def __init__(self, *, is_ours: bool) -> None:
        self._zero = 0.0
        self.begin()
        self._ahead: float | None = 0.0 if is_ours else None

    def begin(self) -> None:
        """Set its zero against wall time: once, when the session begins."""
        self._zero = time.time() - time.monotonic()

    @property
    def is_set(self) -> bool:
        """Whether it is known how late it is there."""
        return self._ahead is not None

    def set(self, timestamp: float) -> float:
        """A message that has just come says that it is so late there; answers by how much ``now`` has moved."""
        if self._ahead is None and timestamp:
            self._ahead = timestamp - time.monotonic()
            return self._ahead
        return 0.0

    @property
    def now(self) -> float:
        """Seconds on the browser's clock."""
        return time.monotonic() + (self._ahead or 0.0)

    def at(self, timestamp: float) -> datetime:
        """The instant of a number of seconds on the browser's clock."""
        seconds = max(-_MOST_SECONDS, min(_MOST_SECONDS, timestamp - (self._ahead or 0.0))) + self._zero
        return _EPOCH + timedelta(microseconds=round(seconds * 1_000_000))
