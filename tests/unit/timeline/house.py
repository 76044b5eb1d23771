"""Timelines on each database, behind sessions whose browsers are pretended."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import APIRouter
from sqlalchemy import Connection, select

from noctule.browser.commands import Captured, CapturedEvent
from noctule.db.engine import Database
from noctule.kit.seal import Sealer
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering
from noctule.network.routes import router as network_router
from noctule.network.service import NetworkService
from noctule.objects.links import Links
from noctule.objects.store import ObjectStore
from noctule.sessions.domain import StartSession
from noctule.sessions.service import SessionService, Starter
from noctule.storage.routes.links import router as link_router
from noctule.storage.service import LinkedFiles
from noctule.timeline.routes import router as timeline_router
from noctule.timeline.service import EventQuery, TimelineService
from noctule.workspaces.store import workspace
from tests.support.clock import FrozenClock
from tests.support.fleet import FakeFleet
from tests.support.gated import gated
from tests.support.outbox import KeptOutbox
from tests.support.profiles import build_profiles
from tests.unit.sessions.conftest import Pool

HOME = "workspace-1"


@dataclass
class House:
    """All that a test of timelines may look at."""

    database: Database
    folder: Path
    clock: FrozenClock
    fleet: FakeFleet
    sessions: SessionService
    metering: Metering
    timelines: TimelineService
    objects: ObjectStore
    sealer: Sealer

    async def start(self, workspace_id: str = HOME) -> str:
        """A live session of a workspace."""
        return (await self.sessions.start(Starter(workspace_id, "key"), StartSession())).session.id

    def tell(self, session_id: str, *events: tuple[str, dict[str, Any]], is_last: bool = False) -> None:
        """Something happened in a browser, a second after the other."""
        told = []
        for kind, data in events:
            self.clock.advance(1)
            told.append(CapturedEvent(self.clock.now(), kind, data))  # type: ignore[arg-type]
        self.fleet.tell(Captured(session_id, tuple(told), is_last))

    async def written(self, session_id: str) -> None:
        """Wait until all that was told of a session is written."""
        async with asyncio.timeout(10):
            while await self.timelines._recorder.pending(session_id):
                await asyncio.sleep(0.01)

    async def kinds(self, session_id: str, query: EventQuery | None = None) -> list[str]:
        """The kinds of all its events, in order."""
        events = await self.timelines.events(HOME, session_id, query or EventQuery())
        return [event.kind async for event in events]

    def files(self) -> list[Path]:
        """The objects."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())


def exchange(url: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """An exchange, as a browser tells it."""
    data = {
        "id": url,
        "target": "page",
        "tab": "T",
        "frame": "T",
        "loader": "L",
        "method": "GET",
        "url": url,
        "type": "fetch",
        "initiator": {"type": "other"},
        "started_at": "2026-03-10T12:00:00+00:00",
        "duration_ms": 5.0,
        "request": {"headers": [["Cookie", "a=secret"]], "is_wire": True, "head_bytes": 10, "body_bytes": 0},
        "timings": {"blocked": 1, "dns": -1, "connect": -1, "ssl": -1, "send": 1, "wait": 2, "receive": 1},
        "sizes": {"request_bytes": 10, "response_bytes": 20},
    }
    return "request", {**data, **more}


def build(database: Database, folder: Path, clock: FrozenClock | None = None) -> House:
    """The parts, put together as ``app`` does."""
    clock, fleet, outbox = clock or FrozenClock(), FakeFleet(), KeptOutbox()
    metering = Metering(clock, PriceBook.built_in(), instance_id="server", boot_id="boot", outbox=outbox)
    sealer = Sealer(bytes(32))
    objects = ObjectStore.at(folder)
    timelines = TimelineService(
        database=database, clock=clock, metering=metering, objects=objects, keeps_for=timedelta(days=7)
    )
    fleet.on_captured(timelines.take)
    sessions = SessionService(
        database=database,
        clock=clock,
        fleet=fleet,
        metering=metering,
        outbox=outbox,
        proxies=Pool(),
        profiles=build_profiles(database, clock, sealer, objects, boot_id="boot"),
        sealer=sealer,
        instance_id="server",
        boot_id="boot",
        acquire_timeout_seconds=2.0,
        capture="on",
    )
    timelines.use(sessions)
    return House(database, folder, clock, fleet, sessions, metering, timelines, objects, sealer)


@dataclass
class Served:
    """Clients of two workspaces, what is behind them, and the id of ``mine``."""

    house: House
    mine: httpx.AsyncClient
    theirs: httpx.AsyncClient
    home: str


def serve(house: House, body: Callable[[Served], Awaitable[None]]) -> None:
    """Run ``body`` against the routes, behind the real gate."""

    async def main() -> None:
        links = Links(house.sealer, house.clock)
        routes = APIRouter()
        routes.include_router(timeline_router(house.timelines))
        routes.include_router(network_router(NetworkService(house.timelines, links)))
        routes.include_router(link_router(LinkedFiles(house.objects, links)))
        async with gated(routes, house.database, house.clock, house.sealer) as tag:
            home = await house.database.read(_home)
            await house.database.write(lambda connection: house.metering.open_account(connection, home, "admin"))
            await body(Served(house, tag.mine, tag.theirs, home))

    asyncio.run(main())


def _home(connection: Connection) -> str:
    home: str = connection.execute(select(workspace.c.id).where(workspace.c.name == "mine")).scalar_one()
    return home
