"""Budgets as people make, change and look at them, and what they refuse."""

from dataclasses import replace

from sqlalchemy import Connection

from noctule.kit.clock import Clock
from noctule.kit.errors import Conflict, InvalidRequest, NotFound, PaymentRequired
from noctule.kit.ids import new_id
from noctule.kit.money import dollars, format_dollars
from noctule.kit.outbox import Outbox
from noctule.metering.domain import notices
from noctule.metering.domain.budgets import (
    Budget,
    BudgetAction,
    BudgetBook,
    BudgetPeriod,
    BudgetScope,
    BudgetStatus,
    Subjects,
)
from noctule.metering.domain.leases import LeaseOpening
from noctule.metering.domain.months import Month
from noctule.metering.domain.posting import AccountBooks
from noctule.metering.service.ledger import Ledger
from noctule.metering.store import budgets as store

MOST_BUDGETS = 100
"""In force at a time, besides those of single sessions."""

_WHOSE = {
    BudgetScope.WORKSPACE: "this workspace",
    BudgetScope.KEY: "this key",
    BudgetScope.TAG: "the tag {}",
    BudgetScope.AGENT: "this agent",
    BudgetScope.SESSION: "this session",
}


class Budgets:
    """The budgets of all accounts."""

    def __init__(self, clock: Clock, ledger: Ledger, outbox: Outbox) -> None:
        self._clock = clock
        self._ledger = ledger
        self._outbox = outbox

    def add(
        self,
        connection: Connection,
        account_id: str,
        *,
        name: str,
        scope: BudgetScope,
        subject: str,
        period: BudgetPeriod,
        limit_nanos: int,
        action: BudgetAction,
        id: str | None,
    ) -> Budget:
        """A new budget; what its subject has cost in the period so far counts.

        Raises ``Conflict`` for a name that a budget in force has and beyond 100 budgets, ``InvalidRequest``
        unless the limit is positive and the subject fits the scope, ``NotFound``.
        """
        _check_limit(limit_nanos)
        if (scope is BudgetScope.WORKSPACE) == bool(subject):
            raise InvalidRequest.at(("subject",), "every scope but the workspace has one", subject)
        account = self._ledger.books(connection, [account_id])[account_id]
        if id is not None and store.is_known(connection, id):
            raise Conflict("This budget was made before, and has been removed since; take a new key.")
        in_force = [each.budget for each in account.state.budgets]
        if any(each.name == name for each in in_force):
            raise Conflict(f"There is a budget {name!r} already.")
        if sum(each.scope is not BudgetScope.SESSION for each in in_force) >= MOST_BUDGETS:
            raise Conflict(f"There are {MOST_BUDGETS} budgets already; remove one first.")
        new = Budget(id or new_id(), account_id, name, scope, subject, period, limit_nanos, action, account.at)
        store.add(connection, new)
        month = account.month if period is BudgetPeriod.MONTH else None
        book = BudgetBook(new)
        if spent := store.spent(connection, new, month):
            book.spending(account.month).spent_nanos = spent
            self._note(connection, book, account)
        return new

    def all(self, connection: Connection, account_id: str, month: Month) -> list[BudgetStatus]:
        """Every budget in force and how it stands, oldest first."""
        return [each.status(month) for each in store.of_account(connection, account_id, month.start)]

    def change(
        self,
        connection: Connection,
        account_id: str,
        budget_id: str,
        *,
        limit_nanos: int | None,
        action: BudgetAction | None,
    ) -> Budget:
        """Another limit, another action. Raises ``InvalidRequest``, ``NotFound``."""
        account = self._ledger.books(connection, [account_id])[account_id]
        book = _find(account, budget_id)
        if limit_nanos is not None:
            _check_limit(limit_nanos)
        changed = replace(
            book.budget,
            limit_nanos=book.budget.limit_nanos if limit_nanos is None else limit_nanos,
            action=action or book.budget.action,
        )
        store.change(connection, changed)
        if changed.limit_nanos != book.budget.limit_nanos:
            # Under another limit other shares are spent.
            book.budget = changed
            for spending in book.periods.values():
                spending.noticed_percent = 0
            self._note(connection, book, account)
        return changed

    def remove(self, connection: Connection, account_id: str, budget_id: str) -> Budget:
        """End a budget, at once. Raises ``NotFound``."""
        account = self._ledger.books(connection, [account_id])[account_id]
        found = _find(account, budget_id).budget
        store.remove(connection, budget_id, account.at)
        return found

    def _note(self, connection: Connection, book: BudgetBook, account: AccountBooks) -> None:
        """Write what is spent, and announce the shares of the current period that are."""
        current = book.budget.period_of(account.month)
        percents = book.spending(account.month).newly_noticed(book.budget.limit_nanos)
        self._outbox.add(connection, [notices.budget(book, current, each, account.at) for each in percents])
        store.save(
            connection,
            [(book.budget.id, name, each.spent_nanos, each.noticed_percent) for name, each in book.periods.items()],
        )

    # -- leases ------------------------------------------------------------------------------------------

    def begin_session(self, connection: Connection, opening: LeaseOpening, account: AccountBooks) -> None:
        """Make the budget of a session that may cost so much at most, before its first minute is booked."""
        if opening.max_cost_nanos is None or opening.session_id is None:
            return
        new = Budget(
            id=new_id(),
            account_id=opening.account_id,
            name=f"max cost of session {opening.lease_id}",
            scope=BudgetScope.SESSION,
            subject=opening.session_id,
            period=BudgetPeriod.TOTAL,
            limit_nanos=opening.max_cost_nanos,
            action=BudgetAction.STOP,
            created_at=account.at,
        )
        store.add(connection, new)
        account.state.budgets.append(BudgetBook(new))

    def end_session(self, connection: Connection, session_id: str, account: AccountBooks) -> None:
        """End the budgets of a session that is over."""
        if any(each.budget.subject == session_id for each in account.state.budgets):
            store.remove_of_sessions(connection, [session_id], account.at)

    def end_sessions(self, connection: Connection, session_ids: tuple[str, ...]) -> None:
        """End the budgets of sessions that nobody holds any more."""
        if session_ids:
            store.remove_of_sessions(connection, session_ids, self._clock.now())


