"""Exports over HTTP: a workspace's month as a stream, read piece by piece.

No database thread waits for a client: each piece is a short read of its own, and pieces of one workspace
are one snapshot all the same. What a slow client holds is one piece.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

from noctule.db.engine import Database
from noctule.kit.errors import TooManyRequests, Unavailable
from noctule.metering.service import Month
from noctule.metering.service.export import Export, ExportFormat

_AT_ONCE = 2
_PIECE_TIMEOUT_SECONDS = 60.0
_LONGEST_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Document:
    """An export that has begun. ``pieces`` breaks off with an error if the database goes away meanwhile."""

    filename: str
    pieces: AsyncIterator[bytes]


class Exports:
    """The exports that are on their way: two of one workspace, and one piece at a time of all."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._running: Counter[str] = Counter()
        self._reading = asyncio.Lock()

    async def open(self, workspace_id: str, name: str, month: Month, format: ExportFormat) -> Document:
        """Begin one. Raises ``TooManyRequests`` if the workspace has two already, ``Unavailable``."""
        if self._running[workspace_id] >= _AT_ONCE:
            raise TooManyRequests(f"This workspace has {_AT_ONCE} exports on their way already; wait for one to end.")
        try:
            async with asyncio.timeout(_PIECE_TIMEOUT_SECONDS):
                export = await self._database.read(
                    lambda connection: Export.begin(
                        connection, format, workspace_id, month.start, month.end, {workspace_id: name}
                    )
                )
        except TimeoutError as error:
            raise Unavailable("The export cannot be read right now.") from error
        return Document(f"noctule-{format.value}-{month.key}.csv", self._pieces(workspace_id, export))

    async def _pieces(self, workspace_id: str, export: Export) -> AsyncIterator[bytes]:
        self._running[workspace_id] += 1
        deadline = asyncio.get_running_loop().time() + _LONGEST_SECONDS
        try:
            while (piece := await self._next(export)) is not None:
                if piece:
                    yield piece
                if asyncio.get_running_loop().time() > deadline:
                    raise Unavailable(
                        "The export took longer than half an hour to fetch; `noctule usage export` is better."
                    )
        finally:
            self._running[workspace_id] -= 1
            if not self._running[workspace_id]:
                del self._running[workspace_id]

    async def _next(self, export: Export) -> bytes | None:
        try:
            async with asyncio.timeout(_PIECE_TIMEOUT_SECONDS), self._reading:
                return await self._database.read(export.next)
        except TimeoutError as error:
            raise Unavailable("The export cannot be read right now.") from error
