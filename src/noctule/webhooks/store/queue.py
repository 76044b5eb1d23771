"""Messages and their deliveries: written with what they tell of, claimed, settled, purged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    delete,
    exists,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from noctule.db import bulk
from noctule.kit.paging import PageQuery
from noctule.webhooks.domain import Delivery, DeliveryState, Message
from noctule.webhooks.store import endpoints
from noctule.webhooks.store.tables import webhook_delivery, webhook_endpoint, webhook_message

_E, _M, _D = webhook_endpoint.c, webhook_message.c, webhook_delivery.c
_COLUMNS = [(_M if name in ("type", "created_at", "body") else _D)[name] for name in Delivery.__dataclass_fields__]
# Spelled out, since a partial index is of no use to a parameter.
_PENDING = _D.state == literal_column("'pending'")


@dataclass(frozen=True, slots=True)
class Due:
    """An endpoint that something is due for."""

    endpoint_id: str
    workspace_id: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is this server's to try, until ``until``."""

    endpoint_id: str
    message_id: str
    workspace_id: str
    url: str
    secrets: bytes = field(repr=False)
    body: str
    attempts: int
    until: datetime


def add(connection: Connection, wanted: Sequence[tuple[Message, Sequence[str]]], next_attempt_at: datetime) -> None:
    """Write messages, each with a delivery to its endpoints; one whose key is there already changes nothing."""
    names = Message.__dataclass_fields__
    rows = [{name: getattr(message, name) for name in names} for message, _ in wanted]
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(make(webhook_message).on_conflict_do_nothing(index_elements=["key"]), rows)
    ids = [message.id for message, _ in wanted]
    new = set(connection.execute(select(_M.id).where(_M.id.in_(ids))).scalars())
    deliveries = [
        (endpoint_id, message.id, DeliveryState.PENDING.value, 0, bulk.micros(next_attempt_at))
        for message, endpoint_ids in wanted
        if message.id in new
        for endpoint_id in endpoint_ids
    ]
    columns = ("endpoint_id", "message_id", "state", "attempts", "next_attempt_at")
    bulk.insert(connection, webhook_delivery, deliveries, columns)


def due(connection: Connection, now: datetime, limit: int) -> list[Due]:
    """Endpoints with a delivery that is due, those first that have waited longest to be served."""
    any_due = select(_D.message_id).where(_PENDING, _D.next_attempt_at <= now).limit(1)
    if connection.execute(any_due).first() is None:
        return []
    waiting = (
        select(_E.id, _E.workspace_id)
        .where(_E.disabled_at.is_(None), exists().where(_D.endpoint_id == _E.id, _PENDING, _D.next_attempt_at <= now))
        .order_by(_E.served_at, _E.id)
        .limit(limit)
    )
    return [Due(endpoint_id, workspace_id) for endpoint_id, workspace_id in connection.execute(waiting)]


def claim(connection: Connection, allotted: Mapping[str, int], now: datetime, until: datetime) -> list[Claimed]:
    """Take up to so many due deliveries of each endpoint; until ``until``, no other server takes them.

    An endpoint that another server is claiming from at this moment is left to it.
    """
    free = (
        select(_E.id)
        .where(_E.id.in_(sorted(allotted)), _E.disabled_at.is_(None))
        .with_for_update(key_share=True, skip_locked=True)
    )
    claimed: list[Claimed] = []
    for endpoint_id in connection.execute(free).scalars().all():
        mine = (
            select(_D.message_id)
            .where(_D.endpoint_id == endpoint_id, _PENDING, _D.next_attempt_at <= now)
            .order_by(_D.next_attempt_at, _D.message_id)
            .limit(allotted[endpoint_id])
            .with_for_update(skip_locked=True)
        )
        if not (message_ids := connection.execute(mine).scalars().all()):
            continue
        taken = and_(_D.endpoint_id == endpoint_id, _D.message_id.in_(message_ids))
        connection.execute(update(webhook_delivery).where(taken).values(next_attempt_at=until))
        endpoints.change(connection, endpoint_id, served_at=now)
        rows = connection.execute(
            select(_D.message_id, _D.attempts, _E.workspace_id, _E.url, _E.secrets, _M.body)
            .select_from(webhook_delivery)
            .join(webhook_message, _M.id == _D.message_id)
            .join(webhook_endpoint, _E.id == _D.endpoint_id)
            .where(taken)
            .order_by(_M.created_at, _M.id)
        ).mappings()
        claimed += [Claimed(endpoint_id=endpoint_id, until=until, **row) for row in rows]
    return claimed


def delivered(connection: Connection, claimed: Claimed, status: int, now: datetime) -> None:
    """Record a success, whatever became of the delivery meanwhile: the receiver has it."""
    connection.execute(
        update(webhook_delivery)
        .where(_is(claimed.endpoint_id, claimed.message_id), _D.state != DeliveryState.DELIVERED.value)
        .values(
            state=DeliveryState.DELIVERED.value,
            attempts=claimed.attempts + 1,
            last_attempt_at=now,
            last_status=status,
            last_error=None,
            settled_at=now,
        )
    )


