"""Endpoints: who wants to hear of what, and where."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, exists, func, insert, select, update

from noctule.db import bulk
from noctule.kit.paging import PageQuery
from noctule.webhooks.domain import DeliveryState, Endpoint
from noctule.webhooks.store.tables import webhook_delivery, webhook_endpoint, webhook_message

_E, _M, _D = webhook_endpoint.c, webhook_message.c, webhook_delivery.c
_COLUMNS = [_E[name] for name in Endpoint.__dataclass_fields__]


def serialise(connection: Connection, workspace_id: str) -> None:
    """Let one transaction at a time count and add the endpoints of a workspace."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"webhook_endpoint:{workspace_id}"))))


def count(connection: Connection, workspace_id: str) -> int:
    """How many endpoints a workspace has, disabled ones too."""
    return connection.execute(select(func.count()).where(_E.workspace_id == workspace_id)).scalar_one()


def add(connection: Connection, new: Endpoint, secrets: bytes) -> None:
    """Write a new endpoint."""
    row = {name: getattr(new, name) for name in Endpoint.__dataclass_fields__}
    connection.execute(insert(webhook_endpoint), row | {"secrets": secrets, "served_at": new.created_at})


def find(connection: Connection, workspace_id: str, endpoint_id: str, *, lock: bool = False) -> Endpoint | None:
    """The endpoint, if it is that workspace's; ``lock`` keeps others from changing it."""
    query = select(*_COLUMNS).where(_E.id == endpoint_id, _E.workspace_id == workspace_id)
    row = connection.execute(query.with_for_update(key_share=True) if lock else query).mappings().one_or_none()
    return None if row is None else _endpoint(row)


def secrets_of(connection: Connection, endpoint_id: str) -> bytes:
    """The sealed secrets of an endpoint."""
    sealed: bytes = connection.execute(select(_E.secrets).where(_E.id == endpoint_id)).scalar_one()
    return sealed


def page(connection: Connection, workspace_id: str, query: PageQuery) -> list[Endpoint]:
    """Endpoints of a workspace, newest first, one more than a page."""
    wanted = select(*_COLUMNS).where(_E.workspace_id == workspace_id).order_by(_E.created_at.desc(), _E.id.desc())
    rows = connection.execute(wanted.offset(query.offset).limit(query.fetch)).mappings()
    return [_endpoint(row) for row in rows]


def open_counts(connection: Connection, endpoint_ids: Sequence[str]) -> dict[tuple[str, str], int]:
    """How many deliveries are pending and dead, by endpoint and state."""
    counted = (
        select(_D.endpoint_id, _D.state, func.count())
        .where(_D.endpoint_id.in_(endpoint_ids), _D.state.in_([DeliveryState.PENDING, DeliveryState.DEAD]))
        .group_by(_D.endpoint_id, _D.state)
    )
    return {(endpoint_id, state): count for endpoint_id, state, count in connection.execute(counted)}


def change(connection: Connection, endpoint_id: str, **values: Any) -> None:
    """Set columns of an endpoint."""
    connection.execute(update(webhook_endpoint).where(_E.id == endpoint_id).values(**values))


def remove(connection: Connection, endpoint_id: str) -> None:
    """Delete an endpoint, its deliveries, and the messages that were for it alone."""
    connection.execute(delete(webhook_endpoint).where(_E.id == endpoint_id))
    other = webhook_delivery.alias()
    alone = select(_D.message_id).where(
        _D.endpoint_id == endpoint_id,
        ~exists().where(other.c.message_id == _D.message_id, other.c.endpoint_id != endpoint_id),
    )
    connection.execute(delete(webhook_message).where(_M.id.in_(alone)))
    connection.execute(delete(webhook_delivery).where(_D.endpoint_id == endpoint_id))


def listeners(connection: Connection, workspace_ids: Iterable[str]) -> list[Endpoint]:
    """The endpoints of these workspaces that are not disabled; none is deleted before this transaction ends."""
    query = _listeners(connection.dialect.name)
    return [_endpoint(row) for row in connection.execute(query, bulk.listed(sorted(workspace_ids))).mappings()]


@cache
def _listeners(dialect: str) -> Select[Any]:
    theirs = select(*_COLUMNS).where(bulk.among(dialect, _E.workspace_id), _E.disabled_at.is_(None))
    return theirs.order_by(_E.id).with_for_update(read=True, key_share=True)


def _endpoint(row: RowMapping) -> Endpoint:
    return Endpoint(**{**row, "types": tuple(row["types"])})
