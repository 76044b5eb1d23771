"""Queries that only look: the rollups behind ``/usage``, one session's events, the whole ledger."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Text, and_, bindparam, func, literal_column, or_, select

from noctule.metering.domain.events import UsageEvent
from noctule.metering.domain.journal import OVERAGE, Bucket, Grant, plan_key
from noctule.metering.domain.months import Month
from noctule.metering.domain.usage import MonthRollup
from noctule.metering.store.books import event_of
from noctule.metering.store.tables import (
    LOOSE,
    credit_grant,
    grant_balance,
    ledger_entry,
    ledger_transaction,
    meter_account,
    meter_lease,
    plan_period,
    usage_event,
    usage_month,
)

_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Account:
    """One account as its row has it."""

    id: str
    plan: str
    opened_at: datetime
    booked_at: datetime
    month_credit_nanos: int = 0


@dataclass(frozen=True, slots=True)
class Posting:
    """One ledger transaction with its entries and, if it pays for one, its event.

    ``occurred_at`` is where the event counts; a correction counts at another instant than its event's own.
    """

    id: int
    key: str
    account_id: str
    booked_at: datetime
    entries: tuple[tuple[str, int], ...]
    event: UsageEvent | None
    occurred_at: datetime | None
    event_booked_at: datetime | None


# Made once: with the statement at hand, a read costs little more than its rows.
_ACCOUNT = select(meter_account).where(meter_account.c.id == bindparam("account_id"))
_STATEMENT = (
    select(meter_account.c.plan, meter_account.c.opened_at, meter_account.c.booked_at, *list(usage_month.c)[1:])
    .outerjoin(usage_month, usage_month.c.account_id == meter_account.c.id)
    .where(meter_account.c.id == bindparam("account_id"))
)


def account(connection: Connection, account_id: str) -> Account | None:
    """One account, not locked."""
    row = connection.execute(_ACCOUNT, {"account_id": account_id}).one_or_none()
    return None if row is None else Account(row.id, row.plan, row.opened_at, row.booked_at)


def statement(connection: Connection, account_id: str) -> tuple[Account, dict[Month, MonthRollup]] | None:
    """One account with its rollups, one row for each month of its life in which anything happened."""
    rows = connection.execute(_STATEMENT, {"account_id": account_id}).all()
    if not rows:
        return None
    plan, opened_at, booked_at = rows[0][:3]
    months = {Month.from_key(row[3]): MonthRollup(*row[4:]) for row in rows if row[3] is not None}
    return Account(account_id, plan, opened_at, booked_at), months


def accounts(connection: Connection) -> list[Account]:
    """Every account."""
    rows = connection.execute(select(meter_account).order_by(meter_account.c.id))
    return [Account(row.id, row.plan, row.opened_at, row.booked_at, row.month_credit_nanos) for row in rows]


def plan_credit(connection: Connection, account_id: str, month: Month) -> int:
    """What the account's plans have granted for a month; credit that the operator gave is not in it."""
    key = plan_key(account_id, month)
    # A key of raised credit goes on with a colon, which the semicolon is right after.
    query = select(func.coalesce(func.sum(credit_grant.c.amount_nanos), 0)).where(
        credit_grant.c.key >= key, credit_grant.c.key < f"{key};"
    )
    return int(connection.execute(query).scalar_one())


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of one grant; ``expires_at`` is ``None`` for credit that stays."""

    nanos: int
    bucket: Bucket
    expires_at: datetime | None


def credit_left(connection: Connection, account_id: str) -> list[Left]:
    """The grants of an account with something left, as the newest booking left them."""
    query = (
        select(grant_balance.c.remaining_nanos, credit_grant.c.bucket, credit_grant.c.expires_at)
        .select_from(credit_grant)
        .join(
            grant_balance,
            and_(
                grant_balance.c.account_id == credit_grant.c.account_id,
                grant_balance.c.account == literal_column("'grant:'", Text) + credit_grant.c.id,
            ),
        )
        .where(credit_grant.c.account_id == account_id, grant_balance.c.remaining_nanos > 0)
        .order_by(credit_grant.c.id)
    )
    return [Left(nanos, Bucket(bucket), expires_at) for nanos, bucket, expires_at in connection.execute(query)]


def owed(connection: Connection, account_id: str) -> int:
    """What an account owes, as the newest booking left it."""
    query = select(grant_balance.c.remaining_nanos).where(
        grant_balance.c.account_id == account_id, grant_balance.c.account == OVERAGE
    )
    return -(connection.execute(query).scalar_one_or_none() or 0)


def plan_before(connection: Connection, account_id: str, end: datetime) -> str:
    """The plan that an account had just before ``end``; its first one if it did not exist yet."""
    columns = plan_period.c
    query = (
        select(columns.plan)
        .where(columns.account_id == account_id, or_(columns.began_at < end, columns.number == 1))
        .order_by(columns.number.desc())
        .limit(1)
    )
    return str(connection.execute(query).scalar_one())


def session_cost(connection: Connection, session_id: str) -> int:
    """Nano-dollars that a session has cost so far: minutes, proxied bytes, model calls, corrections."""
    lease = select(meter_lease.c.cost_nanos).where(meter_lease.c.lease_id == session_id).scalar_subquery()
    loose = select(func.sum(usage_event.c.cost_nanos)).where(usage_event.c.session_id == session_id, LOOSE)
    query = select(func.coalesce(lease, 0) + func.coalesce(loose.scalar_subquery(), 0))
    return int(connection.execute(query).scalar_one())


def session_postings(connection: Connection, session_id: str) -> list[Posting]:
    """Every event of a session with the entries that paid for it, in the order of booking."""
    mine = or_(
        *(
            (usage_event.c.key >= f"{meter}:{session_id}:") & (usage_event.c.key < f"{meter}:{session_id};")
            for meter in ("browser", "proxy")
        ),
        (usage_event.c.session_id == session_id) & LOOSE,
    )
    ids = select(usage_event.c.id).where(mine)
    query = _joined().where(ledger_transaction.c.id.in_(ids))
    return list(_postings(connection.execute(query)))


def postings(connection: Connection, account_id: str | None = None) -> Iterator[Posting]:
    """The whole ledger, or one account's, in the order of ids; read in batches."""
    query = _joined()
    if account_id is not None:
        query = query.where(ledger_transaction.c.account_id == account_id)
    return _postings(connection.execute(query, execution_options={"yield_per": _BATCH}))


