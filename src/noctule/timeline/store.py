"""The table ``timeline_batch`` and its queries; rows in, domain out; never commits."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    tuple_,
)

from noctule.db.schema import Instant, Json, metadata
from noctule.timeline.domain import Batch

batch = Table(
    "timeline_batch",
    metadata,
    Column("session_id", String(36), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("created_at", Instant, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("counts", Json, nullable=False),
    Column("timeline_bytes", BigInteger, nullable=False),
    Column("network_bytes", BigInteger, nullable=False),
    Index("ix_timeline_batch_created_at", "created_at"),
)


def add(connection: Connection, new: Batch) -> None:
    """Note a batch whose objects are there."""
    connection.execute(insert(batch), {name: getattr(new, name) for name in _FIELDS})


def next_number(connection: Connection, session_id: str) -> int:
    """The number of the session's next batch."""
    query = select(func.max(batch.c.number)).where(batch.c.session_id == session_id)
    last = connection.execute(query).scalar_one()
    return 0 if last is None else last + 1


def of_session(connection: Connection, session_id: str) -> list[Batch]:
    """The batches of a session, by their first instant."""
    query = select(batch).where(batch.c.session_id == session_id).order_by(batch.c.first_at, batch.c.number)
    return [_batch(row) for row in connection.execute(query).mappings()]


def network(connection: Connection, session_id: str, limit: int) -> tuple[list[Batch], int]:
    """The first batches of a session that have exchanges, and how many there are."""
    where = (batch.c.session_id == session_id, batch.c.network_bytes > 0)
    query = select(batch).where(*where).order_by(batch.c.number).limit(limit)
    total = connection.execute(select(func.count()).select_from(batch).where(*where)).scalar_one()
    return [_batch(row) for row in connection.execute(query).mappings()], total


def before(connection: Connection, instant: datetime, limit: int) -> list[Batch]:
    """The oldest batches that were made before then."""
    query = select(batch).where(batch.c.created_at < instant).order_by(batch.c.created_at).limit(limit)
    return [_batch(row) for row in connection.execute(query).mappings()]


def remove(connection: Connection, gone: Sequence[Batch]) -> None:
    """Forget batches."""
    keys = [(one.session_id, one.number) for one in gone]
    connection.execute(delete(batch).where(tuple_(batch.c.session_id, batch.c.number).in_(keys)))


def known(connection: Connection, keys: Sequence[tuple[str, int]]) -> list[Batch]:
    """Which of these, by session and number, there are."""
    query = select(batch).where(tuple_(batch.c.session_id, batch.c.number).in_(list(keys)))
    return [_batch(row) for row in connection.execute(query).mappings()]


_FIELDS = tuple(Batch.__dataclass_fields__)


def _batch(row: RowMapping) -> Batch:
    return Batch(**{name: row[name] for name in _FIELDS})
