"""One tag behind the real gate, for tests of its routes: two workspaces call it, each with a key of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from fastapi import APIRouter

from noctule.db.engine import Database
from noctule.http.app import build_app
from noctule.http.gate import Gatekeeping
from noctule.http.idempotency import Idempotency
from noctule.kit.clock import Clock
from noctule.kit.seal import Sealer
from noctule.kit.tasks import Owned
from noctule.settings import Settings
from noctule.usage.service import RequestLog
from noctule.workspaces.service import WorkspaceService
from tests.unit.workspaces.accounts import RememberedAccounts

_REQUESTS_PER_MINUTE = 100_000


@dataclass(frozen=True, slots=True)
class Gated:
    """Clients of the workspaces ``mine`` and ``theirs``, and the log of what they asked."""

    mine: httpx.AsyncClient
    theirs: httpx.AsyncClient
    log: RequestLog


@asynccontextmanager
async def gated(router: APIRouter, database: Database, clock: Clock, sealer: Sealer) -> AsyncIterator[Gated]:
    """The tag, for the length of the block."""
    tasks = Owned()
    workspaces = WorkspaceService(database, clock, RememberedAccounts())
    log = RequestLog(database, clock)
    await log.start()

    async def limit_of(workspace_id: str) -> int:
        return _REQUESTS_PER_MINUTE

    gate = Gatekeeping(
        authenticate=workspaces.authenticate,
        limit_of=limit_of,
        record=log.record,
        idempotency=Idempotency(database, clock, sealer, instance_id="one", boot_id="one"),
        clock=clock,
        tasks=tasks,
    )
    app = build_app(settings=Settings(data_dir=Path("unused")), routers=[router], gate=gate)

    async def client(workspace: str) -> httpx.AsyncClient:
        await workspaces.create(workspace, "free")
        _, key = await workspaces.create_key(workspace, "key")
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.AsyncClient(transport=transport, base_url="http://noctule", headers=headers)

    async with await client("mine") as mine, await client("theirs") as theirs:
        yield Gated(mine, theirs, log)
    await tasks.drain(5)
    await log.close()
    await workspaces.close()
