"""Loading accounts under their locks, and writing what a journal noted."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, delete, func, insert, select, text

from noctule.db import bulk
from noctule.db.bulk import micros
from noctule.db.engine import lock_row
from noctule.metering.domain.events import Meter, UsageEvent
from noctule.metering.domain.months import Month
from noctule.metering.domain.posting import OVERAGE, AccountState, Bucket, Grant, Journal
from noctule.metering.domain.usage import MonthRollup
from noctule.metering.store.tables import (
    credit_grant,
    grant_balance,
    ledger_entry,
    ledger_transaction,
    meter_account,
    plan_period,
    usage_event,
    usage_month,
)

_BLOCK = 64


def load(connection: Connection, account_ids: Sequence[str]) -> dict[str, AccountState]:
    """Lock accounts, in the order of their ids, and load their state. Unknown ones are left out."""
    dialect = connection.dialect.name
    listed = bulk.listed(account_ids)
    states = {
        row.id: AccountState(row.id, row.plan, row.opened_at, row.booked_at, row.plan_changes)
        for row in connection.execute(_accounts(dialect), listed)
    }
    for row in connection.execute(_held(dialect), listed):
        state = states[row[0]]
        if row.account == OVERAGE:
            state.owed_nanos = -row.remaining_nanos
        else:
            state.grants.append(_grant(row, row.remaining_nanos))
    for state in states.values():
        state.grants.sort(key=lambda grant: grant.spend_order)
    return states


@cache
def _accounts(dialect: str) -> Select[Any]:
    query = select(meter_account).where(bulk.among(dialect, meter_account.c.id)).order_by(meter_account.c.id)
    return query if dialect == "sqlite" else query.with_for_update()


@cache
def _held(dialect: str) -> Select[Any]:
    mine = and_(
        credit_grant.c.account_id == grant_balance.c.account_id,
        grant_balance.c.account == "grant:" + credit_grant.c.id,
    )
    return (
        select(grant_balance.c.account_id, grant_balance.c.account, grant_balance.c.remaining_nanos, credit_grant)
        .outerjoin(credit_grant, mine)
        .where(bulk.among(dialect, grant_balance.c.account_id), grant_balance.c.remaining_nanos != 0)
    )


def ids(connection: Connection) -> Iterator[int]:
    """Fresh ids of ledger transactions, growing; to be asked for only under the accounts' locks."""
    if not lock_row(connection):
        newest = connection.execute(select(func.coalesce(func.max(ledger_transaction.c.id), 0))).scalar_one()
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
        ("plan", "plan_changes", "booked_at"),
        ("id",),
        [(state.plan, state.plan_changes, micros(state.booked_at), state.id) for state in states],
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
    rows: list[bulk.Row] = []
    for id, event, booked_at, occurred_at, origin_at in journal.events:
        key, account_id, meter, _, *rest = event
        origin = None if origin_at is None else micros(origin_at)
        rows.append((id, key, account_id, meter, micros(occurred_at), stamps[booked_at], origin, *rest))
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


def replace_all(
    connection: Connection,
    rollups: Mapping[tuple[str, Month], MonthRollup],
    balances: Mapping[tuple[str, str], int],
) -> None:
    """Put other rollups in the place of all that there are."""
    connection.execute(delete(usage_month))
    connection.execute(delete(grant_balance))
    rows = [(account_id, month.key, *astuple(rollup)) for (account_id, month), rollup in rollups.items()]
    bulk.insert(connection, usage_month, rows)
    bulk.insert(connection, grant_balance, [(*where, left) for where, left in balances.items()])


def add_account(connection: Connection, account_id: str, plan: str, at: datetime) -> None:
    """A new account. Raises ``IntegrityError`` if there is one already."""
    connection.execute(
        insert(meter_account).values(id=account_id, plan=plan, plan_changes=0, opened_at=at, booked_at=at)
    )


def find_grant(connection: Connection, key: str) -> tuple[str, Grant] | None:
    """The grant of a key and the account that has it."""
    row = connection.execute(select(credit_grant).where(credit_grant.c.key == key)).one_or_none()
    return None if row is None else (row.account_id, _grant(row, 0))


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
    )


def _grant(row: Row[Any], remaining_nanos: int) -> Grant:
    return Grant(
        id=row.id,
        key=row.key,
        bucket=Bucket(row.bucket),
        amount_nanos=row.amount_nanos,
        effective_at=row.effective_at,
        expires_at=row.expires_at,
        remaining_nanos=remaining_nanos,
    )
