"""What went through one listener: bytes, and the last things that it refused.

The three totals never fall between two resets, since money is counted with them.
"""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

_KEPT_REFUSALS = 256


@dataclass(frozen=True, slots=True)
class Refusal:
    """A destination that was not reached: by which rule, and a sentence for people.

    Rules are those of the policy and ``name-not-resolved``, ``connect-failed``, ``connect-timeout``,
    ``upstream-failed``.
    """

    host: str
    port: int
    rule: str
    message: str


class Counted(Protocol):
    """A live connection to the remote side."""

    pooled: bool

    def unsent(self) -> int:
        """Bytes that were counted but still wait in this process."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...


class Traffic:
    """Byte totals of one listener. ``sent`` and ``received`` are added to by its connections; ``proxied``
    is the part of both that went through the operator's pool."""

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0
        self.proxied = 0
        self.live: set[Counted] = set()

    @property
    def request_bytes(self) -> int:
        return self.sent - sum(connection.unsent() for connection in self.live)

    @property
    def response_bytes(self) -> int:
        return self.received

    @property
    def proxied_bytes(self) -> int:
        return self.proxied - sum(connection.unsent() for connection in self.live if connection.pooled)

    def reset(self) -> None:
        self.sent -= self.request_bytes
        self.proxied -= self.proxied_bytes
        self.received = 0

    def forget_unsent(self, connection: Counted) -> None:
        """A connection is dropped with bytes that never left."""
        unsent = connection.unsent()
        self.sent -= unsent
        if connection.pooled:
            self.proxied -= unsent
        self.live.discard(connection)


class Refusals:
    """The last refusals; older ones are forgotten."""

    def __init__(self) -> None:
        self._kept: deque[Refusal] = deque(maxlen=_KEPT_REFUSALS)
        self._count = 0

    def add(self, refusal: Refusal) -> None:
        self._kept.append(refusal)
        self._count += 1

    def mark(self) -> int:
        """Now, for ``since``."""
        return self._count

    def since(self, mark: int) -> list[Refusal]:
        """Refusals after a mark, oldest first, as far as they are remembered."""
        new = max(0, self._count - mark)
        kept = list(self._kept)
        return kept[-new:] if new else []
