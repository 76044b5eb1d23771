"""Files that a session's browser has downloaded without a command that asked for them.

What must hold: what cannot be kept is told in the log by the reason alone, and ends nothing; one that comes while too
many others do waits for its turn, since no browser asks again.
"""

import asyncio
import logging
from collections.abc import AsyncIterable
from typing import Protocol

from noctule.browser.commands import BrowserDownload
from noctule.kit.errors import NoctuleError, TooManyRequests

log = logging.getLogger(__name__)

_TURN_WITHIN_SECONDS = 60.0
_LOOK_SECONDS = 0.5


class Owners(Protocol):
    """Who knows whose a session is."""

    async def workspace_of(self, session_id: str) -> str:
        """Raises ``NotFound``."""
        ...


class Keeps(Protocol):
    """Who keeps files; ``StorageService`` does."""

    async def keep_stream(
        self, workspace_id: str, session_id: str, name: str, content_type: str | None, chunks: AsyncIterable[bytes]
    ) -> str:
        """Keep a file that a page brought; answers the name that it is listed under from now on."""
        ...


class BrowserDownloads:
    """Keeps what browsers bring; ``keep`` listens to a fleet."""

    def __init__(self, owners: Owners, storage: Keeps, *, turn_within_seconds: float = _TURN_WITHIN_SECONDS) -> None:
        self._owners = owners
        self._storage = storage
        self._turn_within_seconds = turn_within_seconds
        self._last_problem = ("", "")

    async def keep(self, download: BrowserDownload) -> str | None:
        """Keep one; answers its name, ``None`` where there is no room for it or it cannot be kept now."""
        session_id = download.session_id
        try:
            workspace_id = await self._owners.workspace_of(session_id)
            return await self._kept(workspace_id, download)
        except NoctuleError as error:
            # A page may bring one file after the other, and all would fail for the same reason.
            if (problem := (session_id, type(error).__name__)) != self._last_problem:
                self._last_problem = problem
                log.warning("a download of session %s was not kept: %s", session_id, error.message)
            return None

    async def _kept(self, workspace_id: str, download: BrowserDownload) -> str:
        loop = asyncio.get_running_loop()
        last_try_at = loop.time() + self._turn_within_seconds
        while True:
            try:
                return await self._storage.keep_stream(
                    workspace_id, download.session_id, download.name, download.content_type, download.chunks()
                )
            except TooManyRequests:
                if loop.time() >= last_try_at:
                    raise
            await asyncio.sleep(_LOOK_SECONDS)
