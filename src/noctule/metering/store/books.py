"""Loading accounts under their locks, and writing what a journal noted."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Row,
    Select,
    Text,
    and_,
    func,
    insert,
    literal_column,
    select,
    text,
)

from noctule.db import bulk
from noctule.db.bulk import micros
from noctule.db.engine import lock_row
from noctule.metering.domain.events import Meter, UsageEvent
from noctule.metering.domain.journal import OVERAGE, AccountState, Bucket, Grant, Journal
from noctule.metering.store import budgets
from noctule.metering.store.quick import instant, quick, stored
from noctule.metering.store.tables import (
    credit_grant,
    grant_balance,
    ledger_entry,
    ledger_transaction,
    meter_account,
    plan_period,
    usage_day,
    usage_event,
    usage_month,
)

_BLOCK = 64
# In the text of a statement, so that a list of ids is its only parameter.
_GRANT, _ZERO = literal_column("'grant:'", Text), literal_column("0", BigInteger)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def load(connection: Connection, account_ids: Sequence[str], now: datetime) -> dict[str, AccountState]:
    """Lock accounts, in the order of their ids, and load their state. Unknown ones are left out."""
    listed = tuple(bulk.listed(account_ids).values())
    states = {
        id: AccountState(id, plan, instant(opened_at), instant(booked_at), changes, credit, noticed)
        for id, plan, changes, opened_at, booked_at, credit, noticed in quick(connection, _accounts, listed)
    }
    for account_id, account, left, id, key, bucket, amount, effective_at, expires_at in quick(
        connection, _held, listed
    ):
        if account == OVERAGE:
            states[account_id].owed_nanos = -left
        else:
            expires = None if expires_at is None else instant(expires_at)
            grant = Grant(id, key, Bucket(bucket), amount, instant(effective_at), expires, left)
            states[account_id].grants.append(grant)
    for account_id, books in budgets.live(connection, listed, now).items():
        states[account_id].budgets = books
    for state in states.values():
        state.grants.sort(key=lambda grant: grant.spend_order)
    return states


def lock(connection: Connection, account_id: str) -> bool:
    """Lock one account without loading it; ``False`` if there is none."""
    query = select(meter_account.c.id).where(meter_account.c.id == account_id)
    if lock_row(connection):
        query = query.with_for_update()
    return connection.execute(query).one_or_none() is not None


def _newest(dialect: str) -> Select[Any]:
    return select(func.coalesce(func.max(ledger_transaction.c.id), _ZERO))


def _accounts(dialect: str) -> Select[Any]:
    columns = meter_account.c
    query = (
        select(
            columns.id,
            columns.plan,
            columns.plan_changes,
            stored(columns.opened_at),
            stored(columns.booked_at),
            columns.month_credit_nanos,
            columns.noticed_percent,
        )
        .where(bulk.among(dialect, columns.id))
        .order_by(columns.id)
    )
    return query if dialect == "sqlite" else query.with_for_update()


def _held(dialect: str) -> Select[Any]:
    balance, grant = grant_balance.c, credit_grant.c
    return (
        select(
            balance.account_id,
            balance.account,
            balance.remaining_nanos,
            grant.id,
            grant.key,
            grant.bucket,
            grant.amount_nanos,
            stored(grant.effective_at),
            stored(grant.expires_at),
        )
        .select_from(grant_balance)
        .outerjoin(credit_grant, and_(grant.account_id == balance.account_id, balance.account == _GRANT + grant.id))
        .where(bulk.among(dialect, balance.account_id), balance.remaining_nanos != _ZERO)
    )


def ids(connection: Connection) -> Iterator[int]:
    """Fresh ids of ledger transactions, growing; to be asked for only under the accounts' locks."""
    if not lock_row(connection):
        ((newest,),) = quick(connection, _newest)
        yield from itertools.count(newest + 1)
    block = text("SELECT nextval(pg_get_serial_sequence('ledger_transaction', 'id')) FROM generate_series(1, :size)")
    size = _BLOCK
    while True:
        yield from sorted(connection.execute(block, {"size": size}).scalars())
        size *= 4