def failed(
    connection: Connection,
    claimed: Claimed,
    *,
    status: int | None,
    error: str,
    now: datetime,
    next_attempt_at: datetime | None,
) -> None:
    """Record a failure: tried again at ``next_attempt_at``, or dead if there is none.

    Nothing is recorded if the claim was lost meanwhile, to a redelivery say.
    """
    is_mine = and_(_is(claimed.endpoint_id, claimed.message_id), _PENDING, _D.next_attempt_at == claimed.until)
    after: dict[str, Any] = {"next_attempt_at": next_attempt_at}
    if next_attempt_at is None:
        after = {"state": DeliveryState.DEAD.value, "settled_at": now}
    connection.execute(
        update(webhook_delivery)
        .where(is_mine)
        .values(attempts=claimed.attempts + 1, last_attempt_at=now, last_status=status, last_error=error, **after)
    )


def bury(connection: Connection, endpoint_id: str, error: str, now: datetime) -> None:
    """Let every pending delivery of an endpoint be dead."""
    connection.execute(
        update(webhook_delivery)
        .where(_D.endpoint_id == endpoint_id, _PENDING)
        .values(state=DeliveryState.DEAD.value, last_error=error, settled_at=now)
    )


def requeue(connection: Connection, endpoint_id: str, message_id: str | None, now: datetime) -> int:
    """Try one delivery, or every dead one, again from now on; how many."""
    wanted = _D.state == DeliveryState.DEAD.value if message_id is None else _D.message_id == message_id
    return connection.execute(
        update(webhook_delivery)
        .where(_D.endpoint_id == endpoint_id, wanted)
        .values(state=DeliveryState.PENDING.value, attempts=0, next_attempt_at=now, settled_at=None)
    ).rowcount


def find(connection: Connection, endpoint_id: str, message_id: str) -> Delivery | None:
    """One delivery."""
    row = connection.execute(_deliveries().where(_is(endpoint_id, message_id))).mappings().one_or_none()
    return None if row is None else _delivery(row)


def page(
    connection: Connection,
    workspace_id: str,
    query: PageQuery,
    *,
    endpoint_id: str | None,
    state: DeliveryState | None,
) -> list[Delivery]:
    """Deliveries of a workspace, those of the newest messages first, one more than a page; filters are optional."""
    wanted = _deliveries().where(_M.workspace_id == workspace_id)
    if endpoint_id is not None:
        wanted = wanted.where(_D.endpoint_id == endpoint_id)
    if state is not None:
        wanted = wanted.where(_D.state == state.value)
    newest_first = wanted.order_by(_M.created_at.desc(), _M.id.desc(), _D.endpoint_id)
    rows = connection.execute(newest_first.offset(query.offset).limit(query.fetch)).mappings()
    return [_delivery(row) for row in rows]


def purge(connection: Connection, *, delivered_before: datetime, dead_before: datetime, limit: int) -> int:
    """Delete what has been settled for long enough, at most ``limit`` deliveries; how many."""
    old = or_(
        and_(_D.state == DeliveryState.DELIVERED.value, _D.settled_at < delivered_before),
        and_(_D.state == DeliveryState.DEAD.value, _D.settled_at < dead_before),
    )
    batch = select(_D.endpoint_id, _D.message_id).where(old).limit(limit).with_for_update(skip_locked=True)
    found = [(endpoint_id, message_id) for endpoint_id, message_id in connection.execute(batch)]
    if found:
        connection.execute(delete(webhook_delivery).where(tuple_(_D.endpoint_id, _D.message_id).in_(found)))
        messages = sorted({message_id for _, message_id in found})
        unsent = ~exists().where(_D.message_id == _M.id)
        connection.execute(delete(webhook_message).where(_M.id.in_(messages), unsent))
    return len(found)


def bury_forgotten(connection: Connection, now: datetime, error: str) -> None:
    """Let deliveries be dead that were queued at the very moment in which their endpoint was disabled."""
    disabled = exists().where(_E.id == _D.endpoint_id, _E.disabled_at.is_not(None))
    connection.execute(
        update(webhook_delivery)
        .where(_PENDING, _D.next_attempt_at <= now, disabled)
        .values(state=DeliveryState.DEAD.value, last_error=error, settled_at=now)
    )


def _deliveries() -> Select[Any]:
    return select(*_COLUMNS).join_from(webhook_delivery, webhook_message, _M.id == _D.message_id)


def _is(endpoint_id: str, message_id: str) -> ColumnElement[bool]:
    return and_(_D.endpoint_id == endpoint_id, _D.message_id == message_id)


def _delivery(row: RowMapping) -> Delivery:
    return Delivery(**{**row, "state": DeliveryState(row["state"])})
