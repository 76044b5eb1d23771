"""The table ``llm_call`` and its queries; never commits.

What must hold: a row is ``sent`` before its request leaves; it becomes ``done`` in the transaction that charges it.
Only a call whose outcome nobody knows, because the server was killed meanwhile, becomes ``unknown``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    RowMapping,
    String,
    Table,
    Text,
    and_,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from noctule.db.schema import Instant, Json, metadata
from noctule.llm.prices import UNPRICED, PriceEntry
from noctule.llm.protocol import Payer
from noctule.llm.tokens import Tokens

llm_call = Table(
    "llm_call",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(36), nullable=False),
    Column("session_id", Text),
    Column("agent_id", Text),
    Column("function_id", Text),
    Column("function_run_id", Text),
    Column("api_key_id", Text),
    Column("tags", Json, nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("provider", String(32), nullable=False),
    Column("model", Text, nullable=False),
    Column("is_byok", Boolean, nullable=False),
    # sent, done, failed or unknown.
    Column("status", String(16), nullable=False),
    # Why it failed, a code of ``errors``.
    Column("error", String(32)),
    Column("sent_at", Instant, nullable=False),
    Column("finished_at", Instant),
    # The model that the provider says has answered.
    Column("answered_by", Text),
    Column("input_tokens", BigInteger, nullable=False, server_default="0"),
    Column("cache_read_tokens", BigInteger, nullable=False, server_default="0"),
    Column("cache_write_tokens", BigInteger, nullable=False, server_default="0"),
    Column("output_tokens", BigInteger, nullable=False, server_default="0"),
    Column("reasoning_tokens", BigInteger, nullable=False, server_default="0"),
    Column("is_estimated", Boolean, nullable=False, server_default=literal_column("false", Boolean)),
    Column("price_id", Text),
    # The whole matched entry, from which the cost can be computed again.
    Column("price", Text),
    Column("cost_nanos", BigInteger, nullable=False, server_default="0"),
    Column("instance_id", String(36), nullable=False),
    Column("boot_id", String(36), nullable=False),
)
_C = llm_call.c
Index("ix_llm_call_workspace", _C.workspace_id, _C.sent_at)


class CallStatus(StrEnum):
    """What became of a call."""

    SENT = "sent"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


# Spelled out, since a partial index is of no use to a parameter.
_OPEN = _C.status.in_([literal_column("'sent'", String), literal_column("'unknown'", String)])
Index("ix_llm_call_open", _C.status, _C.sent_at, sqlite_where=_OPEN, postgresql_where=_OPEN)

_KINDS = tuple(Tokens.__dataclass_fields__)
# The audit reads every call there is.
_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class SentCall:
    """A call as it is written down before it leaves."""

    id: str
    payer: Payer
    purpose: str
    provider: str
    model: str
    is_byok: bool
    sent_at: datetime
    instance_id: str
    boot_id: str


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What a finished call used and costs."""

    tokens: Tokens
    is_estimated: bool
    answered_by: str
    entry: PriceEntry
    cost_nanos: int


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call as it stands in the books."""

    id: str
    workspace_id: str
    session_id: str | None
    purpose: str
    provider: str
    model: str
    is_byok: bool
    status: CallStatus
    error: str | None
    sent_at: datetime
    finished_at: datetime | None
    tokens: Tokens
    is_estimated: bool
    price_id: str | None
    price: str | None
    cost_nanos: int


def add(connection: Connection, call: SentCall) -> None:
    """Write down a call that is about to leave."""
    payer = call.payer
    connection.execute(
        insert(llm_call).values(
            id=call.id,
            workspace_id=payer.workspace_id,
            session_id=payer.session_id,
            agent_id=payer.agent_id,
            function_id=payer.function_id,
            function_run_id=payer.function_run_id,
            api_key_id=payer.api_key_id,
            tags=list(payer.tags),
            purpose=call.purpose,
            provider=call.provider,
            model=call.model,
            is_byok=call.is_byok,
            status=CallStatus.SENT.value,
            sent_at=call.sent_at,
            instance_id=call.instance_id,
            boot_id=call.boot_id,
        )
    )


def finish(connection: Connection, call_id: str, use: ModelUse, now: datetime) -> bool:
    """Let a call be done, with what it used; false if it was done or failed before.

    An ``unknown`` one can still be done: its server is alive after all, and has the reply.
    """
    counts = {f"{name}_tokens": getattr(use.tokens, name) for name in _KINDS}
    changed = connection.execute(
        update(llm_call)
        .where(_C.id == call_id, _C.status.in_([CallStatus.SENT.value, CallStatus.UNKNOWN.value]))
        .values(
            status=CallStatus.DONE.value,
            finished_at=now,
            answered_by=use.answered_by,
            is_estimated=use.is_estimated,
            price_id=use.entry.id,
            price=use.entry.text(),
            cost_nanos=use.cost_nanos,
            **counts,
        )
    )
    return changed.rowcount == 1


def fail(connection: Connection, call_id: str, error: str, now: datetime) -> None:
    """Let a call that is out have failed."""
    connection.execute(
        update(llm_call)
        .where(_C.id == call_id, _C.status == CallStatus.SENT.value)
        .values(status=CallStatus.FAILED.value, error=error, finished_at=now)
    )


def mark_unknown(connection: Connection, *, instance_id: str, boot_id: str, sent_before: datetime) -> int:
    """Let calls be ``unknown`` that no living server waits for, at no cost; answers how many.

    Those are the ones of this server's earlier boots, and any that left before ``sent_before``: nobody waits so long.
    """
    earlier_boots = and_(_C.instance_id == instance_id, _C.boot_id != boot_id)
    return connection.execute(
        update(llm_call)
        .where(_OPEN, _C.status == CallStatus.SENT.value, or_(earlier_boots, _C.sent_at < sent_before))
        .values(status=CallStatus.UNKNOWN.value)
    ).rowcount


def of_workspace(connection: Connection, workspace_id: str, limit: int) -> list[StoredCall]:
    """The newest calls of a workspace, newest first."""
    rows = select(llm_call).where(_C.workspace_id == workspace_id).order_by(_C.sent_at.desc(), _C.id.desc())
    return [_stored(row) for row in connection.execute(rows.limit(limit)).mappings()]


def unknown(connection: Connection) -> list[StoredCall]:
    """Calls whose outcome nobody knows, oldest first: for the audit."""
    return list(_calls(connection, and_(_OPEN, _C.status == CallStatus.UNKNOWN.value)))


def done(connection: Connection) -> Iterator[StoredCall]:
    """Every charged call, oldest first: for the audit, which computes the costs again."""
    return _calls(connection, _C.status == CallStatus.DONE.value)


def unpriced_models(connection: Connection) -> dict[str, int]:
    """Models that were called without a price, and how many calls."""
    rows = connection.execute(
        select(_C.provider, _C.model, func.count())
        .where(_C.price_id == UNPRICED, _C.status == CallStatus.DONE.value)
        .group_by(_C.provider, _C.model)
    )
    return {f"{provider}/{model}": count for provider, model, count in rows}


def _calls(connection: Connection, wanted: ColumnElement[bool]) -> Iterator[StoredCall]:
    query = select(llm_call).where(wanted).order_by(_C.sent_at, _C.id)
    rows = connection.execute(query, execution_options={"yield_per": _BATCH})
    return (_stored(row) for row in rows.mappings())


def _stored(row: RowMapping) -> StoredCall:
    same = {name: row[name] for name in StoredCall.__dataclass_fields__ if name in row and name != "status"}
    tokens = Tokens(**{name: row[f"{name}_tokens"] for name in _KINDS})
    return StoredCall(status=CallStatus(row["status"]), tokens=tokens, **same)
