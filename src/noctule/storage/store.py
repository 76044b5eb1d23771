"""The table of files and its queries; rows in, domain out; never commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    RowMapping,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
)

from noctule.db.schema import Instant, metadata
from noctule.storage.domain import LONGEST_MIME_TYPE, FileSource, StoredFile

stored_file = Table(
    "stored_file",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(36), nullable=False),
    # Empty for what belongs to the whole workspace: NULLs would not be equal, and so never unique.
    Column("session_id", String(36), nullable=False),
    Column("source", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("mime_type", String(LONGEST_MIME_TYPE), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("checksum", String(64), nullable=False),
    Column("object_id", String(36), nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("workspace_id", "session_id", "source", "name"),
    Index("ix_stored_file_created_at", "created_at"),
)

_F = stored_file.c


@dataclass(frozen=True, slots=True)
class Held:
    """How much a workspace holds."""

    files: int
    size: int


def serialise(connection: Connection, workspace_id: str) -> None:
    """Let one transaction at a time change the files of a workspace."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"stored_file:{workspace_id}"))))


def held(connection: Connection, workspace_id: str) -> Held:
    """How much a workspace holds, what has expired and is not yet swept included."""
    total = func.coalesce(func.sum(_F.size), 0)
    row = connection.execute(select(func.count(), total).where(_F.workspace_id == workspace_id)).one()
    return Held(int(row[0]), int(row[1]))


def add(connection: Connection, new: StoredFile) -> None:
    """Write a new file."""
    row = {name: getattr(new, name) for name in StoredFile.__dataclass_fields__}
    connection.execute(insert(stored_file), row | {"source": new.source.value, "session_id": new.session_id or ""})


def in_the_way(connection: Connection, new: StoredFile) -> list[StoredFile]:
    """What a new file takes the place of: the one of its name, if there is one."""
    query = select(stored_file).where(_place(new.workspace_id, new.session_id, new.source), _F.name == new.name)
    return [_file(row) for row in connection.execute(query).mappings()]


def named(
    connection: Connection, workspace_id: str, session_id: str | None, source: FileSource, name: str, after: datetime
) -> StoredFile | None:
    """The file of that name that is younger than that; else the newest that its giver calls so."""
    query = (
        select(stored_file)
        .where(_place(workspace_id, session_id, source), _F.created_at > after)
        .where(or_(_F.name == name, _F.filename == name))
        .order_by((_F.name == name).desc(), _F.created_at.desc(), _F.id)
        .limit(1)
    )
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _file(row)


def find(connection: Connection, workspace_id: str, file_id: str, after: datetime) -> StoredFile | None:
    """The file of that id, if it is that workspace's and younger than that."""
    query = select(stored_file).where(_F.id == file_id, _F.workspace_id == workspace_id, _F.created_at > after)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _file(row)


def every(
    connection: Connection, workspace_id: str, session_id: str | None, source: FileSource, after: datetime
) -> list[StoredFile]:
    """The files of a place that are younger than that, oldest first."""
    query = (
        select(stored_file)
        .where(_place(workspace_id, session_id, source), _F.created_at > after)
        .order_by(_F.created_at, _F.id)
    )
    return [_file(row) for row in connection.execute(query).mappings()]


def page(
    connection: Connection,
    workspace_id: str,
    session_id: str,
    source: FileSource | None,
    after: datetime,
    *,
    limit: int,
    offset: int,
) -> tuple[list[StoredFile], int]:
    """Some of a session's files, oldest first, and how many there are."""
    wanted = and_(_F.workspace_id == workspace_id, _F.session_id == session_id, _F.created_at > after)
    if source is not None:
        wanted = and_(wanted, _F.source == source.value)
    total = connection.execute(select(func.count()).select_from(stored_file).where(wanted)).scalar_one()
    query = select(stored_file).where(wanted).order_by(_F.created_at, _F.id).limit(limit).offset(offset)
    return [_file(row) for row in connection.execute(query).mappings()], total


def remove(connection: Connection, ids: Sequence[str]) -> None:
    """Delete files."""
    connection.execute(delete(stored_file).where(_F.id.in_(ids)))


def older(connection: Connection, than: datetime, limit: int) -> list[StoredFile]:
    """Some of the files that are older than that."""
    query = select(stored_file).where(_F.created_at <= than).order_by(_F.created_at).limit(limit)
    return [_file(row) for row in connection.execute(query).mappings()]


def of_workspace(connection: Connection, workspace_id: str) -> list[StoredFile]:
    """Every file of a workspace."""
    query = select(stored_file).where(_F.workspace_id == workspace_id)
    return [_file(row) for row in connection.execute(query).mappings()]


def _place(workspace_id: str, session_id: str | None, source: FileSource) -> ColumnElement[bool]:
    return and_(_F.workspace_id == workspace_id, _F.session_id == (session_id or ""), _F.source == source.value)


def _file(row: RowMapping) -> StoredFile:
    values: dict[str, Any] = {**row, "source": FileSource(row["source"]), "session_id": row["session_id"] or None}
    return StoredFile(**values)
