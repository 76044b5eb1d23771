"""Endpoints, a courier and a receiver, on each database."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from noctule.browser.egress.policy import EgressPolicy
from noctule.db.engine import Database
from noctule.kit.outbox import Announcement
from noctule.kit.paging import PageQuery
from noctule.kit.seal import Sealer
from noctule.webhooks.service import Courier, Delivery, EventType, MessageOutbox, NewSecret, Poster, WebhookService
from noctule.webhooks.store.tables import webhook_delivery, webhook_message
from tests.support.clock import FrozenClock
from tests.support.units import read, write
from tests.unit.webhooks.receiver import Receiver

HOME = "workspace-1"
OTHER = "workspace-2"


@dataclass
class House:
    """The tag on one database, as one server has it."""

    database: Database
    receiver: Receiver
    # Receivers judge the time of an attempt by their own clocks, so ours begins at theirs.
    clock: FrozenClock = field(default_factory=lambda: FrozenClock(datetime.now(UTC)))
    timeout_seconds: float = 10.0

    def __post_init__(self) -> None:
        self.sealer = Sealer(bytes(32))
        self.policy = EgressPolicy([f"127.0.0.1:{self.receiver.port}"])
        self.poster = Poster(self.policy, timeout_seconds=self.timeout_seconds)
        self.webhooks = WebhookService(self.database, self.clock, self.sealer, self.poster)
        self.outbox = MessageOutbox(self.clock)
        self.courier = self.another_courier()

    def another_courier(self) -> Courier:
        """A courier as another server on the same database would have it."""
        return Courier(self.database, self.clock, self.sealer, self.poster)

    async def endpoint(self, path: str = "/hook", *types: str, workspace_id: str = HOME) -> NewSecret:
        """A new endpoint at a path of the receiver."""
        return await self.webhooks.create(workspace_id, self.receiver.url(path), types=types)

    def announce(self, *keys: str, workspace_id: str = HOME, type: str = EventType.SESSION_ENDED) -> None:
        """Let something happen, in a transaction that commits."""
        write(self.database, self.add, *keys, workspace_id=workspace_id, type=type)

    def add(
        self, connection: Connection, *keys: str, workspace_id: str = HOME, type: str = EventType.SESSION_ENDED
    ) -> None:
        """Note in a transaction that something happened."""
        at = self.clock.now()
        self.outbox.add(connection, [Announcement(key, workspace_id, type, at, {"what": key}) for key in keys])

    async def deliver(self) -> None:
        """One beat, and all that comes of it."""
        await self.courier.deliver_due()
        await idle(self.courier)

    async def deliveries(self, workspace_id: str = HOME, **filters: Any) -> list[Delivery]:
        """The newest deliveries."""
        page = await self.webhooks.deliveries.page(workspace_id, PageQuery(1, 100), **filters)
        return list(page.items)

    def counts(self) -> tuple[int, int]:
        """Messages and deliveries that are written down."""

        def step(connection: Connection) -> tuple[int, int]:
            tables = (webhook_message, webhook_delivery)
            messages, deliveries = (
                connection.execute(select(func.count()).select_from(each)).scalar_one() for each in tables
            )
            return messages, deliveries

        return read(self.database, step)


async def idle(courier: Courier) -> None:
    """Wait until a courier has nothing under way."""
    async with asyncio.timeout(30):
        while courier.busy:
            await asyncio.sleep(0.005)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def house(database: Database, receiver: Receiver) -> House:
    return House(database, receiver)