def refused(books: list[BudgetBook], use: Subjects, month: Month, docs: str) -> None:
    """Raise ``PaymentRequired`` if one of the budgets lets no such use begin."""
    found = next((each for each in books if each.stops(use, month)), None)
    if found is not None:
        raise refusal(found, month, docs)


def refusal(book: BudgetBook, month: Month, docs: str) -> PaymentRequired:
    """The 402 of a budget that is used up."""
    budget, spent = book.budget, book.spending(month).spent_nanos
    resets_at = budget.resets_at(month)
    return PaymentRequired(
        reached(budget),
        detail={
            "reason": "budget_exceeded",
            "budget": {"id": budget.id, "name": budget.name, "scope": budget.scope.value},
            "limit": dollars(budget.limit_nanos),
            "balance": dollars(budget.limit_nanos - spent),
            "resets_at": None if resets_at is None else resets_at.isoformat(),
            "docs": docs,
        },
    )


def reached(budget: Budget) -> str:
    """A sentence that names the budget that is used up."""
    whose = _WHOSE[budget.scope].format(repr(budget.subject))
    span = "a month" if budget.period is BudgetPeriod.MONTH else "in all"
    return f"The budget {budget.name!r} ({format_dollars(budget.limit_nanos)} {span} for {whose}) is used up."


def _find(account: AccountBooks, budget_id: str) -> BudgetBook:
    for each in account.state.budgets:
        if each.budget.id == budget_id:
            return each
    raise NotFound(f"There is no budget {budget_id!r}.")


def _check_limit(limit_nanos: int) -> None:
    if limit_nanos <= 0:
        raise InvalidRequest.at(("limit",), "a budget is more than zero", format_dollars(limit_nanos))
