"""Removing what has expired, and what a crash left: bytes without a row, rows without bytes.

What must hold: nothing young is touched, since it may be on its way in; only folders of workspaces that this database
knows are looked into, so two servers that share a bucket by mistake do not empty each other's; where no bytes are
found at all although files are known, the store is taken to be the wrong one, and every row stays.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.objects.comparing import Hourly
from noctule.objects.store import ObjectMissing, ObjectStore, key
from noctule.storage import store
from noctule.storage.domain import StoredFile
from noctule.storage.service.keeping import Keeper, object_key

YOUNG = timedelta(hours=1)
_STEP = 200

log = logging.getLogger(__name__)


class Sweeper:
    """Sweeps files. ``workspaces`` answers the ids of all workspaces of this database."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        objects: ObjectStore,
        keeper: Keeper,
        workspaces: Callable[[], Awaitable[Iterable[str]]],
        retention: timedelta | None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._objects = objects
        self._keeper = keeper
        self._workspaces = workspaces
        self._retention = retention
        self._hourly = Hourly(self.compare, "files", clock)

    async def sweep(self) -> None:
        """One chore of a worker: remove some of what has expired; once an hour, begin to compare rows and bytes."""
        if self._retention is not None:
            await self.expire(self._retention)
        self._hourly.look()

    async def close(self) -> None:
        """End what is under way."""
        await self._hourly.close()

    async def expire(self, retention: timedelta) -> int:
        """Remove some of the files that are older than that; how many."""
        before = self._clock.now() - retention

        def step(connection: Connection) -> list[StoredFile]:
            found = store.older(connection, before, _STEP)
            store.remove(connection, [file.id for file in found])
            return found

        gone = await self._database.write(step)
        if gone:
            await self._keeper.discard(gone)
        return len(gone)

    async def compare(self) -> tuple[int, int]:
        """Remove bytes without a row and rows without bytes; how many of each. Raises ``Unavailable``."""
        before = self._clock.now() - YOUNG
        swept, found, lost = 0, 0, list[StoredFile]()
        for workspace_id in await self._workspaces():
            prefix = key("files", workspace_id)
            # Bytes first: a row that comes in between has its bytes, and what was listed keeps its row.
            there = {each.key: each.stored_at async for each in self._objects.list(prefix)}
            rows = await self._database.read(partial(store.of_workspace, workspace_id=workspace_id))
            known = {object_key(file) for file in rows}
            orphans = [each for each, stored_at in there.items() if each not in known and stored_at < before]
            await self._objects.delete(orphans)
            swept, found = swept + len(orphans), found + len(there)
            lost += [file for file in rows if object_key(file) not in there and file.created_at < before]
        if lost and not found:
            log.error(
                "none of the %d files that are known is where files are kept: is that the right place?", len(lost)
            )
            return swept, 0
        gone = [file for file in lost if await self._is_gone(file)]
        if gone:
            await self._database.write(lambda connection: store.remove(connection, [file.id for file in gone]))
            log.error("the bytes of %d files were gone, and so their names were removed", len(gone))
        return swept, len(gone)

    async def _is_gone(self, file: StoredFile) -> bool:
        try:
            await self._objects.size(object_key(file))
        except ObjectMissing:
            return True
        return False
