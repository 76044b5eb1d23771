"""What happened, for whoever wants to hear of it: written in the very transaction that made it happen.

An announcement has a natural key, so the same thing is announced once however often it is tried.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Announcement:
    """One thing that happened in a workspace. ``data`` is JSON and holds no secret."""

    key: str
    workspace_id: str
    type: str
    at: datetime
    data: Mapping[str, Any]


class Outbox(Protocol):
    """Takes announcements in the caller's transaction: they are sent if, and only if, it commits."""

    def add(self, connection: Connection, announcements: Sequence[Announcement]) -> None:
        """Note what happened for every endpoint that wants it; a key that was there before is left alone."""
        ...


class NoOutbox:
    """Nobody listens."""

    def add(self, connection: Connection, announcements: Sequence[Announcement]) -> None:
        """Forget it."""
