"""Comparing what is in a store with what is known of it: once an hour, for the tags whose objects a crash can strand.

What must always hold: a store may have much to list, so whoever asks does not wait for it; there is one comparison at a
time; one that fails ends nothing, and the next hour tries again.
"""

import logging
from collections.abc import Awaitable, Callable

from noctule.kit.clock import Clock
from noctule.kit.errors import Unavailable
from noctule.kit.tasks import Owned

_EVERY_SECONDS = 3600.0
_CLOSE_SECONDS = 2.0

log = logging.getLogger(__name__)


class Hourly:
    """Runs ``compare`` once an hour; ``of`` is what it compares, for the log."""

    def __init__(self, compare: Callable[[], Awaitable[object]], of: str, clock: Clock) -> None:
        self._compare = compare
        self._of = of
        self._clock = clock
        self._tasks = Owned()
        self._next_at = clock.monotonic()

    def look(self) -> None:
        """Begin to compare if it is time."""
        now = self._clock.monotonic()
        if now >= self._next_at and not self._tasks.busy:
            self._next_at = now + _EVERY_SECONDS
            self._tasks.spawn(self._compare_quietly())

    async def close(self) -> None:
        """End what is under way."""
        await self._tasks.drain(_CLOSE_SECONDS)

    async def _compare_quietly(self) -> None:
        try:
            await self._compare()
        except Unavailable as error:
            log.warning("%s could not be compared with their bytes; the next hour tries again: %s", self._of, error)
        except Exception:
            log.exception("comparing %s with their bytes failed; the next hour tries again", self._of)
