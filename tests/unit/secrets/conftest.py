"""The tag on each database, and behind the real gate."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, select

from noctule.db.engine import Database
from noctule.db.schema import metadata
from noctule.kit.seal import Sealer
from noctule.secrets.routes import router
from noctule.secrets.service import Secret, SecretNamespace, SecretService
from noctule.usage.service import RequestLog
from tests.support.clock import FrozenClock
from tests.support.gated import gated
from tests.support.units import read

HOME = "workspace-1"
OTHER = "workspace-2"
ENV = SecretNamespace.FUNCTION_ENV
LLM = SecretNamespace.LLM_PROVIDER


@dataclass
class House:
    """The tag on one database, as one server has it."""

    database: Database
    clock: FrozenClock = field(default_factory=FrozenClock)
    sealer: Sealer = field(default_factory=lambda: Sealer(bytes(32)))

    def __post_init__(self) -> None:
        self.secrets = SecretService(self.database, self.clock, self.sealer)

    async def known(self, workspace_id: str = HOME) -> dict[str, Secret]:
        """The secrets of a workspace by name."""
        return {secret.name: secret for secret in await self.secrets.list(workspace_id)}

    def everything_written(self) -> bytes:
        """Each value of each row of each table, sealed ones as they are."""

        def step(connection: Connection) -> bytes:
            cells = [
                cell for table in metadata.sorted_tables for row in connection.execute(select(table)) for cell in row
            ]
            return b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)

        return read(self.database, step)


@dataclass
class Served:
    """The tag's clients of two workspaces, and what is behind it."""

    house: House
    mine: httpx.AsyncClient
    theirs: httpx.AsyncClient
    log: RequestLog

    async def store(self, name: str, value: str, namespace: str = "function_env") -> Any:
        """Store a secret of mine; its metadata."""
        body = {"name": name, "value": value, "namespace": namespace}
        made = await self.mine.post("/secrets", json=body)
        assert made.status_code == 201, made.text
        return made.json()

    async def read(self, name: str, namespace: str = "function_env") -> httpx.Response:
        """Ask for the value of a secret of mine."""
        return await self.mine.get(f"/secrets/{name}", params={"namespace": namespace})


def serve(house: House, body: Callable[[Served], Awaitable[None]]) -> None:
    """Run ``body`` against the tag behind a gate."""

    async def main() -> None:
        async with gated(router(house.secrets), house.database, house.clock, house.sealer) as tag:
            await body(Served(house, tag.mine, tag.theirs, tag.log))

    asyncio.run(main())


@pytest.fixture
def house(database: Database) -> House:
    return House(database)
