"""Events and grants on their way out, in bounded pieces, each with what paid for it.

A piece is a window of ids, not a number of rows: how long a read takes depends on the window alone, never
on how rarely an account appears in it. Instants stay the integers that are stored; millions of them pass.

Ids of one account grow in the order of its commits, so everything up to ``newest`` is one snapshot of it,
even if it is read in many transactions.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from noctule.db.bulk import micros
from noctule.metering.domain.journal import ISSUED, OVERAGE
from noctule.metering.domain.months import Month
from noctule.metering.store.quick import instant, stored
from noctule.metering.store.tables import credit_grant, ledger_entry, ledger_transaction, usage_event


class Span(NamedTuple):
    """Instants from ``start_at`` on and before ``end_at``."""

    start_at: datetime
    end_at: datetime


class Paid(NamedTuple):
    """A ledger account (``grant:<id>`` or ``overage``) and what it paid; negative for what it got back."""

    account: str
    amount_nanos: int


class Exported(NamedTuple):
    """An event as its row has it, and what paid for it. Instants are microseconds since 1970, UTC."""

    id: int
    key: str
    account_id: str
    meter: str
    occurred_micros: int
    booked_micros: int
    origin_micros: int | None
    position: int
    quantity: int
    unit: str
    price_id: str
    cost_nanos: int
    session_id: str | None
    agent_id: str | None
    function_id: str | None
    function_run_id: str | None
    api_key_id: str | None
    tags: str
    detail: str | None
    paid: tuple[Paid, ...]


class Granted(NamedTuple):
    """Some credit, and how much of it went to earlier overage as soon as it came.

    Credit that was taken back has a negative amount; ``is_of_earlier_month``: it was given before that month.
    """

    id: str
    key: str
    account_id: str
    bucket: int
    amount_nanos: int
    effective_micros: int
    expires_micros: int | None
    settled_nanos: int
    is_of_earlier_month: bool


class Source(NamedTuple):
    """The credit behind a ledger account."""

    key: str
    bucket: int


def newest(connection: Connection, account_id: str | None) -> int:
    """The id of the newest booking of an account, or of all; 0 if there is none."""
    query = select(ledger_transaction.c.id).order_by(ledger_transaction.c.id.desc()).limit(1)
    if account_id is not None:
        query = query.where(ledger_transaction.c.account_id == account_id)
    return int(connection.execute(query).scalar_one_or_none() or 0)


def events(connection: Connection, account_id: str | None, span: Span, after_id: int, last_id: int) -> list[Exported]:
    """Events that count in ``span``, with ids after ``after_id`` up to ``last_id``, in the order of booking."""
    entry = ledger_entry.c
    paying = and_(
        entry.transaction_id == usage_event.c.id, or_(entry.account == OVERAGE, entry.account.startswith("grant:"))
    )
    query = (
        select(*_EVENT, entry.account, entry.amount_nanos)
        .outerjoin(ledger_entry, paying)
        .where(usage_event.c.id > after_id, usage_event.c.id <= last_id, *_within(_OCCURRED, span))
        .order_by(usage_event.c.id, entry.account)
    )
    if account_id is not None:
        query = query.where(usage_event.c.account_id == account_id)
    found: list[Exported] = []
    rows: Iterable[Any] = connection.execute(query)
    for *event, account, amount in rows:
        paid = () if account is None else (Paid(account, -amount),)
        if found and found[-1].id == event[0]:
            found[-1] = found[-1]._replace(paid=found[-1].paid + paid)
        else:
            found.append(Exported._make((*event, paid)))
    return found


def grants(
    connection: Connection, account_id: str | None, span: Span, last_id: int, after_key: str, limit: int
) -> list[Granted]:
    """Grants that came in ``span`` and were booked up to ``last_id``, by key, those after ``after_key``."""
    columns, issue, settle, entry = credit_grant.c, ledger_transaction.alias(), ledger_transaction.alias(), ledger_entry
    query = (
        select(
            columns.id,
            columns.key,
            columns.account_id,
            columns.bucket,
            columns.amount_nanos,
            stored(columns.effective_at),
            stored(columns.expires_at),
            entry.c.amount_nanos,
        )
        .select_from(credit_grant)
        .outerjoin(issue, issue.c.key == columns.key)
        .outerjoin(settle, settle.c.key == "settle:" + columns.id)
        .outerjoin(entry, and_(entry.c.transaction_id == settle.c.id, entry.c.account == OVERAGE))
        .where(
            columns.key > after_key,
            or_(issue.c.id.is_(None), issue.c.id <= last_id),
            *_within(stored(columns.effective_at), span),
        )
        .order_by(columns.key)
        .limit(limit)
    )
    if account_id is not None:
        query = query.where(columns.account_id == account_id)
    rows: Iterable[Any] = connection.execute(query)
    return [Granted._make((*grant, settled or 0, False)) for *grant, settled in rows]


def voids(
    connection: Connection, account_id: str | None, span: Span, last_id: int, after_id: int, limit: int
) -> list[tuple[int, Granted]]:
    """What was taken back of grants in ``span``, with the ids of the bookings, those after ``after_id``."""
    columns, booking, entry = credit_grant.c, ledger_transaction.c, ledger_entry.c
    query = (
        select(
            booking.id,
            columns.id,
            columns.key,
            columns.account_id,
            columns.bucket,
            -entry.amount_nanos,
            stored(booking.booked_at),
            stored(columns.effective_at),
        )
        .select_from(ledger_transaction)
        .join(credit_grant, booking.key == "void:" + columns.id)
        .join(ledger_entry, and_(entry.transaction_id == booking.id, entry.account == ISSUED))
        .where(booking.key >= "void:", booking.key < "void;", booking.id > after_id, booking.id <= last_id)
        .where(*_within(stored(booking.booked_at), span))
        .order_by(booking.id)
        .limit(limit)
    )
    if account_id is not None:
        query = query.where(booking.account_id == account_id)
    rows: Iterable[Any] = connection.execute(query)
    return [
        (
            id,
            Granted(
                grant_id, key, owner, bucket, amount, at, None, 0, Month.of(instant(given_at)) < Month.of(instant(at))
            ),
        )
        for id, grant_id, key, owner, bucket, amount, at, given_at in rows
    ]


def sources(connection: Connection, accounts: Sequence[str]) -> dict[str, Source]:
    """The grants behind ledger accounts."""
    columns = credit_grant.c
    ids = [account.removeprefix("grant:") for account in accounts]
    rows = connection.execute(select(columns.id, columns.key, columns.bucket).where(columns.id.in_(ids)))
    return {f"grant:{row.id}": Source(row.key, row.bucket) for row in rows}


def _within(column: ColumnElement[int], span: Span) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return column >= micros(span.start_at), column < micros(span.end_at)


_OCCURRED = stored(usage_event.c.occurred_at)
_EVENT = (
    usage_event.c.id,
    usage_event.c.key,
    usage_event.c.account_id,
    usage_event.c.meter,
    _OCCURRED,
    stored(usage_event.c.booked_at),
    stored(usage_event.c.origin_at),
    usage_event.c.position,
    usage_event.c.quantity,
    usage_event.c.unit,
    usage_event.c.price_id,
    usage_event.c.cost_nanos,
    usage_event.c.session_id,
    usage_event.c.agent_id,
    usage_event.c.function_id,
    usage_event.c.function_run_id,
    usage_event.c.api_key_id,
    usage_event.c.tags,
    usage_event.c.detail,
)
