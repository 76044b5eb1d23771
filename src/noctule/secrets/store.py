"""The table of secrets and its queries. A value leaves it sealed, as it came."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    LargeBinary,
    RowMapping,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from noctule.db.schema import Instant, metadata
from noctule.secrets.domain import LONGEST_NAME, USE_NOTED_EVERY, Secret, SecretNamespace

secret = Table(
    "secret",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(36), nullable=False),
    Column("namespace", String(16), nullable=False),
    Column("name", String(LONGEST_NAME), nullable=False),
    # Sealed.
    Column("value", LargeBinary, nullable=False),
    Column("key_hint", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    # When it got the value that it has.
    Column("stored_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    UniqueConstraint("workspace_id", "namespace", "name"),
)

_S = secret.c
_COLUMNS = [_S[name] for name in Secret.__dataclass_fields__]


def serialise(connection: Connection, workspace_id: str) -> None:
    """Let one transaction at a time change the secrets of a workspace."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"secret:{workspace_id}"))))


def count(connection: Connection, workspace_id: str) -> int:
    """How many secrets a workspace has, in all namespaces."""
    return connection.execute(select(func.count()).where(_S.workspace_id == workspace_id)).scalar_one()


def add(connection: Connection, new: Secret, sealed: bytes) -> None:
    """Write a new secret."""
    row = {name: getattr(new, name) for name in Secret.__dataclass_fields__}
    connection.execute(insert(secret), row | {"namespace": new.namespace.value, "value": sealed})


def replace(connection: Connection, changed: Secret, sealed: bytes) -> None:
    """Give a secret another value; nothing is known of the new one's use."""
    connection.execute(
        update(secret)
        .where(_S.id == changed.id)
        .values(value=sealed, key_hint=changed.key_hint, stored_at=changed.stored_at, last_used_at=None)
    )


def find(connection: Connection, workspace_id: str, namespace: SecretNamespace, name: str) -> Secret | None:
    """The secret of that name."""
    query = select(*_COLUMNS).where(_S.workspace_id == workspace_id, _S.namespace == namespace.value, _S.name == name)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _secret(row)


def every(connection: Connection, workspace_id: str, namespace: SecretNamespace | None = None) -> list[Secret]:
    """The secrets of a workspace, or of one namespace, by namespace and name."""
    wanted = select(*_COLUMNS).where(_S.workspace_id == workspace_id)
    if namespace is not None:
        wanted = wanted.where(_S.namespace == namespace.value)
    found = [_secret(row) for row in connection.execute(wanted).mappings()]
    # Not by the database, whose collation may be of any country.
    return sorted(found, key=lambda each: (each.namespace.value, each.name))


def sealed_value(connection: Connection, secret_id: str) -> bytes:
    """The value of a secret, sealed."""
    sealed: bytes = connection.execute(select(_S.value).where(_S.id == secret_id)).scalar_one()
    return sealed


def note_use(connection: Connection, used: Secret, now: datetime) -> None:
    """Write down that a secret's value was used, unless that was done shortly before or it has another value now."""
    connection.execute(
        update(secret)
        .where(
            _S.id == used.id,
            _S.stored_at == used.stored_at,
            or_(_S.last_used_at.is_(None), _S.last_used_at <= now - USE_NOTED_EVERY),
        )
        .values(last_used_at=now)
    )


def remove(connection: Connection, workspace_id: str, secret_id: str) -> bool:
    """Delete a secret, if it is that workspace's; whether it was."""
    gone = connection.execute(delete(secret).where(_S.id == secret_id, _S.workspace_id == workspace_id))
    return gone.rowcount == 1


def _secret(row: RowMapping) -> Secret:
    values: dict[str, Any] = {**row, "namespace": SecretNamespace(row["namespace"])}
    return Secret(**values)
