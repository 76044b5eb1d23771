"""The sessions that this process holds: what the database need not know each second.

A session is here from the commit that made it active until the commit that ended it. Everything in here
is rebuilt from nothing at a restart, when the browsers are gone as well.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from noctule.browser.commands import Traffic
from noctule.sessions.domain import CloseReason, Session


@dataclass(slots=True)
class Ending:
    """An end that was begun: the browser is given back, the commit may still be due."""

    reason: CloseReason
    error: str | None
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class WithProfile:
    """The profile that a session began with; ``persists``: it is saved when the session ends."""

    id: str
    persists: bool


@dataclass(slots=True)
class LiveSession:
    """One live session. ``lock`` orders its end and the steps of its trajectory, ``saving`` its profile's saves."""

    session: Session
    last_accessed_at: datetime
    foreign_cdp_url: str | None = field(default=None, repr=False)
    ending: Ending | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    profile: WithProfile | None = None
    saving: asyncio.Lock = field(default_factory=asyncio.Lock)


class LiveSessions:
    """The live sessions by id."""

    def __init__(self) -> None:
        self._by_id: dict[str, LiveSession] = {}

    def add(self, live: LiveSession) -> None:
        """Take a session in."""
        self._by_id[live.session.id] = live

    def get(self, session_id: str) -> LiveSession | None:
        """The live session with this id, if this process holds it."""
        return self._by_id.get(session_id)

    def remove(self, session_id: str) -> None:
        """Let a session go; unknown ids are fine."""
        self._by_id.pop(session_id, None)

    def all(self) -> tuple[LiveSession, ...]:
        """Every live session, oldest first."""
        return tuple(self._by_id.values())
