"""Budgets and what counts against them: rows in, domain out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, func, insert, select, update

from noctule.db import bulk
from noctule.metering.domain.budgets import (
    Budget,
    BudgetAction,
    BudgetBook,
    BudgetPeriod,
    BudgetScope,
    Spending,
    tags_of,
)
from noctule.metering.domain.months import Month
from noctule.metering.store.quick import instant, quick, stored
from noctule.metering.store.tables import budget, budget_period, usage_day

_COLUMN = {
    BudgetScope.KEY: usage_day.c.api_key_id,
    BudgetScope.AGENT: usage_day.c.agent_id,
    BudgetScope.SESSION: usage_day.c.session_id,
}


def live(connection: Connection, listed: tuple[str, ...], now: datetime) -> dict[str, list[BudgetBook]]:
    """The budgets in force of some accounts (``bulk.listed``), oldest first, with the periods that may still change."""
    found: dict[str, list[BudgetBook]] = {}
    books: dict[str, BudgetBook] = {}
    # No event counts further back than the month before the one of its booking, which is never before now's.
    oldest = Month.of(now).previous.key
    for id, account_id, name, scope, subject, period, limit, action, created_at, part, spent, noticed in quick(
        connection, _live, (oldest, *listed)
    ):
        book = books.get(id)
        if book is None:
            made = Budget(
                id,
                account_id,
                name,
                BudgetScope(scope),
                subject,
                BudgetPeriod(period),
                limit,
                BudgetAction(action),
                instant(created_at),
            )
            book = books[id] = BudgetBook(made)
            found.setdefault(account_id, []).append(book)
        if part is not None:
            book.periods[part] = Spending(spent, noticed)
    return found


def _live(dialect: str) -> Select[Any]:
    columns, parts = budget.c, budget_period.c
    return (
        select(
            columns.id,
            columns.account_id,
            columns.name,
            columns.scope,
            columns.subject,
            columns.period,
            columns.limit_nanos,
            columns.action,
            stored(columns.created_at),
            parts.period,
            parts.spent_nanos,
            parts.noticed_percent,
        )
        .select_from(budget)
        # Any month is before "total", so this keeps totals too.
        .outerjoin(budget_period, and_(parts.budget_id == columns.id, parts.period >= bindparam("oldest")))
        .where(bulk.among(dialect, columns.account_id), columns.removed_at.is_(None))
        .order_by(columns.created_at, columns.id)
    )


def of_account(connection: Connection, account_id: str, now: datetime) -> list[BudgetBook]:
    """The budgets in force of one account, oldest first."""
    return live(connection, tuple(bulk.listed([account_id]).values()), now).get(account_id, [])


def is_known(connection: Connection, budget_id: str) -> bool:
    """Whether there is, or was, a budget with this id."""
    return connection.execute(select(budget.c.id).where(budget.c.id == budget_id)).one_or_none() is not None


def add(connection: Connection, new: Budget) -> None:
    """Write a budget."""
    connection.execute(
        insert(budget).values(
            id=new.id,
            account_id=new.account_id,
            name=new.name,
            scope=new.scope.value,
            subject=new.subject,
            period=new.period.value,
            limit_nanos=new.limit_nanos,
            action=new.action.value,
            created_at=new.created_at,
        )
    )


def change(connection: Connection, changed: Budget) -> None:
    """Write the limit and the action of a budget."""
    connection.execute(
        update(budget)
        .where(budget.c.id == changed.id)
        .values(limit_nanos=changed.limit_nanos, action=changed.action.value)
    )


def remove(connection: Connection, budget_id: str, at: datetime) -> None:
    """End a budget."""
    connection.execute(update(budget).where(budget.c.id == budget_id).values(removed_at=at))


def remove_of_sessions(connection: Connection, session_ids: Sequence[str], at: datetime) -> None:
    """End the budgets of sessions that are over."""
    connection.execute(
        update(budget)
        .where(
            budget.c.scope == BudgetScope.SESSION.value,
            bulk.among(connection.dialect.name, budget.c.subject),
            budget.c.removed_at.is_(None),
        )
        .values(removed_at=at),
        bulk.listed(session_ids),
    )


def save(connection: Connection, rows: Sequence[bulk.Row]) -> None:
    """Write periods: budget, period, nanos spent, percent announced."""
    bulk.put(connection, budget_period, rows)


def spent(connection: Connection, of: Budget, month: Month | None) -> int:
    """What counts against a budget in a month, or in all, by what was used on each day."""
    days = usage_day.c
    query = select(days.tags, func.sum(days.cost_nanos)).where(days.account_id == of.account_id).group_by(days.tags)
    if month is not None:
        query = query.where(days.day >= f"{month.key}-01", days.day < f"{month.next.key}-01")
    column = _COLUMN.get(of.scope)
    if column is not None:
        query = query.where(column == of.subject)
    return sum(
        int(nanos)
        for tags, nanos in connection.execute(query)
        if of.scope is not BudgetScope.TAG or of.subject in tags_of(tags)
    )


def every_live(connection: Connection) -> list[tuple[Budget, str, int]]:
    """Every budget in force with each of its periods and what is noted as spent in it."""
    query = (
        select(budget, budget_period.c.period.label("part"), budget_period.c.spent_nanos)
        .select_from(budget)
        .join(budget_period, budget_period.c.budget_id == budget.c.id)
        .where(budget.c.removed_at.is_(None))
        .order_by(budget.c.id, budget_period.c.period)
    )
    return [(_budget(row), row.part, row.spent_nanos) for row in connection.execute(query)]


def _budget(row: Row[Any]) -> Budget:
    return Budget(
        row.id,
        row.account_id,
        row.name,
        BudgetScope(row.scope),
        row.subject,
        BudgetPeriod(row.period),
        row.limit_nanos,
        BudgetAction(row.action),
        row.created_at,
    )
