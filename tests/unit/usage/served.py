"""The usage tag behind the real gate, for tests of its routes."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from noctule.db.engine import Database
from noctule.http.app import build_app
from noctule.http.gate import Gatekeeping
from noctule.http.idempotency import Idempotency
from noctule.kit.seal import Sealer
from noctule.kit.tasks import Owned
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering
from noctule.settings import Settings
from noctule.usage.routes import router
from noctule.usage.service import RequestLog, UsageService
from noctule.workspaces.service import WorkspaceService
from tests.support.clock import FrozenClock


@dataclass
class Served:
    """The tag, its caller's client, and what is behind it."""

    client: httpx.AsyncClient
    other_key: httpx.AsyncClient
    stranger: httpx.AsyncClient
    database: Database
    metering: Metering
    clock: FrozenClock
    workspace_id: str
    key_ids: dict[str, str]


def serve(database: Database, body: Callable[[Served], Coroutine[Any, Any, None]]) -> None:
    """Run ``body`` against the tag on ``database``."""

    async def main() -> None:
        clock, tasks = FrozenClock(), Owned()
        metering = Metering(clock, PriceBook.built_in(), instance_id="one", boot_id="one")
        workspaces = WorkspaceService(database, clock, metering)
        home = (await workspaces.bootstrap(None, "pro")).workspace
        await workspaces.create("foreign", "free")
        log = RequestLog(database, clock)
        gate = Gatekeeping(
            authenticate=workspaces.authenticate,
            limit_of=lambda workspace_id: database.read(
                lambda connection: metering.plan_of(connection, workspace_id).requests_per_minute
            ),
            record=log.record,
            idempotency=Idempotency(database, clock, Sealer(bytes(32)), instance_id="one", boot_id="one"),
            clock=clock,
            tasks=tasks,
        )
        service = UsageService(database, metering, log, workspaces)
        app = build_app(settings=Settings(data_dir=Path("unused")), routers=[router(service)], gate=gate)

        key_ids: dict[str, str] = {}

        async def client(workspace: str, name: str) -> httpx.AsyncClient:
            key, secret = await workspaces.create_key(workspace, name)
            key_ids[name] = key.id
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            headers = {"Authorization": f"Bearer {secret}"}
            return httpx.AsyncClient(transport=transport, base_url="http://noctule", headers=headers)

        served = Served(
            await client("default", "one"),
            await client("default", "two"),
            await client("foreign", "three"),
            database,
            metering,
            clock,
            home.id,
            key_ids,
        )
        await body(served)
        await tasks.drain(5)
        await log.close()
        await workspaces.close()

    asyncio.run(main())
