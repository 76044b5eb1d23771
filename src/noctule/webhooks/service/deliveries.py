"""What was sent, what is on its way, what was given up; and sending it again.

Disabled endpoints get nothing: whatever would queue something for one is a conflict.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.errors import Conflict, NotFound
from noctule.kit.ids import id_for_key, new_id
from noctule.kit.outbox import Announcement
from noctule.kit.paging import Page, PageQuery
from noctule.webhooks.domain import Delivery, DeliveryState, Endpoint, EventType, Message, body_of
from noctule.webhooks.store import endpoints, queue

_DELIVERED_KEPT_FOR = timedelta(days=30)
_DEAD_KEPT_FOR = timedelta(days=90)
_PURGE_STEP = 500
_PURGE_STEPS = 20


class Deliveries:
    """The queue of every endpoint, as its owner sees it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def test(self, workspace_id: str, endpoint_id: str, *, idempotency_key: str | None = None) -> Delivery:
        """Queue a ``webhook.test`` for one endpoint, whatever types it wants; once for an idempotency key.

        Raises ``NotFound``, ``Conflict`` if it is disabled.
        """
        now = self._clock.now()
        test_id = new_id() if idempotency_key is None else id_for_key(endpoint_id, idempotency_key)
        announcement = Announcement(
            key=f"{EventType.TEST}:{endpoint_id}:{test_id}",
            workspace_id=workspace_id,
            type=EventType.TEST,
            at=now,
            data={"endpoint_id": endpoint_id},
        )
        message = message_of(announcement, now, unique=test_id)

        def step(connection: Connection) -> Delivery:
            _enabled(connection, workspace_id, endpoint_id)
            if (earlier := queue.find(connection, endpoint_id, message.id)) is not None:
                return earlier
            queue.add(connection, [(message, [endpoint_id])], now)
            return _existing_delivery(connection, endpoint_id, message.id)

        return await self._database.write(step)

    async def page(
        self,
        workspace_id: str,
        query: PageQuery,
        *,
        endpoint_id: str | None = None,
        state: DeliveryState | None = None,
    ) -> Page[Delivery]:
        """Deliveries of a workspace, or of one endpoint of it, newest messages first. Raises ``NotFound``."""

        def step(connection: Connection) -> list[Delivery]:
            if endpoint_id is not None:
                existing(connection, workspace_id, endpoint_id)
            return queue.page(connection, workspace_id, query, endpoint_id=endpoint_id, state=state)

        return Page.of(await self._database.read(step), query)

    async def get(self, workspace_id: str, endpoint_id: str, message_id: str) -> Delivery:
        """One delivery. Raises ``NotFound``."""

        def step(connection: Connection) -> Delivery:
            existing(connection, workspace_id, endpoint_id)
            return _existing_delivery(connection, endpoint_id, message_id)

        return await self._database.read(step)

    async def redeliver(self, workspace_id: str, endpoint_id: str, message_id: str) -> Delivery:
        """Send one message again from now on, whatever became of it before, with a whole schedule of attempts.

        Raises ``NotFound``, ``Conflict`` if the endpoint is disabled.
        """
        now = self._clock.now()

        def step(connection: Connection) -> Delivery:
            _enabled(connection, workspace_id, endpoint_id)
            queue.requeue(connection, endpoint_id, message_id, now)
            return _existing_delivery(connection, endpoint_id, message_id)

        return await self._database.write(step)

    async def redeliver_dead(self, workspace_id: str, endpoint_id: str) -> int:
        """Send every dead letter of an endpoint again from now on; how many. Raises as ``redeliver`` does."""
        now = self._clock.now()

        def step(connection: Connection) -> int:
            _enabled(connection, workspace_id, endpoint_id)
            return queue.requeue(connection, endpoint_id, None, now)

        return await self._database.write(step)

    async def purge(self) -> int:
        """Delete what was delivered 30 days ago or given up 90 days ago, a bounded number; how many."""
        now = self._clock.now()
        await self._database.write(lambda connection: queue.bury_forgotten(connection, now, "the endpoint is disabled"))
        total = 0
        for _ in range(_PURGE_STEPS):
            deleted = await self._database.write(
                lambda connection: queue.purge(
                    connection,
                    delivered_before=now - _DELIVERED_KEPT_FOR,
                    dead_before=now - _DEAD_KEPT_FOR,
                    limit=_PURGE_STEP,
                )
            )
            total += deleted
            if deleted < _PURGE_STEP:
                break
        return total


def message_of(announcement: Announcement, now: datetime, *, unique: str | None = None) -> Message:
    """The message that tells of something; ``unique`` stands for a fresh id."""
    return Message(
        id="msg_" + (unique or new_id()).replace("-", ""),
        key=announcement.key,
        workspace_id=announcement.workspace_id,
        type=announcement.type,
        created_at=now,
        body=body_of(announcement.type, announcement.at, announcement.workspace_id, announcement.data),
    )


def existing(connection: Connection, workspace_id: str, endpoint_id: str, *, lock: bool = False) -> Endpoint:
    """The endpoint of that workspace. Raises ``NotFound``."""
    found = endpoints.find(connection, workspace_id, endpoint_id, lock=lock)
    if found is None:
        raise NotFound(f"Webhook endpoint {endpoint_id!r} was not found.")
    return found


def _existing_delivery(connection: Connection, endpoint_id: str, message_id: str) -> Delivery:
    found = queue.find(connection, endpoint_id, message_id)
    if found is None:
        raise NotFound(f"Message {message_id!r} was not found at this endpoint.")
    return found


def _enabled(connection: Connection, workspace_id: str, endpoint_id: str) -> Endpoint:
    found = existing(connection, workspace_id, endpoint_id, lock=True)
    if found.disabled_at is not None:
        raise Conflict(f"The endpoint is disabled ({found.disabled_reason}); enable it first.")
    return found