def save(connection: Connection, journal: Journal, states: Sequence[AccountState]) -> None:
    """Write everything the journal noted, one statement a table. Raises ``IntegrityError`` for a key
    that is booked already."""
    bulk.update(
        connection,
        meter_account,
        ("plan", "plan_changes", "booked_at", "month_credit_nanos", "noticed_percent"),
        ("id",),
        [
            (
                state.plan,
                state.plan_changes,
                micros(state.booked_at),
                state.month_credit_nanos,
                state.noticed_percent,
                state.id,
            )
            for state in states
        ],
    )
    bulk.insert(
        connection,
        plan_period,
        [(account_id, number, plan, micros(at)) for account_id, number, plan, at in journal.plans],
    )
    bulk.insert(
        connection,
        credit_grant,
        [
            (
                grant.id,
                grant.key,
                account_id,
                int(grant.bucket),
                grant.amount_nanos,
                micros(grant.effective_at),
                None if grant.expires_at is None else micros(grant.expires_at),
            )
            for account_id, grant in journal.grants
        ],
    )
    stamps = {at: micros(at) for at in {booked_at for _, _, booked_at, _, _ in journal.events}}
    rows: list[bulk.Row] = [
        (id, *event[:3], micros(occurred_at), stamps[booked_at], origin_at and micros(origin_at), *event[4:])
        for id, event, booked_at, occurred_at, origin_at in journal.events
    ]
    bulk.insert(connection, usage_event, rows)
    transactions: list[bulk.Row] = [
        (id, key, account_id, micros(at)) for id, key, account_id, at in journal.transactions
    ]
    transactions += [(row[0], None, row[2], row[5]) for row in rows]
    bulk.insert(connection, ledger_transaction, transactions)
    bulk.insert(connection, ledger_entry, journal.entries)
    bulk.put(connection, grant_balance, [(*where, left) for where, left in journal.balances.items()])
    bulk.add_to(
        connection,
        usage_month,
        [(account_id, month.key, *figures) for (account_id, month), figures in journal.rollups.items()],
    )
    bulk.add_to(connection, usage_day, [(*day, *figures) for day, figures in journal.days.items()])
    budgets.save(connection, [(*where, *figures) for where, figures in journal.spending.items()])


def add_account(connection: Connection, account_id: str, plan: str, at: datetime) -> None:
    """A new account. Raises ``IntegrityError`` if there is one already."""
    connection.execute(
        insert(meter_account).values(id=account_id, plan=plan, plan_changes=0, opened_at=at, booked_at=at)
    )


def find_grant(connection: Connection, key: str) -> tuple[str, Grant] | None:
    """The grant of a key and the account that has it."""
    row = connection.execute(select(credit_grant).where(credit_grant.c.key == key)).one_or_none()
    if row is None:
        return None
    bucket = Bucket(row.bucket)
    grant = Grant(row.id, row.key, bucket, row.amount_nanos, row.effective_at, row.expires_at, 0)
    return row.account_id, grant


def find_events(connection: Connection, keys: Sequence[str]) -> dict[str, UsageEvent]:
    """The booked events among ``keys``, each as it was delivered."""
    dialect = connection.dialect.name
    query = select(usage_event).where(bulk.among(dialect, usage_event.c.key))
    return {row.key: event_of(row) for row in connection.execute(query, bulk.listed(keys))}


def event_of(row: Row[Any]) -> UsageEvent:
    """An event as it was delivered, from a row of its table."""
    return UsageEvent(
        key=row.key,
        account_id=row.account_id,
        meter=Meter(row.meter),
        occurred_at=row.origin_at or row.occurred_at,
        position=row.position,
        quantity=row.quantity,
        unit=row.unit,
        price_id=row.price_id,
        cost_nanos=row.cost_nanos,
        session_id=row.session_id,
        agent_id=row.agent_id,
        function_run_id=row.function_run_id,
        api_key_id=row.api_key_id,
        tags=row.tags,
        detail=row.detail,
        function_id=row.function_id,
    )
