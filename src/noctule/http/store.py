"""The table ``idempotency`` and its queries; rows in, domain out; never commits."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    delete,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError

from noctule.db.engine import lock_row
from noctule.db.schema import Instant, metadata

RUNNING = "running"
DONE = "done"

idempotency = Table(
    "idempotency",
    metadata,
    Column("workspace_id", String(36), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("state", String(8), nullable=False),
    Column("instance_id", String(64), nullable=False),
    Column("boot_id", String(64), nullable=False),
    Column("created_at", Instant, nullable=False, index=True),
    Column("answer", LargeBinary),
)


@dataclass(frozen=True, slots=True)
class Record:
    """One write under a key. ``answer`` is sealed; ``None`` in state ``done`` means that it was not kept."""

    fingerprint: str
    state: str
    instance_id: str
    created_at: datetime
    answer: bytes | None


def find(connection: Connection, workspace_id: str, key: str) -> Record | None:
    """The record, locked for this transaction."""
    columns = idempotency.c
    query = select(columns.fingerprint, columns.state, columns.instance_id, columns.created_at, columns.answer).where(
        columns.workspace_id == workspace_id, columns.key == key
    )
    if lock_row(connection):
        query = query.with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else Record(**row)


def add(
    connection: Connection,
    workspace_id: str,
    key: str,
    fingerprint: str,
    *,
    instance_id: str,
    boot_id: str,
    created_at: datetime,
) -> bool:
    """Write the record of a request that begins; ``False`` if another transaction was first."""
    row = {
        "workspace_id": workspace_id,
        "key": key,
        "fingerprint": fingerprint,
        "state": RUNNING,
        "instance_id": instance_id,
        "boot_id": boot_id,
        "created_at": created_at,
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(idempotency), row)
    except IntegrityError:
        return False
    return True


def take_over(connection: Connection, workspace_id: str, key: str, *, instance_id: str, boot_id: str) -> None:
    """Make this boot the one that carries the request out."""
    connection.execute(
        update(idempotency)
        .where(idempotency.c.workspace_id == workspace_id, idempotency.c.key == key)
        .values(instance_id=instance_id, boot_id=boot_id)
    )


def finish(connection: Connection, workspace_id: str, key: str, answer: bytes | None) -> None:
    """Write the final answer, or that it was not kept."""
    connection.execute(
        update(idempotency)
        .where(idempotency.c.workspace_id == workspace_id, idempotency.c.key == key)
        .values(state=DONE, answer=answer)
    )


def forget(connection: Connection, workspace_id: str, key: str) -> None:
    """Let the next request under the key run."""
    connection.execute(delete(idempotency).where(idempotency.c.workspace_id == workspace_id, idempotency.c.key == key))


def purge(connection: Connection, before: datetime, most: int) -> int:
    """Delete at most so many records made before an instant; how many were deleted."""
    columns = idempotency.c
    old = (
        select(columns.workspace_id, columns.key)
        .where(columns.created_at < before)
        .order_by(columns.created_at)
        .limit(most)
    )
    keys = [tuple(row) for row in connection.execute(old)]
    if keys:
        connection.execute(delete(idempotency).where(tuple_(columns.workspace_id, columns.key).in_(keys)))
    return len(keys)
