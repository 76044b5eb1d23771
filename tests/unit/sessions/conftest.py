"""A session service on a real database and a real meter; only the browsers are pretended."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from noctule.browser.commands import Upstream
from noctule.db.engine import Database
from noctule.kit.seal import Sealer
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering
from noctule.objects.store import ObjectStore
from noctule.profiles.service import ProfileService
from noctule.sessions.service import SessionService, Starter
from noctule.workers.loops import Workers
from tests.support.clock import FrozenClock
from tests.support.fleet import FakeFleet
from tests.support.outbox import KeptOutbox
from tests.support.profiles import build_profiles, in_memory

CALLER = Starter("workspace-1", "key-1")


class Pool:
    """A pool with one American proxy."""

    def __init__(self, *countries: str) -> None:
        self._countries = countries

    def choose(self, country: str | None, proxy_id: str | None) -> Upstream | None:
        """The proxy, for any country that the pool has."""
        if country is not None and country not in self._countries:
            return None
        return Upstream("http://127.0.0.1:3128", from_pool=True)

    def countries(self) -> tuple[str, ...]:
        """What it has."""
        return self._countries


@dataclass
class House:
    """Everything a test of sessions may look at."""

    database: Database
    clock: FrozenClock
    fleet: FakeFleet
    metering: Metering
    sessions: SessionService
    workers: Workers
    sealer: Sealer
    outbox: KeptOutbox
    objects: ObjectStore
    profiles: ProfileService

    def reboot(self, boot_id: str = "boot-2") -> "House":
        """The same server after a crash: the database stays, all else is new."""
        return build(self.database, self.clock, self.sealer, boot_id=boot_id, objects=self.objects)

    def tick(self, seconds: float) -> Iterator[None]:
        """Let time pass in beats of one second, as the ticker sees it."""
        for _ in range(int(seconds)):
            self.clock.advance(1)
            yield


async def _nothing() -> None:
    """No webhooks here."""


def build(
    database: Database,
    clock: FrozenClock,
    sealer: Sealer,
    *,
    boot_id: str = "boot-1",
    pool: Pool | None = None,
    objects: ObjectStore | None = None,
) -> House:
    """The parts, put together as ``app`` does."""
    fleet, outbox = FakeFleet(), KeptOutbox()
    metering = Metering(clock, PriceBook.built_in(), instance_id="server", boot_id=boot_id, outbox=outbox)
    objects = objects or in_memory()
    profiles = build_profiles(database, clock, sealer, objects, boot_id=boot_id)
    fleet.archives = profiles.archives
    sessions = SessionService(
        database=database,
        clock=clock,
        fleet=fleet,
        metering=metering,
        outbox=outbox,
        proxies=pool or Pool(),
        profiles=profiles,
        sealer=sealer,
        instance_id="server",
        boot_id=boot_id,
        acquire_timeout_seconds=2.0,
    )
    workers = Workers(database=database, fleet=fleet, metering=metering, sessions=sessions, deliver=_nothing, chores=())
    return House(database, clock, fleet, metering, sessions, workers, sealer, outbox, objects, profiles)


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A house with one workspace on plan ``admin``, on each engine."""
    house = build(database, FrozenClock(), Sealer.load(tmp_path / "keys"))
    database.submit(lambda connection: house.metering.open_account(connection, "workspace-1", "admin")).result(10)
    return house
