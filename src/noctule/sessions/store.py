"""The tables ``session`` and ``session_step`` and their queries; rows in, domain out; never commits."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    and_,
    bindparam,
    false,
    func,
    insert,
    or_,
    select,
    update,
)

from noctule.db.schema import Instant, Json, metadata
from noctule.kit.paging import Page, PageQuery
from noctule.sessions.domain import CloseReason, Session, Status, Step

session = Table(
    "session",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(36), nullable=False),
    Column("key_id", String(36), nullable=False),
    Column("instance_id", String(36), nullable=False),
    Column("boot_id", String(36), nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_accessed_at", Instant, nullable=False),
    Column("activated_at", Instant),
    Column("closed_at", Instant),
    Column("close_reason", String(32)),
    Column("error", Text),
    Column("idle_timeout_minutes", Integer, nullable=False),
    Column("max_duration_minutes", Integer, nullable=False),
    Column("browser_type", String(32), nullable=False),
    Column("headless", Boolean, nullable=False),
    Column("solve_captchas", Boolean, nullable=False),
    Column("use_file_storage", Boolean, nullable=False),
    Column("web_bot_auth", Boolean, nullable=False),
    Column("proxies", Boolean, nullable=False),
    Column("user_agent", Text),
    Column("viewport_width", Integer),
    Column("viewport_height", Integer),
    Column("request_bytes", BigInteger, nullable=False),
    Column("response_bytes", BigInteger, nullable=False),
    Column("tags", Json, nullable=False, server_default="[]"),
    Column("is_recorded", Boolean, nullable=False, server_default=false()),
    Index("ix_session_workspace_created", "workspace_id", "created_at"),
    Index("ix_session_status", "status"),
)

session_step = Table(
    "session_step",
    metadata,
    Column("session_id", String(36), ForeignKey("session.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("value", Json, nullable=False),
)

_LIVE = (Status.STARTING.value, Status.ACTIVE.value)


def add(connection: Connection, new: Session, *, instance_id: str, boot_id: str) -> None:
    """Write the intent to start, and which run of which server holds it."""
    row = {name: getattr(new, name) for name in _FIELDS}
    connection.execute(insert(session), row | {"instance_id": instance_id, "boot_id": boot_id})


def find(connection: Connection, session_id: str) -> Session | None:
    """The session with this id, in any workspace."""
    row = connection.execute(select(session).where(session.c.id == session_id)).mappings().one_or_none()
    return None if row is None else _session(row)


def count_live(connection: Connection, workspace_id: str) -> int:
    """Sessions of a workspace that are starting or active."""
    query = select(func.count()).where(session.c.workspace_id == workspace_id, session.c.status.in_(_LIVE))
    return connection.execute(query).scalar_one()


def page(
    connection: Connection, workspace_id: str, query: PageQuery, *, only_active: bool, key_id: str | None
) -> Page[Session]:
    """Sessions that became active once, newest first; ``key_id`` narrows to one key's."""
    rows = select(session).where(session.c.workspace_id == workspace_id, session.c.activated_at.is_not(None))
    if only_active:
        rows = rows.where(session.c.status == Status.ACTIVE.value)
    if key_id is not None:
        rows = rows.where(session.c.key_id == key_id)
    rows = rows.order_by(session.c.created_at.desc(), session.c.id).offset(query.offset).limit(query.fetch)
    return Page.of([_session(row) for row in connection.execute(rows).mappings()], query)


def activate(
    connection: Connection,
    session_id: str,
    at: datetime,
    *,
    user_agent: str,
    viewport_width: int,
    viewport_height: int,
    is_recorded: bool,
) -> bool:
    """Make a starting session active; ``False`` if it was not starting any more."""
    change = (
        update(session)
        .where(session.c.id == session_id, session.c.status == Status.STARTING.value)
        .values(
            status=Status.ACTIVE.value,
            activated_at=at,
            last_accessed_at=at,
            user_agent=user_agent,
            viewport_width=viewport_width,
            viewport_height=viewport_height,
            is_recorded=is_recorded,
        )
    )
    return connection.execute(change).rowcount == 1


