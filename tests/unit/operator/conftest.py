"""The operator tag behind the real gate, on a real database."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from noctule.db.engine import Database
from noctule.http.app import build_app
from noctule.http.gate import Gatekeeping, RequestLine
from noctule.http.idempotency import Idempotency
from noctule.kit.scope import KeyScope
from noctule.kit.seal import Sealer
from noctule.kit.tasks import Owned
from noctule.metering.book import PriceBook
from noctule.metering.service import LeaseOpening, Metering
from noctule.operator.routes import router
from noctule.operator.service import OperatorService
from noctule.settings import Settings
from noctule.workspaces.service import Workspace, WorkspaceService
from tests.support.clock import FrozenClock


@dataclass
class Desk:
    """The tag, a client with each kind of key, and what is behind it.

    There are two workspaces: ``default``, whose key ``tenant`` has, and ``acme`` on plan ``free``.
    """

    operator: httpx.AsyncClient
    tenant: httpx.AsyncClient
    stranger: httpx.AsyncClient
    database: Database
    metering: Metering
    workspaces: WorkspaceService
    service: OperatorService
    idempotency: Idempotency
    clock: FrozenClock
    acme: Workspace
    lines: list[RequestLine]

    async def session(self, id: str, account_id: str, minutes: int = 1) -> None:
        """A session of so many minutes, begun and ended."""
        await self.database.write(
            lambda link: self.metering.open_lease(link, LeaseOpening(id, account_id, session_id=id))
        )
        self.metering.begin(id)
        self.clock.advance(minutes * 60)
        await self.database.write(lambda link: self.metering.close_lease(link, id, proxied_bytes=0))
        self.metering.forget(id)

    async def broken(self) -> list[str]:
        """Names of the invariants that do not hold."""
        report = await self.database.read(self.metering.audit)
        return [check.name for check in report.checks if not check.ok]

    async def standing(self) -> dict[str, Any]:
        """All that a refused request must leave as it was."""
        found = (await self.operator.get("/operator/workspaces", params={"page_size": "100"})).json()["items"]
        return {
            each["name"]: [
                (await self.operator.get(f"/operator/workspaces/{each['id']}{more}")).json()
                for more in ("", "/grants", "/months")
            ]
            for each in found
        }


def refused(answer: httpx.Response, status: int) -> str:
    """The message of an answer that must be this refusal."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["status"] == status
    assert set(body) <= {"status", "message", "path", "detail"}
    return str(body["message"])


Story = Callable[[Desk], Coroutine[Any, Any, None]]


def at_the_desk(database: Database, story: Story) -> None:
    """Run a story against the tag."""

    async def main() -> None:
        clock, tasks, lines, book = FrozenClock(), Owned(), list[RequestLine](), PriceBook.built_in()
        metering = Metering(clock, book, instance_id="one", boot_id="one")
        workspaces = WorkspaceService(database, clock, metering)
        await workspaces.bootstrap(None, "pro")
        clock.advance(1)
        acme = await workspaces.create("acme", "free")
        service = OperatorService(database=database, clock=clock, metering=metering, workspaces=workspaces, book=book)
        idempotency = Idempotency(database, clock, Sealer(bytes(32)), instance_id="one", boot_id="one")

        async def limit_of(workspace_id: str) -> int:
            return 10_000

        gate = Gatekeeping(
            authenticate=workspaces.authenticate,
            limit_of=limit_of,
            record=lines.append,
            idempotency=idempotency,
            clock=clock,
            tasks=tasks,
        )
        app = build_app(settings=Settings(data_dir=Path("unused")), routers=[router(service)], gate=gate)

        def client(secret: str | None) -> httpx.AsyncClient:
            headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            return httpx.AsyncClient(transport=transport, base_url="http://desk", headers=headers)

        _, operators = await workspaces.create_key("default", "desk", KeyScope.OPERATOR)
        _, tenants = await workspaces.create_key("default", "tenant")
        async with client(operators) as operator, client(tenants) as tenant, client(None) as stranger:
            desk = Desk(
                operator, tenant, stranger, database, metering, workspaces, service, idempotency, clock, acme, lines
            )
            await story(desk)
            assert await desk.broken() == []
        await tasks.drain(5)
        await workspaces.close()

    asyncio.run(main())


@pytest.fixture
def desk(database: Database) -> Callable[[Story], None]:
    """``desk(story)`` runs a story, once on each engine."""
    return lambda story: at_the_desk(database, story)
