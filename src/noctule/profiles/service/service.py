"""The use cases of profiles. One of another workspace is one that does not exist."""

import asyncio
from collections.abc import Callable

from sqlalchemy import Connection

from noctule.browser.commands import BrowserCookie, BrowserState
from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.errors import Conflict
from noctule.kit.ids import new_id
from noctule.kit.paging import Page, PageQuery
from noctule.profiles import store
from noctule.profiles.domain import CHANGE_LASTS, MOST_PROFILES, Profile, Version, new_profile_id
from noctule.profiles.service.holding import Holding, held, seen_by
from noctule.profiles.service.importing import Mode, StateImport, with_cookies, with_import
from noctule.profiles.service.states import StoredState
from noctule.profiles.service.versions import Versions

_PURGE_ROUNDS = 20


class ProfileService:
    """Profiles for their owners; ``holding`` is what sessions use, ``archives`` what nodes read and write."""

    def __init__(self, *, database: Database, clock: Clock, versions: Versions, holding: Holding) -> None:
        self._database = database
        self._clock = clock
        self._versions = versions
        self.holding = holding
        self.archives = versions

    async def create(
        self, workspace_id: str, key_id: str, name: str | None, idempotency_key: str | None = None
    ) -> Profile:
        """A new profile, with nothing in it. Raises ``Conflict`` for one too many."""
        new = self._new(workspace_id, key_id, name, idempotency_key)

        def step(connection: Connection) -> Profile:
            if (earlier := store.find(connection, new.id)) is not None:
                return earlier
            self._add(connection, new)
            return new

        return await self._database.write(step)

    async def get(self, workspace_id: str, profile_id: str) -> Profile:
        """The profile. Raises ``NotFound``, ``Deleted``."""
        return await self._database.read(lambda link: self.holding.see(link, workspace_id, profile_id))

    async def page(
        self, workspace_id: str, query: PageQuery, *, name: str | None, only_active: bool, key_id: str | None
    ) -> Page[Profile]:
        """The workspace's profiles, newest first; with a name, those of exactly that one."""
        return await self._database.read(
            lambda link: store.page(link, workspace_id, query, name=name, only_active=only_active, key_id=key_id)
        )

    async def delete(self, workspace_id: str, profile_id: str) -> None:
        """Delete a profile with all that it holds. Sessions that only read it go on.

        Raises ``NotFound``, ``Deleted``, and ``Conflict`` for one that a session will save.
        """

        def step(connection: Connection) -> None:
            profile = seen_by(workspace_id, profile_id, store.find(connection, profile_id, to_change=True))
            if (holder := self.holding.holder_of(profile)) is not None:
                raise held(profile_id, holder)
            now = self._clock.now()
            store.drop_objects(connection, profile.objects, now)
            store.remove(connection, profile_id, now)

        await self.holding.settled(workspace_id, profile_id)
        await self._database.write(step)
        await self.purge()

    async def duplicate(self, workspace_id: str, key_id: str, profile_id: str, name: str | None) -> Profile:
        """A new profile that holds the same. Raises ``NotFound``, ``Deleted``, ``Conflict``."""
        source = await self.holding.settled(workspace_id, profile_id)
        source, stored = await self.holding.contents(source)
        # Before anything is copied, too, which takes its time and its place.
        await self._database.read(lambda link: self._check_room(link, workspace_id))
        new = self._new(workspace_id, key_id, name if name is not None else source.name, None)
        keys = await self._versions.begin(workspace_id, new.id)
        version = Version(keys[0], keys[1] if source.archive_key is not None else None, source.domains)

        def step(connection: Connection) -> Profile:
            self._add(connection, new)
            if source.state_key is None:
                return new
            self.holding.take(connection, workspace_id, new.id, new.id)
            return self._versions.commit(connection, new.id, new.id, version, lets_go=True)

        try:
            if source.state_key is not None:
                await self._versions.write_state(keys[0], stored)
            if source.archive_key is not None:
                # Sealed anew, since a seal is bound to its object.
                await self._versions.write(keys[1], self._versions.read(source.archive_key))
            return await self._database.write(step)
        except BaseException:
            await asyncio.shield(self._give_up(new.id, keys))
            raise

    async def cookies(self, workspace_id: str, profile_id: str) -> tuple[BrowserCookie, ...]:
        """The cookies that are kept. Raises ``NotFound``, ``Deleted``, ``Conflict``."""
        profile = await self.holding.settled(workspace_id, profile_id)
        _, stored = await self.holding.contents(profile)
        return tuple(kept.cookie for kept in stored.state.cookies)

    async def set_cookies(
        self, workspace_id: str, profile_id: str, cookies: tuple[BrowserCookie, ...], mode: Mode
    ) -> Profile:
        """Put cookies in place of those that are kept, or beside them; raises as ``import_state``."""
        return await self._change(workspace_id, profile_id, lambda state: with_cookies(state, cookies, mode))

    async def import_state(self, workspace_id: str, profile_id: str, given: StateImport) -> Profile:
        """Put what is brought along into a profile; ``given`` is within its domains.

        Raises ``NotFound``, ``Deleted``, and ``Conflict`` while a session that will save it is open.
        """
        return await self._change(workspace_id, profile_id, lambda state: with_import(state, given))

    async def purge(self) -> None:
        """Delete the objects that no profile wants any more. For a chore."""
        for _ in range(_PURGE_ROUNDS):
            if not await self._versions.purge():
                return

    async def _change(
        self, workspace_id: str, profile_id: str, change: Callable[[BrowserState], BrowserState]
    ) -> Profile:
        holder_id = new_id()
        await self.holding.settled(workspace_id, profile_id)
        keys: tuple[str, ...] = ()
        try:
            profile = await self._database.write(
                lambda link: self.holding.take(link, workspace_id, profile_id, holder_id, lasts=CHANGE_LASTS)
            )
            profile, before = await self.holding.contents(profile)
            after = StoredState(change(before.state), before.hosts)
            state_key, _ = keys = await self._versions.begin(workspace_id, profile_id)
            await self._versions.write_state(state_key, after)
            version = Version(state_key, profile.archive_key, after.domains)
            return await self._database.write(
                lambda link: self._versions.commit(link, profile_id, holder_id, version, lets_go=True)
            )
        except BaseException:
            await asyncio.shield(self._give_up(holder_id, keys))
            raise

    async def _give_up(self, holder_id: str, keys: tuple[str, ...]) -> None:
        def step(connection: Connection) -> None:
            self.holding.let_go(connection, (holder_id,))
            self._versions.abandon(connection, keys)

        await self._database.write(step)

    def _new(self, workspace_id: str, key_id: str, name: str | None, idempotency_key: str | None) -> Profile:
        now = self._clock.now()
        return Profile(new_profile_id(workspace_id, idempotency_key), workspace_id, key_id, name, now, now)

    def _add(self, connection: Connection, new: Profile) -> None:
        store.serialise(connection, new.workspace_id)
        self._check_room(connection, new.workspace_id)
        store.add(connection, new)

    def _check_room(self, connection: Connection, workspace_id: str) -> None:
        if store.count(connection, workspace_id) >= MOST_PROFILES:
            raise Conflict(f"A workspace has at most {MOST_PROFILES} profiles; delete one first.")