def _joined() -> Any:
    return (
        select(
            ledger_transaction.c.id.label("transaction_id"),
            ledger_transaction.c.key.label("transaction_key"),
            ledger_transaction.c.account_id.label("owner_id"),
            ledger_transaction.c.booked_at.label("posted_at"),
            ledger_entry.c.account,
            ledger_entry.c.amount_nanos,
            usage_event,
        )
        .outerjoin(usage_event, usage_event.c.id == ledger_transaction.c.id)
        .outerjoin(ledger_entry, ledger_entry.c.transaction_id == ledger_transaction.c.id)
        .order_by(ledger_transaction.c.id, ledger_entry.c.account)
    )


def _postings(rows: Any) -> Iterator[Posting]:
    for id, group in itertools.groupby(rows, key=lambda row: row.transaction_id):
        lines: list[Row[Any]] = list(group)
        first = lines[0]
        has_event = first.key is not None
        yield Posting(
            id=id,
            key=first.transaction_key or first.key or f"transaction {id}",
            account_id=first.owner_id,
            booked_at=first.posted_at,
            entries=tuple((line.account, line.amount_nanos) for line in lines if line.account is not None),
            event=event_of(first) if has_event else None,
            occurred_at=first.occurred_at,
            event_booked_at=first.booked_at if has_event else None,
        )


def unpaid_events(connection: Connection) -> list[str]:
    """Keys of events that no ledger transaction has the id of."""
    query = (
        select(usage_event.c.key)
        .outerjoin(ledger_transaction, ledger_transaction.c.id == usage_event.c.id)
        .where(ledger_transaction.c.id.is_(None))
    )
    return list(connection.execute(query).scalars())


def stray_entries(connection: Connection) -> list[int]:
    """Ids in ledger entries that no transaction has."""
    query = (
        select(ledger_entry.c.transaction_id)
        .outerjoin(ledger_transaction, ledger_transaction.c.id == ledger_entry.c.transaction_id)
        .where(ledger_transaction.c.id.is_(None))
        .distinct()
    )
    return list(connection.execute(query).scalars())


def grants(
    connection: Connection, ids: Sequence[str] | None = None, *, account_id: str | None = None
) -> dict[str, tuple[str, Grant]]:
    """Grants by their ledger account, with the account that has them: all, those of ``ids``, or one account's."""
    query = select(credit_grant)
    if ids is not None:
        query = query.where(credit_grant.c.id.in_(ids))
    if account_id is not None:
        query = query.where(credit_grant.c.account_id == account_id)
    return {
        f"grant:{row.id}": (
            row.account_id,
            Grant(row.id, row.key, Bucket(row.bucket), row.amount_nanos, row.effective_at, row.expires_at, 0),
        )
        for row in connection.execute(query)
    }


def balances(connection: Connection, account_id: str | None = None) -> dict[tuple[str, str], int]:
    """The rollup of what is left, by account and ledger account; of all accounts, or of one."""
    query = select(grant_balance)
    if account_id is not None:
        query = query.where(grant_balance.c.account_id == account_id)
    rows = connection.execute(query)
    return {(row.account_id, row.account): row.remaining_nanos for row in rows}


def rollups(connection: Connection) -> dict[tuple[str, Month], MonthRollup]:
    """Every account's monthly rollups."""
    rows = connection.execute(select(usage_month))
    return {(row.account_id, Month.from_key(row.month)): MonthRollup(*row[2:]) for row in rows}


def leases(connection: Connection) -> Iterator[Any]:
    """Every lease: id, account, meter, witnessed microseconds, paid minutes, proxied bytes, cost, closed_at."""
    columns = meter_lease.c
    query = select(
        columns.lease_id,
        columns.account_id,
        columns.meter,
        columns.witnessed_microseconds,
        columns.paid_minutes,
        columns.proxied_bytes,
        columns.cost_nanos,
        columns.closed_at,
    )
    yield from connection.execute(query, execution_options={"yield_per": _BATCH})
