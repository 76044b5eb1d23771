"""A clock that moves only when it is told to."""

from datetime import UTC, datetime, timedelta


class FrozenClock:
    """Wall and monotonic time, advanced by hand; ``jump`` moves the wall clock alone."""

    def __init__(self, start: datetime = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an administrator would."""
        self._now += timedelta(seconds=seconds)
