"""Browsers whose sessions are over and whose profiles are still to be kept.

What must always hold: such a browser has no network, no streams and no session; it is destroyed when its profile was
kept, or could not be, or when nobody came to keep it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from noctule.browser.assembly import Browser
from noctule.browser.commands import BrowserLost, KeepProfile, KeptProfile
from noctule.browser.profile.keeping import KEEPING_SECONDS, Keeper

_UNCLAIMED_SECONDS = 30.0


@dataclass(eq=False)
class _Waiting:
    browser: Browser
    last_look: asyncio.Future[Any] | None
    kept: asyncio.Event = field(default_factory=asyncio.Event)
    is_claimed: bool = False


class Retired:
    """Browsers by the session that they had. ``supervise`` takes work that must come to its end; a browser that nobody
    comes for within ``patience_seconds`` is let go."""

    def __init__(
        self,
        keeper: Keeper,
        supervise: Callable[[Coroutine[Any, Any, None]], None],
        patience_seconds: float = _UNCLAIMED_SECONDS,
    ) -> None:
        self._patience_seconds = patience_seconds
        self._keeper = keeper
        self._supervise = supervise
        self._waiting: dict[str, _Waiting] = {}

    def add(self, session_id: str, browser: Browser, last_look: asyncio.Future[Any] | None) -> None:
        """Take a browser over. Its pages stay as they are until the last look at them is over, which is soon."""
        waiting = self._waiting[session_id] = _Waiting(browser, last_look)
        self._supervise(self._until_kept(session_id, waiting))

    async def keep(self, session_id: str, wish: KeepProfile) -> KeptProfile:
        """Keep the profile of a browser, which ends with that; errors as of ``Fleet.keep_profile``."""
        waiting = self._waiting.get(session_id)
        if waiting is None or waiting.is_claimed:
            raise BrowserLost(f"Session {session_id} has no browser")
        waiting.is_claimed = True
        try:
            if waiting.last_look is not None:
                await asyncio.wait((waiting.last_look,))
            return await self._keeper.keep_last(waiting.browser, wish)
        finally:
            waiting.kept.set()

    def close(self) -> None:
        """Wait for nobody any more."""
        for waiting in self._waiting.values():
            waiting.kept.set()

    async def _until_kept(self, session_id: str, waiting: _Waiting) -> None:
        try:
            await waiting.browser.retire()
            if not await _comes(waiting.kept, self._patience_seconds) and waiting.is_claimed:
                await _comes(waiting.kept, KEEPING_SECONDS)
        finally:
            self._waiting.pop(session_id, None)
            await waiting.browser.destroy()


async def _comes(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
