"""The sealed objects of profiles: read, written as a new version, deleted when no version wants them.

What must always hold: an object is noted before it is written, so that nothing is left behind by a kill; a profile's
row names a version whose objects are whole; the objects of an earlier one go only after the commit of the later one.
"""

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator

from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.errors import Conflict
from noctule.kit.failpoints import failpoint
from noctule.kit.ids import new_id
from noctule.kit.seal import Sealer
from noctule.objects.store import ObjectMissing, ObjectStore, key
from noctule.profiles import store
from noctule.profiles.domain import ABANDONED_AFTER, REPLACED_AFTER, Profile, Version
from noctule.profiles.service.states import StoredState, decode, encode

log = logging.getLogger(__name__)

MOST_STATE_BYTES = 64 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024
_PURGED_AT_A_TIME = 100
_CHANGED = "The profile was changed or deleted in the meantime; try again."
_NOT_OURS = "The profile cannot be read with this server's key file."


class Versions:
    """What profiles hold. It is also the node's ``Archives``: an archive's name is the key of its object."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer, objects: ObjectStore) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._objects = objects

    async def state(self, profile: Profile) -> StoredState:
        """The state of a profile's version. Raises ``ObjectMissing`` if it has another version by now, ``Conflict``."""
        if profile.state_key is None:
            return StoredState()
        sealed = await self._objects.get(profile.state_key)
        purpose = _purpose(profile.state_key)
        try:
            # It may be some megabytes, and the loop has others to serve.
            return await asyncio.to_thread(lambda: decode(self._sealer.open(purpose, sealed)))
        except ValueError:
            raise Conflict(_NOT_OURS) from None

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """An archive in the clear. Raises ``Conflict``, ``Unavailable``."""
        opener = self._sealer.open_stream(_purpose(name))
        try:
            waiting = bytearray()
            async for chunk in self._objects.stream(name):
                waiting += chunk
                # A way to a thread and back is worth it for no less.
                if len(waiting) >= _PIECE_BYTES:
                    yield await asyncio.to_thread(opener.feed, bytes(waiting))
                    waiting.clear()
            yield await asyncio.to_thread(lambda: opener.feed(bytes(waiting)) + opener.finish())
        except ObjectMissing:
            raise Conflict(_CHANGED) from None
        except ValueError:
            raise Conflict(_NOT_OURS) from None

    async def write(self, name: str, content: AsyncIterable[bytes]) -> int:
        """Seal and keep an archive; answers its size in bytes. Raises ``Unavailable`` and what ``content`` does."""
        sealer = self._sealer.seal_stream(_purpose(name))

        async def sealed() -> AsyncIterator[bytes]:
            async for chunk in content:
                if out := await asyncio.to_thread(sealer.feed, chunk):
                    yield out
            yield sealer.finish()

        return await self._objects.put(name, sealed())

    async def begin(self, workspace_id: str, profile_id: str) -> tuple[str, str]:
        """The keys of a new version's state and archive."""
        version = new_id()
        keys = tuple(key("profiles", workspace_id, profile_id, f"{version}.{part}") for part in ("state", "files"))
        delete_at = self._clock.now() + ABANDONED_AFTER
        await self._database.write(lambda connection: store.begin_objects(connection, keys, delete_at))
        return keys[0], keys[1]

    async def write_state(self, state_key: str, stored: StoredState) -> int:
        """Seal and keep a state; answers how many bytes it takes. Raises ``Conflict`` for one that is too large."""
        sealed = await asyncio.to_thread(lambda: self._sealer.seal(_purpose(state_key), encode(stored)))
        if len(sealed) > MOST_STATE_BYTES:
            raise Conflict(
                f"Cookies and items of a profile may take {MOST_STATE_BYTES // 1024**2} MiB together; "
                f"these would take {len(sealed) / 1024**2:.1f} MiB."
            )
        return await self._objects.put(state_key, sealed)

    def commit(
        self, connection: Connection, profile_id: str, holder_id: str, version: Version, *, lets_go: bool
    ) -> Profile:
        """Make that the profile's version. Raises ``Conflict`` if the holder does not hold it any more."""
        now = self._clock.now()
        before = store.find(connection, profile_id, to_change=True)
        if before is None or not store.replace(connection, profile_id, holder_id, version, now):
            raise Conflict("The profile is not held any more by whoever wanted to change it; nothing was changed.")
        store.keep_objects(connection, version.objects)
        if replaced := set(before.objects) - set(version.objects):
            store.drop_objects(connection, replaced, now + REPLACED_AFTER)
        if lets_go:
            store.let_go(connection, (holder_id,), profile_id)
        after = store.find(connection, profile_id)
        assert after is not None
        failpoint("profile.in_commit")
        return after

    def abandon(self, connection: Connection, keys: tuple[str, ...]) -> None:
        """Objects that no version will come of. One may have: of a commit that was cut short nobody knows whether it
        was carried out, and what it made a version stays."""
        store.abandon_objects(connection, keys, self._clock.now())

    async def purge(self) -> int:
        """Delete what no version wants any more; answers how many objects. For a chore."""
        now = self._clock.now()
        keys = await self._database.read(lambda link: store.unwanted_objects(link, now, _PURGED_AT_A_TIME))
        if keys:
            await self._objects.delete(keys)
            await self._database.write(lambda connection: store.forget_objects(connection, keys))
        return len(keys)


def _purpose(object_key: str) -> str:
    return f"profile:{object_key}"
