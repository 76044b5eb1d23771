"""The request log: rows in, lines out. Nothing here commits."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    delete,
    func,
    select,
)

from noctule.db import bulk
from noctule.db.schema import Instant, metadata
from noctule.kit.paging import PageQuery
from noctule.usage.domain import LoggedRequest, LogLine

request_log = Table(
    "request_log",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("workspace_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("duration_ms", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
)
Index("ix_request_log_workspace", request_log.c.workspace_id, request_log.c.created_at, request_log.c.id)


def add(connection: Connection, lines: Sequence[LogLine]) -> None:
    """Add lines, in one statement."""
    rows = [
        (
            line.workspace_id,
            line.key_id,
            line.method,
            line.endpoint,
            line.status,
            line.duration_ms,
            bulk.micros(line.created_at),
        )
        for line in lines
    ]
    columns = ("workspace_id", "key_id", "method", "endpoint", "status", "duration_ms", "created_at")
    bulk.insert(connection, request_log, rows, columns)


def page(
    connection: Connection, workspace_id: str, query: PageQuery, *, endpoint: str | None, key_id: str | None
) -> list[LoggedRequest]:
    """Lines of a workspace, newest first, one more than a page; filters are optional."""
    columns = request_log.c
    wanted = select(columns.endpoint, columns.duration_ms, columns.created_at).where(
        columns.workspace_id == workspace_id
    )
    if endpoint is not None:
        # Lower-cased on both sides, since LIKE minds case on one database and not on the other.
        wanted = wanted.where(func.lower(columns.endpoint).contains(endpoint.lower(), autoescape=True))
    if key_id is not None:
        wanted = wanted.where(columns.key_id == key_id)
    newest_first = wanted.order_by(columns.created_at.desc(), columns.id.desc())
    rows = connection.execute(newest_first.offset(query.offset).limit(query.fetch))
    return [LoggedRequest(row.endpoint, row.duration_ms, row.created_at) for row in rows]


def purge(connection: Connection, before: datetime, limit: int) -> int:
    """Delete lines made before an instant among the ``limit`` oldest; answers how many."""
    oldest = select(request_log.c.id, request_log.c.created_at).order_by(request_log.c.id).limit(limit).subquery()
    old = select(oldest.c.id).where(oldest.c.created_at < before)
    return connection.execute(delete(request_log).where(request_log.c.id.in_(old))).rowcount
