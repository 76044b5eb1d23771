"""The tag on each database, and behind the real gate."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, text

from noctule.browser.commands import BrowserCookie, BrowserState, KeepProfile, KeptCookie, KeptProfile
from noctule.db.engine import Database
from noctule.kit.seal import Sealer
from noctule.objects.store import ObjectStore
from noctule.profiles.routes import router
from noctule.profiles.service import Holding, Keep, Profile, ProfileService
from tests.support.clock import FrozenClock
from tests.support.gated import gated
from tests.support.profiles import build_profiles, in_memory

HOME = "workspace-1"
OTHER = "workspace-2"


def cookie(name: str, value: str = "hidden-thing", domain: str = "example.com") -> BrowserCookie:
    """A session cookie."""
    return BrowserCookie(name, value, domain)


async def _content(data: bytes) -> AsyncIterator[bytes]:
    yield data


@dataclass
class House:
    """The tag on one database, as one server has it."""

    database: Database
    clock: FrozenClock = field(default_factory=FrozenClock)
    sealer: Sealer = field(default_factory=lambda: Sealer(bytes(32)))
    objects: ObjectStore = field(default_factory=in_memory)
    boot_id: str = "boot-1"
    instance_id: str = "server"

    def __post_init__(self) -> None:
        self.profiles: ProfileService = build_profiles(
            self.database,
            self.clock,
            self.sealer,
            self.objects,
            boot_id=self.boot_id,
            instance_id=self.instance_id,
        )

    @property
    def holding(self) -> Holding:
        """What sessions use."""
        return self.profiles.holding

    def reboot(self, instance_id: str = "server") -> "House":
        """The same server after a crash, or another one beside it."""
        return House(self.database, self.clock, self.sealer, self.objects, "boot-2", instance_id)

    async def create(self, name: str | None = None, workspace_id: str = HOME) -> Profile:
        """A profile."""
        return await self.profiles.create(workspace_id, "key-1", name)

    async def take(self, profile: Profile, session_id: str = "session-1") -> Profile:
        """Let a session hold a profile."""

        def step(connection: Connection) -> Profile:
            return self.holding.take(connection, profile.workspace_id, profile.id, session_id)

        return await self.database.write(step)

    def kept(self, *cookies: BrowserCookie, files: bytes = b"hidden-files") -> Keep:
        """A browser that leaves this behind."""

        async def keep(wish: KeepProfile) -> KeptProfile:
            size = await self.profiles.archives.write(wish.archive, _content(files)) if files else None
            state = BrowserState(tuple(KeptCookie(each) for each in cookies))
            return KeptProfile(state, size, ("files.example",) if files else (), True)

        return keep

    async def save(self, profile: Profile, *cookies: BrowserCookie, session_id: str = "session-1") -> Profile:
        """A session that held the profile leaves these cookies behind."""
        profile = await self.take(profile, session_id)
        return await self.holding.keep(profile, session_id, self.kept(*cookies), lets_go=True)

    async def files(self, profile: Profile) -> bytes:
        """The archive of a profile."""
        stored = await self.holding.load(profile)
        assert stored is not None
        assert stored.archive is not None
        return b"".join([chunk async for chunk in self.profiles.archives.read(stored.archive)])

    async def all_objects(self) -> dict[str, bytes]:
        """Every object there is."""
        return {each.key: await self.objects.get(each.key) async for each in self.objects.list("profiles")}


@dataclass
class Served:
    """The tag's clients of two workspaces, and what is behind it."""

    house: House
    mine: httpx.AsyncClient
    theirs: httpx.AsyncClient
    my_id: str

    async def create(self, name: str | None = None) -> Any:
        """Make a profile of mine."""
        made = await self.mine.post("/profiles/create", json={"name": name})
        assert made.status_code == 200, made.text
        return made.json()


def serve(house: House, body: Callable[[Served], Awaitable[None]]) -> None:
    """Run ``body`` against the tag behind a gate."""

    async def main() -> None:
        async with gated(router(house.profiles), house.database, house.clock, house.sealer) as tag:
            my_id = await house.database.read(
                lambda connection: connection.execute(text("SELECT id FROM workspace WHERE name = 'mine'")).scalar_one()
            )
            await body(Served(house, tag.mine, tag.theirs, my_id))

    asyncio.run(main())


@pytest.fixture
def house(database: Database) -> House:
    return House(database)
