"""What readiness means: the database answers, and browsers come up."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text

from noctule.browser.commands import Capacity, SandboxLevel
from noctule.db.engine import Database
from noctule.fleet.protocol import Fleet
from noctule.kit.errors import NoctuleError

Status = Literal["ready", "full", "starting", "unavailable"]

_DATABASE_TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a load balancer and an operator want to know."""

    status: Status
    database: bool
    capacity: Capacity
    sandbox: SandboxLevel

    @property
    def serves(self) -> bool:
        """Whether requests should be sent here. A full machine serves its sessions still."""
        return self.status in ("ready", "full")


class HealthService:
    """Looks at the parts that every session needs."""

    def __init__(self, database: Database, fleet: Fleet) -> None:
        self._database = database
        self._fleet = fleet

    async def readiness(self) -> Readiness:
        """How the server is now, within two seconds."""
        database = await self._database_answers()
        capacity = self._fleet.capacity()
        return Readiness(status_of(database, capacity), database, capacity, self._fleet.sandbox())

    async def _database_answers(self) -> bool:
        try:
            async with asyncio.timeout(_DATABASE_TIMEOUT_SECONDS):
                await self._database.read(_ping)
        except (NoctuleError, TimeoutError):
            return False
        return True


def _ping(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))


def status_of(database: bool, capacity: Capacity) -> Status:
    """What the parts add up to. With no pool to fill, there is nothing to wait for."""
    if not database:
        return "unavailable"
    if capacity.live >= capacity.limit:
        return "full"
    if capacity.warm_target > 0 and capacity.warm == 0 and capacity.live == 0:
        return "starting"
    return "ready"
