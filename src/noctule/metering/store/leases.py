"""Rows of leases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, or_, select, update

from noctule.db import bulk
from noctule.db.bulk import micros
from noctule.db.engine import lock_row
from noctule.metering.domain.events import Meter
from noctule.metering.domain.leases import Lease, LeaseOpening, Progress
from noctule.metering.store.tables import meter_lease

_PROGRESS = ("witnessed_microseconds", "paid_minutes", "proxied_bytes", "cost_nanos", "seen_at")


def add(
    connection: Connection,
    opening: LeaseOpening,
    tags: str,
    *,
    cost_nanos: int,
    at: datetime,
    seen_at: datetime,
    instance_id: str,
    boot_id: str,
) -> None:
    """A lease that has paid its first minute."""
    connection.execute(
        insert(meter_lease).values(
            lease_id=opening.lease_id,
            account_id=opening.account_id,
            meter=opening.meter,
            session_id=opening.session_id,
            agent_id=opening.agent_id,
            function_id=opening.function_id,
            function_run_id=opening.function_run_id,
            api_key_id=opening.api_key_id,
            tags=tags,
            opened_at=at,
            witnessed_microseconds=0,
            paid_minutes=1,
            proxied_bytes=0,
            cost_nanos=cost_nanos,
            instance_id=instance_id,
            boot_id=boot_id,
            seen_at=seen_at,
        )
    )


def find(connection: Connection, lease_id: str) -> Lease | None:
    """One lease, not locked."""
    row = connection.execute(select(meter_lease).where(meter_lease.c.lease_id == lease_id)).one_or_none()
    return None if row is None else _lease(row)


def lock(connection: Connection, lease_id: str) -> Lease:
    """One lease that is there, locked; its account is locked before."""
    query = select(meter_lease).where(meter_lease.c.lease_id == lease_id)
    if lock_row(connection):
        query = query.with_for_update()
    return _lease(connection.execute(query).one())


def still_open(connection: Connection, lease_ids: Sequence[str]) -> dict[str, Progress]:
    """How far those of the leases have come that nobody has closed."""
    columns = meter_lease.c
    query = select(columns.lease_id, columns.paid_minutes, columns.proxied_bytes, columns.cost_nanos).where(
        bulk.among(connection.dialect.name, columns.lease_id), columns.closed_at.is_(None)
    )
    return {row[0]: Progress(*row[1:]) for row in connection.execute(query, bulk.listed(lease_ids))}


def advance(connection: Connection, moves: Sequence[tuple[str, int, Progress, Progress]], seen_at: datetime) -> bool:
    """Move open leases on, each a tuple of its id, witnessed microseconds, and progress now and before.

    Answers whether every one of them was open and stood where it was thought to; if not, the transaction
    must not be committed.
    """
    seen = micros(seen_at)
    rows = [
        (witnessed, *now, seen, lease_id, before.paid_minutes, before.proxied_bytes)
        for lease_id, witnessed, now, before in moves
    ]
    where = ("lease_id", "paid_minutes", "proxied_bytes")
    return bulk.update(connection, meter_lease, _PROGRESS, where, rows, also="closed_at IS NULL") == len(rows)


def close(connection: Connection, lease_id: str, witnessed: int, progress: Progress, at: datetime) -> None:
    """Close a locked lease where it stands."""
    connection.execute(
        update(meter_lease)
        .where(meter_lease.c.lease_id == lease_id)
        .values(
            witnessed_microseconds=witnessed,
            paid_minutes=progress.paid_minutes,
            proxied_bytes=progress.proxied_bytes,
            cost_nanos=progress.cost_nanos,
            seen_at=at,
            closed_at=at,
        )
    )


def open_of(connection: Connection, instance_id: str, boot_id: str) -> list[str]:
    """The leases of one run of one server that nobody has closed."""
    columns = meter_lease.c
    query = select(columns.lease_id).where(
        columns.closed_at.is_(None), columns.instance_id == instance_id, columns.boot_id == boot_id
    )
    return list(connection.execute(query).scalars())


def abandon(
    connection: Connection, instance_id: str, boot_id: str, unseen_since: datetime, orphans: Sequence[str]
) -> tuple[str, ...]:
    """Close, as of when they were last seen, the ``orphans`` and the leases of earlier runs and of servers that are
    gone."""
    columns = meter_lease.c
    earlier_boot = and_(columns.instance_id == instance_id, columns.boot_id != boot_id)
    vanished = and_(columns.instance_id != instance_id, columns.seen_at < unseen_since)
    orphaned = bulk.among(connection.dialect.name, columns.lease_id)
    closed = connection.execute(
        update(meter_lease)
        .where(columns.closed_at.is_(None), or_(earlier_boot, vanished, orphaned))
        .values(closed_at=columns.seen_at)
        .returning(columns.lease_id),
        bulk.listed(orphans),
    )
    return tuple(sorted(closed.scalars()))


def _lease(row: Row[Any]) -> Lease:
    return Lease(
        lease_id=row.lease_id,
        account_id=row.account_id,
        meter=Meter(row.meter),
        witnessed_microseconds=row.witnessed_microseconds,
        progress=Progress(row.paid_minutes, row.proxied_bytes, row.cost_nanos),
        closed_at=row.closed_at,
    )
