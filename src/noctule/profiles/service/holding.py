"""Who may change a profile, and what sessions need of profiles.

Steps that take a ``Connection`` are part of the caller's transaction: a session begins to hold its profile in the one
that writes down its start, and lets go in the one that ends it, or when it was saved.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

from sqlalchemy import Connection

from noctule.browser.commands import BrowserLost, CommandFailed, KeepProfile, KeptProfile, StoredProfile
from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.errors import BrowserFailed, Conflict, Deleted, NoctuleError, NotFound
from noctule.kit.failpoints import failpoint
from noctule.objects.store import ObjectMissing
from noctule.profiles import store
from noctule.profiles.domain import CHANGE_LASTS, Holder, Profile, Version
from noctule.profiles.service.states import StoredState
from noctule.profiles.service.versions import Versions

log = logging.getLogger(__name__)

Keep = Callable[[KeepProfile], Awaitable[KeptProfile]]

_SETTLING_SECONDS = 20.0
# Most saves take a fraction of a second; one that nobody finishes must not cost a query every moment.
_LOOK_AGAIN_SECONDS, _LOOK_AGAIN_AT_LAST_SECONDS = 0.02, 0.5
_READ_TRIES = 3
_NOT_SAVED = "The last save failed, and the state before it is still there: "


def seen_by(workspace_id: str, profile_id: str, found: Profile | None) -> Profile:
    """The profile, if it is there for that workspace. Raises ``NotFound``, ``Deleted``."""
    if found is None or found.workspace_id != workspace_id:
        raise NotFound(f"Profile {profile_id!r} was not found.")
    if found.deleted_at is not None:
        raise Deleted(f"Profile {profile_id!r} was deleted.")
    return found


class Holding:
    """Lends profiles to sessions and to changes. ``most_bytes`` is what the files of one may have."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        versions: Versions,
        instance_id: str,
        boot_id: str,
        most_bytes: int,
    ) -> None:
        self._database = database
        self._clock = clock
        self._versions = versions
        self._instance_id = instance_id
        self._boot_id = boot_id
        self._most_bytes = most_bytes

    # -- for sessions --------------------------------------------------------------------------------------

    async def settled(self, workspace_id: str, profile_id: str) -> Profile:
        """The profile, once no save of it is under way.

        Raises ``NotFound``, ``Deleted``, and ``Conflict`` if that takes too long.
        """
        deadline = asyncio.get_running_loop().time() + _SETTLING_SECONDS
        pause_seconds = _LOOK_AGAIN_SECONDS
        while True:
            found = await self._database.read(lambda connection: store.find(connection, profile_id))
            profile = seen_by(workspace_id, profile_id, found)
            holder = self.holder_of(profile)
            if holder is None or holder.until is None:
                return profile
            if asyncio.get_running_loop().time() > deadline:
                raise Conflict(f"Profile {profile_id!r} is still being saved; try again in a moment.")
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(1.2 * pause_seconds, _LOOK_AGAIN_AT_LAST_SECONDS)

    def take(
        self,
        connection: Connection,
        workspace_id: str,
        profile_id: str,
        holder_id: str,
        *,
        lasts: timedelta | None = None,
    ) -> Profile:
        """Hold a profile, for so long or until it is let go.

        Raises ``NotFound``, ``Deleted``, and ``Conflict`` naming the session that holds it.
        """
        profile = seen_by(workspace_id, profile_id, store.find(connection, profile_id, to_change=True))
        holder = self.holder_of(profile)
        if holder is not None and holder.id != holder_id:
            raise held(profile_id, holder)
        if holder is None or holder.until is not None:
            until = None if lasts is None else self._clock.now() + lasts
            store.hold(connection, profile_id, Holder(holder_id, self._instance_id, self._boot_id, until))
        return profile

    def see(self, connection: Connection, workspace_id: str, profile_id: str) -> Profile:
        """A profile that is only read. Raises ``NotFound``, ``Deleted``."""
        return seen_by(workspace_id, profile_id, store.find(connection, profile_id))

    async def load(self, profile: Profile) -> StoredProfile | None:
        """What a session with this profile begins with, ``None`` for nothing yet; raises as ``settled``."""
        found, stored = await self.contents(profile)
        if found.state_key is None:
            return None
        return StoredProfile(stored.state, found.archive_key)

    async def contents(self, profile: Profile) -> tuple[Profile, StoredState]:
        """The profile as it is now and its state. Raises ``NotFound``, ``Deleted``, ``Conflict``."""
        for _ in range(_READ_TRIES):
            try:
                return profile, await self._versions.state(profile)
            except ObjectMissing:
                # A later version has taken its place since the row was read.
                found = await self._database.read(lambda connection: store.find(connection, profile.id))  # noqa: B023
                profile = seen_by(profile.workspace_id, profile.id, found)
        raise Conflict(f"Profile {profile.id!r} is not all there; what was kept of it is lost.")

    def closing(self, connection: Connection, session_id: str) -> None:
        """The session has ended, and its profile will be saved in a moment."""
        store.bound(connection, session_id, self._clock.now() + CHANGE_LASTS)

    def let_go(self, connection: Connection, holder_ids: Iterable[str]) -> None:
        """Whatever these hold is free."""
        store.let_go(connection, holder_ids)

    async def keep(self, profile: Profile, holder_id: str, keep: Keep, *, lets_go: bool) -> Profile:
        """Give a profile that is held a new version of what ``keep`` answers; answers the profile.

        Whatever is raised, the version before stays, and the profile says why. Raises ``Conflict`` for too much,
        ``BrowserFailed``, ``Unavailable``.
        """
        keys = await self._versions.begin(profile.workspace_id, profile.id)
        try:
            kept = await keep(KeepProfile(keys[1], self._most_bytes))
            failpoint("profile.after_archive")
            stored = StoredState(kept.state, kept.hosts)
            await self._versions.write_state(keys[0], stored)
            failpoint("profile.after_state")
            version = Version(keys[0], None if kept.archive_bytes is None else keys[1], stored.domains)
            return await self._database.write(
                lambda connection: self._versions.commit(connection, profile.id, holder_id, version, lets_go=lets_go)
            )
        except Exception as error:
            failure = _for_people(error)
            await self._give_up(profile.id, holder_id, keys, failure.message, lets_go=lets_go)
            if failure is error:
                raise
            raise failure from error

    async def _give_up(
        self, profile_id: str, holder_id: str, keys: tuple[str, ...], why: str, *, lets_go: bool
    ) -> None:
        def step(connection: Connection) -> None:
            store.note_failure(connection, profile_id, holder_id, _NOT_SAVED + why)
            self._versions.abandon(connection, keys)
            if lets_go:
                store.let_go(connection, (holder_id,), profile_id)

        try:
            await self._database.write(step)
        except NoctuleError as error:
            log.error("could not note why profile %s was not saved: %s", profile_id, error)

    def holder_of(self, profile: Profile) -> Holder | None:
        """Who keeps others from changing a profile right now."""
        holder = profile.holder
        if holder is None:
            return None
        is_held = holder.holds(instance_id=self._instance_id, boot_id=self._boot_id, now=self._clock.now())
        return holder if is_held else None


def held(profile_id: str, holder: Holder) -> Conflict:
    """The error that says who holds a profile."""
    if holder.until is None:
        return Conflict(
            f"Profile {profile_id!r} is open for saving in session {holder.id}; stop it, or start without persist.",
            detail={"reason": "profile_in_use", "session_id": holder.id},
        )
    return Conflict(f"Profile {profile_id!r} is being changed right now; try again in a moment.")


def _for_people(error: Exception) -> NoctuleError:
    match error:
        case NoctuleError():
            return error
        case CommandFailed(kind="ProfileTooLarge"):
            return Conflict(error.message)
        case CommandFailed() | BrowserLost():
            return BrowserFailed(f"The profile could not be saved: {error}")
    log.error("a profile could not be saved", exc_info=error)
    return BrowserFailed("The profile could not be saved.")