def end(
    connection: Connection,
    session_id: str,
    status: Status,
    at: datetime,
    reason: CloseReason,
    error: str | None,
) -> bool:
    """Give a live session its final status; ``False`` if it had one already."""
    change = (
        update(session)
        .where(session.c.id == session_id, session.c.status.in_(_LIVE))
        .values(status=status.value, closed_at=at, close_reason=reason.value, error=error)
    )
    return connection.execute(change).rowcount == 1


def touch(connection: Connection, seen: Iterable[Mapping[str, Any]]) -> None:
    """Persist ``last_accessed_at``, ``request_bytes`` and ``response_bytes`` of many sessions (``session_id``)."""
    rows = list(seen)
    if rows:
        change = (
            update(session)
            .where(session.c.id == bindparam("session_id"))
            .values(
                last_accessed_at=bindparam("accessed_at"),
                request_bytes=bindparam("sent"),
                response_bytes=bindparam("received"),
            )
        )
        connection.execute(change, rows)


def many(connection: Connection, session_ids: Iterable[str]) -> list[Session]:
    """The sessions with these ids."""
    rows = connection.execute(select(session).where(session.c.id.in_(list(session_ids)))).mappings()
    return [_session(row) for row in rows]


def known(connection: Connection, session_ids: Iterable[str]) -> frozenset[str]:
    """Which of these ids are sessions'."""
    return frozenset(connection.execute(select(session.c.id).where(session.c.id.in_(list(session_ids)))).scalars())


def stale_starts(connection: Connection, instance_id: str, boot_id: str, before: datetime) -> tuple[str, ...]:
    """Ids of starts that nobody can finish: of earlier boots of this server, or begun before ``before``."""
    query = select(session.c.id).where(
        session.c.status == Status.STARTING.value,
        or_(
            and_(session.c.instance_id == instance_id, session.c.boot_id != boot_id),
            session.c.created_at < before,
        ),
    )
    return tuple(connection.execute(query).scalars())


def idle_ends(connection: Connection, workspace_id: str, since: datetime) -> list[tuple[int, int]]:
    """How many sessions ended unused since then, for each idle time-out in minutes."""
    columns = session.c
    query = (
        select(columns.idle_timeout_minutes, func.count())
        .where(
            columns.workspace_id == workspace_id,
            columns.created_at >= since,
            columns.close_reason == CloseReason.IDLE_TIMEOUT.value,
        )
        .group_by(columns.idle_timeout_minutes)
    )
    return [(minutes, sessions) for minutes, sessions in connection.execute(query)]


def add_step(connection: Connection, session_id: str, step: Step) -> int:
    """Append to the trajectory; answers the new length."""
    position = count_steps(connection, session_id)
    connection.execute(
        insert(session_step),
        {"session_id": session_id, "position": position, "kind": step.kind, "value": step.value},
    )
    return position + 1


def count_steps(connection: Connection, session_id: str) -> int:
    """Length of the trajectory."""
    query = select(func.max(session_step.c.position)).where(session_step.c.session_id == session_id)
    last = connection.execute(query).scalar_one()
    return 0 if last is None else last + 1


def steps(connection: Connection, session_id: str) -> tuple[Step, ...]:
    """The whole trajectory, in order."""
    query = select(session_step).where(session_step.c.session_id == session_id).order_by(session_step.c.position)
    return tuple(Step(row["kind"], row["value"]) for row in connection.execute(query).mappings())


_FIELDS = tuple(name for name in Session.__dataclass_fields__)


def _session(row: RowMapping) -> Session:
    values = {name: row[name] for name in _FIELDS}
    values["status"] = Status(values["status"])
    if values["close_reason"] is not None:
        values["close_reason"] = CloseReason(values["close_reason"])
    values["tags"] = tuple(values["tags"])
    return Session(**values)
