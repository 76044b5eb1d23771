"""The table of recordings and its queries. Their files are objects; here is what is known of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, RowMapping, String, Table, insert, select, update

from noctule.db.schema import Instant, metadata
from noctule.replay.domain import Recording, State

recording = Table(
    "recording",
    metadata,
    Column("session_id", String(36), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("video_start_ms", BigInteger),
    Column("video_duration_ms", BigInteger),
    Column("width", Integer),
    Column("height", Integer),
    Column("mp4_bytes", BigInteger, nullable=False),
    Column("hls_bytes", BigInteger, nullable=False),
    Index("ix_recording_expiry", "state", "expires_at"),
)

_R = recording.c


def add(connection: Connection, new: Recording) -> None:
    """Write a recording down; one that is there stays as it is."""
    if find(connection, new.session_id) is None:
        row = {name: getattr(new, name) for name in Recording.__dataclass_fields__}
        connection.execute(insert(recording), row | {"state": new.state.value})


def find(connection: Connection, session_id: str) -> Recording | None:
    """The recording of a session."""
    row = connection.execute(select(recording).where(_R.session_id == session_id)).mappings().one_or_none()
    return None if row is None else _recording(row)


def overdue(connection: Connection, now: datetime, limit: int) -> list[Recording]:
    """Recordings whose time is over and whose files are still there, oldest first."""
    wanted = select(recording).where(_R.state == State.READY.value, _R.expires_at <= now).order_by(_R.expires_at)
    return [_recording(row) for row in connection.execute(wanted.limit(limit)).mappings()]


def expire(connection: Connection, session_ids: list[str]) -> None:
    """Their files are gone."""
    connection.execute(update(recording).where(_R.session_id.in_(session_ids)).values(state=State.EXPIRED.value))


def _recording(row: RowMapping) -> Recording:
    values: dict[str, Any] = {**row, "state": State(row["state"])}
    return Recording(**values)
