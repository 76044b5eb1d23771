"""Routers of the usage tag behind the real gate, each made by its test; two workspaces call."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import APIRouter

from noctule.db.engine import Database
from noctule.http.app import build_app
from noctule.http.gate import Gatekeeping
from noctule.http.idempotency import Idempotency
from noctule.kit.seal import Sealer
from noctule.kit.tasks import Owned
from noctule.metering.book import PriceBook
from noctule.metering.service import LeaseOpening, Metering, ModelCall
from noctule.settings import Settings
from noctule.usage.service import RequestLog
from noctule.workspaces.service import WorkspaceService
from tests.support.clock import FrozenClock


@dataclass
class Calling:
    """What is behind the tag, and a client for each workspace."""

    database: Database
    clock: FrozenClock = field(default_factory=FrozenClock)
    ids: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.book = PriceBook.built_in()
        self.metering = Metering(self.clock, self.book, instance_id="one", boot_id="one")
        self.workspaces = WorkspaceService(self.database, self.clock, self.metering)

    @property
    def client(self) -> httpx.AsyncClient:
        return self.clients["home"]

    async def call(self, id: str, nanos: int, *, key: str | None = None, tags: tuple[str, ...] = ()) -> None:
        """One finished call to a model that the workspace ``home`` pays."""
        made = ModelCall(id, self.ids["home"], "m", (), nanos, "p", self.clock.now(), api_key_id=key, tags=tags)
        await self.database.write(lambda link: self.metering.charge_model_call(link, made))

    async def session(self, id: str, workspace: str = "home") -> None:
        """One session of one minute."""
        opening = LeaseOpening(id, self.ids[workspace], session_id=id)
        await self.database.write(lambda link: self.metering.open_lease(link, opening))
        await self.database.write(lambda link: self.metering.close_lease(link, id, proxied_bytes=0))


def calling(
    database: Database,
    make: Callable[[Calling], APIRouter],
    body: Callable[[Calling], Coroutine[Any, Any, None]],
) -> None:
    """Run ``body`` against the router that ``make`` makes."""

    async def main() -> None:
        here, tasks = Calling(database), Owned()
        log = RequestLog(database, here.clock)
        gate = Gatekeeping(
            authenticate=here.workspaces.authenticate,
            limit_of=lambda workspace_id: database.read(
                lambda link: here.metering.plan_of(link, workspace_id).requests_per_minute
            ),
            record=log.record,
            idempotency=Idempotency(database, here.clock, Sealer(bytes(32)), instance_id="one", boot_id="one"),
            clock=here.clock,
            tasks=tasks,
        )
        app = build_app(settings=Settings(data_dir=Path("unused")), routers=[make(here)], gate=gate)
        for name in ("home", "foreign"):
            here.ids[name] = (await here.workspaces.create(name, "growth")).id
            key, secret = await here.workspaces.create_key(name, name)
            here.keys[name] = key.id
            here.clients[name] = httpx.AsyncClient(
                transport=httpx.ASGITransport(app, raise_app_exceptions=False),
                base_url="http://noctule",
                headers={"Authorization": f"Bearer {secret}"},
            )
        await body(here)
        for client in here.clients.values():
            await client.aclose()
        await tasks.drain(5)
        await log.close()
        await here.workspaces.close()

    asyncio.run(main())
