"""The tables ``workspace`` and ``api_key`` and their queries; rows in, domain out; never commits."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    RowMapping,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from noctule.db.schema import Instant, metadata
from noctule.kit.paging import PageQuery
from noctule.kit.scope import KeyScope
from noctule.workspaces.domain import ApiKey, Identity, Workspace

workspace = Table(
    "workspace",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("name"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(36), ForeignKey("workspace.id"), nullable=False, index=True),
    Column("name", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("hint", String(4), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
    Column("scope", String(16), nullable=False, server_default="workspace"),
    UniqueConstraint("hash"),
)

_KEY_COLUMNS = [column for column in api_key.c if column.name != "hash"]
_identity = select(api_key.c.hash, api_key.c.workspace_id, api_key.c.id, api_key.c.name, api_key.c.scope).where(
    api_key.c.hash == bindparam("hash"), api_key.c.revoked_at.is_(None)
)
_touch = (
    update(api_key)
    .where(
        api_key.c.id == bindparam("key_id"),
        or_(api_key.c.last_used_at.is_(None), api_key.c.last_used_at < bindparam("used_at")),
    )
    .values(last_used_at=bindparam("used_at"))
)


def add_workspace(connection: Connection, new: Workspace) -> bool:
    """Write a workspace; ``False`` if the name is taken."""
    if find_workspace(connection, new.name) is not None:
        return False
    return _inserted(connection, workspace, {"id": new.id, "name": new.name, "created_at": new.created_at})


def find_workspace(connection: Connection, name: str) -> Workspace | None:
    """The workspace of that name."""
    row = connection.execute(select(workspace).where(workspace.c.name == name)).mappings().one_or_none()
    return None if row is None else _workspace(row)


def find_workspace_by_id(connection: Connection, id: str) -> Workspace | None:
    """The workspace of that id."""
    row = connection.execute(select(workspace).where(workspace.c.id == id)).mappings().one_or_none()
    return None if row is None else _workspace(row)


def list_workspaces(connection: Connection) -> list[Workspace]:
    """Every workspace, oldest first."""
    rows = connection.execute(select(workspace).order_by(workspace.c.created_at, workspace.c.name)).mappings()
    return [_workspace(row) for row in rows]


def page(connection: Connection, query: PageQuery) -> list[Workspace]:
    """Workspaces, newest first, one more than a page."""
    newest_first = select(workspace).order_by(workspace.c.created_at.desc(), workspace.c.name.desc())
    return [
        _workspace(row) for row in connection.execute(newest_first.offset(query.offset).limit(query.fetch)).mappings()
    ]


def add_key(connection: Connection, new: ApiKey, hash: str) -> bool:
    """Write a key; ``False`` if a key with this secret exists, revoked or not."""
    row = {column.name: getattr(new, column.name) for column in _KEY_COLUMNS}
    return _inserted(connection, api_key, row | {"hash": hash, "scope": new.scope.value})


def find_key(connection: Connection, hash: str) -> ApiKey | None:
    """The key with this hash, revoked or not."""
    row = connection.execute(select(*_KEY_COLUMNS).where(api_key.c.hash == hash)).mappings().one_or_none()
    return None if row is None else _key(row)


def find_keys(connection: Connection, id_or_prefix: str) -> list[ApiKey]:
    """Keys whose id begins so; the prefix holds no wildcard."""
    rows = connection.execute(select(*_KEY_COLUMNS).where(api_key.c.id.startswith(id_or_prefix))).mappings()
    return [_key(row) for row in rows]


def list_keys(connection: Connection, workspace_id: str | None) -> list[ApiKey]:
    """Keys of one workspace or of all, oldest first, revoked ones too."""
    query = select(*_KEY_COLUMNS).order_by(api_key.c.created_at, api_key.c.id)
    if workspace_id is not None:
        query = query.where(api_key.c.workspace_id == workspace_id)
    return [_key(row) for row in connection.execute(query).mappings()]


def count_active_keys(connection: Connection) -> int:
    """Keys of any workspace that are not revoked; an operator's speaks for none."""
    query = select(func.count()).where(api_key.c.revoked_at.is_(None), api_key.c.scope == KeyScope.WORKSPACE.value)
    return connection.execute(query).scalar_one()


def set_revoked(connection: Connection, key_id: str, at: datetime | None) -> None:
    """Revoke a key, or with ``None`` let it speak again."""
    connection.execute(update(api_key).where(api_key.c.id == key_id).values(revoked_at=at))


def identify(connection: Connection, hash: str) -> tuple[str, Identity] | None:
    """The stored hash and the identity of a key that is not revoked."""
    row = connection.execute(_identity, {"hash": hash}).one_or_none()
    if row is None:
        return None
    return row.hash, Identity(row.workspace_id, row.id, row.name, KeyScope(row.scope))


def touch(connection: Connection, used: Mapping[str, datetime]) -> None:
    """Note when keys were last used; never moves an instant back."""
    connection.execute(_touch, [{"key_id": key_id, "used_at": at} for key_id, at in used.items()])


def _inserted(connection: Connection, table: Table, row: dict[str, Any]) -> bool:
    try:
        with connection.begin_nested():
            connection.execute(insert(table), row)
    except IntegrityError:
        return False
    return True


def _workspace(row: RowMapping) -> Workspace:
    return Workspace(id=row["id"], name=row["name"], created_at=row["created_at"])


def _key(row: RowMapping) -> ApiKey:
    return ApiKey(**{**row, "scope": KeyScope(row["scope"])})
