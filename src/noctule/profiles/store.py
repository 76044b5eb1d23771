"""The tables of profiles and of their objects, and their queries; never commits."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    RowMapping,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from noctule.db.engine import lock_row
from noctule.db.schema import Instant, Json, metadata
from noctule.kit.paging import Page, PageQuery
from noctule.profiles.domain import Holder, Profile, Version, is_profile_id

profile = Table(
    "profile",
    metadata,
    Column("id", String(30), primary_key=True),
    Column("workspace_id", String(36), nullable=False),
    Column("key_id", String(36), nullable=False),
    Column("name", Text),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    Column("domains", Json, nullable=False),
    Column("state_key", Text),
    Column("archive_key", Text),
    Column("save_error", Text),
    Column("holder_id", String(36)),
    Column("holder_instance_id", String(36)),
    Column("holder_boot_id", String(36)),
    Column("holder_until", Instant),
    Index("ix_profile_workspace", "workspace_id", "created_at"),
    Index("ix_profile_holder", "holder_id"),
)

# Every object that was ever begun, until it is deleted. ``delete_at`` is empty for those of a profile's version.
profile_object = Table(
    "profile_object",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("delete_at", Instant),
    Index("ix_profile_object_delete_at", "delete_at"),
)

_P = profile.c
_O = profile_object.c
_NOBODY = {"holder_id": None, "holder_instance_id": None, "holder_boot_id": None, "holder_until": None}
_FIELDS = tuple(name for name in Profile.__dataclass_fields__ if name != "holder")


def serialise(connection: Connection, workspace_id: str) -> None:
    """Let one transaction at a time add profiles to a workspace."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"profile:{workspace_id}"))))


def add(connection: Connection, new: Profile) -> None:
    """Write a new profile, which nobody holds."""
    connection.execute(insert(profile), {name: getattr(new, name) for name in _FIELDS})


def find(connection: Connection, profile_id: str, *, to_change: bool = False) -> Profile | None:
    """The profile with this id, in any workspace, deleted or not; ``to_change`` keeps others away until the commit."""
    if not is_profile_id(profile_id):
        # Nor is every text one that a database could look for.
        return None
    query = select(profile).where(_P.id == profile_id)
    if to_change and lock_row(connection):
        query = query.with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _profile(row)


def count(connection: Connection, workspace_id: str) -> int:
    """How many profiles a workspace has."""
    query = select(func.count()).where(_P.workspace_id == workspace_id, _P.deleted_at.is_(None))
    return connection.execute(query).scalar_one()


def page(
    connection: Connection,
    workspace_id: str,
    query: PageQuery,
    *,
    name: str | None,
    only_active: bool,
    key_id: str | None,
) -> Page[Profile]:
    """A workspace's profiles, newest first."""
    rows = select(profile).where(_P.workspace_id == workspace_id)
    if only_active:
        rows = rows.where(_P.deleted_at.is_(None))
    if name is not None:
        rows = rows.where(_P.name == name)
    if key_id is not None:
        rows = rows.where(_P.key_id == key_id)
    rows = rows.order_by(_P.created_at.desc(), _P.id).offset(query.offset).limit(query.fetch)
    return Page.of([_profile(row) for row in connection.execute(rows).mappings()], query)


def hold(connection: Connection, profile_id: str, holder: Holder) -> None:
    """Give a profile a holder in place of the one that it had."""
    connection.execute(
        update(profile)
        .where(_P.id == profile_id)
        .values(
            holder_id=holder.id,
            holder_instance_id=holder.instance_id,
            holder_boot_id=holder.boot_id,
            holder_until=holder.until,
        )
    )


def bound(connection: Connection, holder_id: str, until: datetime) -> None:
    """Let a holder hold its profiles only until then."""
    connection.execute(update(profile).where(_P.holder_id == holder_id).values(holder_until=until))


def let_go(connection: Connection, holder_ids: Iterable[str], profile_id: str | None = None) -> None:
    """Take these holders' profiles, or that one of theirs, from them."""
    change = update(profile).where(_P.holder_id.in_(list(holder_ids)))
    if profile_id is not None:
        change = change.where(_P.id == profile_id)
    connection.execute(change.values(**_NOBODY))


def note_failure(connection: Connection, profile_id: str, holder_id: str, why: str) -> None:
    """Write down why the last save came to nothing."""
    connection.execute(update(profile).where(_P.id == profile_id, _P.holder_id == holder_id).values(save_error=why))


def replace(connection: Connection, profile_id: str, holder_id: str, version: Version, now: datetime) -> bool:
    """Give a profile another version, if that holder still holds it; whether it does."""
    changed = connection.execute(
        update(profile)
        .where(_P.id == profile_id, _P.holder_id == holder_id, _P.deleted_at.is_(None))
        .values(
            state_key=version.state_key,
            archive_key=version.archive_key,
            domains=list(version.domains),
            updated_at=now,
            save_error=None,
        )
    )
    return changed.rowcount == 1


def remove(connection: Connection, profile_id: str, now: datetime) -> None:
    """Delete a profile; that it was there stays known."""
    empty: dict[str, Any] = {"state_key": None, "archive_key": None, "domains": [], "save_error": None}
    connection.execute(
        update(profile).where(_P.id == profile_id).values(deleted_at=now, updated_at=now, **empty, **_NOBODY)
    )


# -- objects -------------------------------------------------------------------------------------------------


def begin_objects(connection: Connection, keys: Iterable[str], delete_at: datetime) -> None:
    """Note objects before they are written, so that what is left of them is found."""
    connection.execute(insert(profile_object), [{"key": key, "delete_at": delete_at} for key in keys])


def keep_objects(connection: Connection, keys: Iterable[str]) -> None:
    """Objects belong to a version from now on."""
    connection.execute(update(profile_object).where(_O.key.in_(list(keys))).values(delete_at=None))


def drop_objects(connection: Connection, keys: Iterable[str], delete_at: datetime) -> None:
    """Objects are not wanted any more from then on."""
    connection.execute(update(profile_object).where(_O.key.in_(list(keys))).values(delete_at=delete_at))


def abandon_objects(connection: Connection, keys: Iterable[str], now: datetime) -> None:
    """Objects may go, unless a version came of them after all."""
    begun = _O.key.in_(list(keys)) & _O.delete_at.is_not(None)
    connection.execute(update(profile_object).where(begun).values(delete_at=now))


def unwanted_objects(connection: Connection, now: datetime, limit: int) -> tuple[str, ...]:
    """The keys of objects that are to be deleted."""
    query = select(_O.key).where(_O.delete_at.is_not(None), _O.delete_at <= now).order_by(_O.delete_at).limit(limit)
    return tuple(connection.execute(query).scalars())


def forget_objects(connection: Connection, keys: Iterable[str]) -> None:
    """Objects are gone."""
    connection.execute(delete(profile_object).where(_O.key.in_(list(keys))))


def _profile(row: RowMapping) -> Profile:
    values: dict[str, Any] = {name: row[name] for name in _FIELDS}
    values["domains"] = tuple(values["domains"])
    if row["holder_id"] is not None:
        values["holder"] = Holder(
            row["holder_id"], row["holder_instance_id"], row["holder_boot_id"], row["holder_until"]
        )
    return Profile(**values)
