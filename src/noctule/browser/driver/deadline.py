"""One bound for a command that takes several calls."""

import asyncio

_LEAST_SECONDS = 0.05


class Deadline:
    """A point in time that many waits share."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.at = asyncio.get_running_loop().time() + seconds

    @property
    def left_seconds(self) -> float:
        """What is left, never quite nothing: a call that is made at the end gets a moment."""
        return max(_LEAST_SECONDS, self.at - asyncio.get_running_loop().time())
