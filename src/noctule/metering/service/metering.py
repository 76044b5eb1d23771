"""Metering's use cases. Every method works inside the caller's transaction and commits nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from sqlalchemy import Connection

from noctule.kit.clock import Clock
from noctule.kit.errors import NotFound, PaymentRequired
from noctule.kit.money import dollars
from noctule.kit.outbox import NoOutbox, Outbox
from noctule.metering.book import Plan, PriceBook
from noctule.metering.domain.budgets import (
    Budget,
    BudgetAction,
    BudgetPeriod,
    BudgetScope,
    BudgetStatus,
    Subjects,
)
from noctule.metering.domain.events import UsageEvent
from noctule.metering.domain.leases import ClosedLease, LeaseOpening, TickOutcome
from noctule.metering.domain.months import Month
from noctule.metering.domain.usage import LedgerView, MonthRollup, Usage, usage_at
from noctule.metering.service import audit, budgets, credit, explain, months
from noctule.metering.service.budgets import Budgets
from noctule.metering.service.credit import Correction, Credit, GrantView
from noctule.metering.service.leases import Leases
from noctule.metering.service.ledger import Ledger, ModelCall, tags_text
from noctule.metering.service.months import MonthView
from noctule.metering.store import budgets as budget_store
from noctule.metering.store import leases as lease_store
from noctule.metering.store import reading

_DOCS = "/docs#/usage/get_usage"


class Metering:
    """The meter of one server. ``boot_id`` is new at each start, ``instance_id`` stays."""

    def __init__(
        self,
        clock: Clock,
        book: PriceBook,
        *,
        instance_id: str,
        boot_id: str,
        on_exhausted: Literal["stop", "finish"] = "stop",
        outbox: Outbox | None = None,
    ) -> None:
        self._clock = clock
        self._book = book
        outbox = outbox or NoOutbox()
        self._ledger = Ledger(clock, book, outbox)
        self._credit = Credit(clock, self._ledger)
        self._budgets = Budgets(clock, self._ledger, outbox)
        self._leases = Leases(
            clock,
            book,
            self._ledger,
            self._budgets,
            instance_id=instance_id,
            boot_id=boot_id,
            on_exhausted=on_exhausted,
        )

    # -- accounts ----------------------------------------------------------------------------------------

    def open_account(self, connection: Connection, account_id: str, plan: str) -> None:
        """A new account with this month's plan credit.

        Raises ``InvalidRequest`` for an unknown plan, ``Conflict`` if the account exists.
        """
        self._ledger.open_account(connection, account_id, plan)

    def change_plan(self, connection: Connection, account_id: str, plan: str) -> None:
        """Put an account on another plan, at once: a larger one raises this month's credit by the
        difference, a smaller one grants less from next month on.

        Raises ``InvalidRequest`` for an unknown plan, ``NotFound``.
        """
        self._ledger.change_plan(connection, account_id, plan)

    def top_up(self, connection: Connection, account_id: str, amount_nanos: int, key: str) -> None:
        """Add credit that never expires, once per key.

        Raises ``InvalidRequest`` unless the amount is positive, ``Conflict`` if the key was used for another
        amount or account, ``NotFound``.
        """
        self._credit.top_up(connection, account_id, amount_nanos, key)

    def grant(
        self, connection: Connection, account_id: str, amount_nanos: int, key: str, *, expires_after: Month | None
    ) -> None:
        """Add credit that is spent with the plan's and expires at the end of a month (``None``: never), once per key.

        Raises ``InvalidRequest`` unless the amount is positive and the month not over, ``Conflict``, ``NotFound``.
        """
        self._credit.grant(connection, account_id, amount_nanos, key, expires_after=expires_after)

    def grants(self, connection: Connection, account_id: str) -> list[GrantView]:
        """Every grant of an account and what is left of it, oldest first. Raises ``NotFound``."""
        self._account(connection, account_id)
        return credit.grants(connection, account_id)

    def void_grant(self, connection: Connection, account_id: str, grant_id: str) -> int:
        """Take back what is left of a grant, at once; answers how many nano-dollars. Raises ``NotFound``."""
        return self._credit.void(connection, account_id, grant_id)

    def correct(self, connection: Connection, account_id: str, correction: Correction) -> bool:
        """Give back, or charge, what was billed wrongly, once per key; answers whether it was new.

        Raises ``InvalidRequest`` for an amount of zero and for the future, ``Conflict``, ``NotFound``.
        """
        return self._credit.correct(connection, account_id, correction)

    def plan_of(self, connection: Connection, account_id: str) -> Plan:
        """The account's plan. Raises ``NotFound``."""
        return self._book.plan(self._account(connection, account_id).plan, self._clock.now())

    # -- admission ---------------------------------------------------------------------------------------

    def admit(
        self,
        connection: Connection,
        account_id: str,
        *,
        api_key_id: str | None = None,
        agent_id: str | None = None,
        tags: Sequence[str] = (),
    ) -> None:
        """Let new work in while something is left of the balance and of every budget that it counts against.

        Only reads. Raises ``PaymentRequired``, ``NotFound``.
        """
        usage = self.usage(connection, account_id, None)
        if usage.is_limit_exceeded:
            raise self._refusal(usage)
        use = Subjects(None, agent_id, api_key_id, tags_text(tags))
        budgets.refused(budget_store.of_account(connection, account_id, usage.month.start), use, usage.month, _DOCS)

    def lock(self, connection: Connection, account_id: str) -> None:
        """Let no other transaction touch this account until the caller's ends. Raises ``NotFound``."""
        self._ledger.lock(connection, account_id)

    def _refusal(self, usage: Usage) -> PaymentRequired:
        grants_next = self._book.monthly_credit(usage.plan, usage.month.next)
        return PaymentRequired(
            "The balance of this workspace is used up; top it up, or wait for the next month's plan credit."
            if grants_next
            else "The balance of this workspace is used up; top it up.",
            detail={
                "reason": "usage_limit_exceeded",
                "limit": dollars(usage.subscription_limit_nanos + usage.topup_limit_nanos),
                "balance": dollars(usage.balance_nanos),
                "resets_at": usage.month.end.isoformat() if grants_next else None,
                "docs": _DOCS,
            },
        )

    # -- leases ------------------------------------------------------------------------------------------

    def open_lease(self, connection: Connection, opening: LeaseOpening) -> int:
        """Admit once more, under the account's lock, and book minute 0 with the lease; answers its nano-dollars.

        After the commit call ``begin``; if the transaction fails, ``forget``. Raises ``PaymentRequired``,
        ``NotFound``.
        """
        books = self._ledger.books(connection, [opening.account_id])
        account = books[opening.account_id]
        if not account.has_credit():
            raise self._refusal(self.usage(connection, opening.account_id, None))
        use = Subjects(opening.session_id, opening.agent_id, opening.api_key_id, tags_text(opening.tags))
        budgets.refused(account.state.budgets, use, account.month, _DOCS)
        return self._leases.open(connection, opening, books)

    def begin(self, lease_id: str) -> None:
        """Let witnessed time run, after the commit. Raises ``KeyError`` for a lease not opened here."""
        self._leases.begin(lease_id)

    def freeze(self, lease_id: str, *, at_paid_minute: bool = False, at_most_minutes: int | None = None) -> None:
        """Let witnessed time stand still from now on; ``close_lease`` bills up to here. The first call
        wins. ``at_paid_minute``: time beyond the minutes already paid is not billed; ``at_most_minutes``: nor is
        time beyond those."""
        self._leases.freeze(lease_id, at_paid_minute=at_paid_minute, at_most_minutes=at_most_minutes)

    def witnessed_seconds(self, lease_id: str) -> float:
        """Witnessed time so far; 0 for a lease that is not held here."""
        return self._leases.witnessed_seconds(lease_id)

    def close_lease(self, connection: Connection, lease_id: str, *, proxied_bytes: int) -> ClosedLease:
        """Book what a lease still owes (missing minutes, the last range of bytes) and close it.

        ``proxied_bytes`` is the total since the start. Closing again changes nothing and answers alike; a
        lease that is not held here is closed as it stands, without a charge. Raises ``NotFound``.
        """
        return self._leases.close(connection, lease_id, proxied_bytes=proxied_bytes)

    def forget(self, lease_id: str) -> None:
        """Let go of a lease, after the commit that closed it or the failure to open it."""
        self._leases.forget(lease_id)

    def tick_step(self, proxied_bytes: Mapping[str, int]) -> Callable[[Connection], TickOutcome]:
        """A step that charges all that is due: crossed minutes, proxy checkpoints, signs of life.

        ``proxied_bytes`` is the total since the start by lease id. Its outcome names the leases to stop.
        """
        as_of = self._clock.monotonic()
        return lambda connection: self._leases.tick(connection, proxied_bytes, as_of)

    def abandon(self, connection: Connection) -> tuple[str, ...]:
        """Close, as of when they were last seen, the leases of earlier boots of this instance and those of
        servers unseen for two minutes. Bills nothing; answers the leases' ids."""
        return self._leases.abandon(connection)

    # -- budgets -----------------------------------------------------------------------------------------

    def add_budget(
        self,
        connection: Connection,
        account_id: str,
        *,
        name: str,
        scope: BudgetScope,
        subject: str = "",
        period: BudgetPeriod,
        limit_nanos: int,
        action: BudgetAction,
        id: str | None = None,
    ) -> Budget:
        """A new budget, with a fresh id unless it has one; what its subject has cost in the period so far counts.

        Raises ``Conflict`` for a name in use and beyond 100 budgets, ``InvalidRequest``, ``NotFound``.
        """
        return self._budgets.add(
            connection,
            account_id,
            name=name,
            scope=scope,
            subject=subject,
            period=period,
            limit_nanos=limit_nanos,
            action=action,
            id=id,
        )

    def budgets(self, connection: Connection, account_id: str) -> list[BudgetStatus]:
        """The budgets in force and how they stand, oldest first. Raises ``NotFound``."""
        account = self._account(connection, account_id)
        return self._budgets.all(connection, account_id, Month.of(max(self._clock.now(), account.booked_at)))

    def change_budget(
        self,
        connection: Connection,
        account_id: str,
        budget_id: str,
        *,
        limit_nanos: int | None = None,
        action: BudgetAction | None = None,
    ) -> Budget:
        """Another limit or action, at once. Raises ``InvalidRequest``, ``NotFound``."""
        return self._budgets.change(connection, account_id, budget_id, limit_nanos=limit_nanos, action=action)

    def remove_budget(self, connection: Connection, account_id: str, budget_id: str) -> Budget:
        """End a budget, at once. Raises ``NotFound``."""
        return self._budgets.remove(connection, account_id, budget_id)

    # -- finished uses -----------------------------------------------------------------------------------

    def charge_model_call(self, connection: Connection, call: ModelCall) -> bool:
        """Book a finished call to a model; answers whether it was new. Raises ``KeyReused``, ``NotFound``."""
        return self._ledger.deliver(connection, [call.event()]) == 1

    def deliver(self, connection: Connection, events: Sequence[UsageEvent]) -> int:
        """Book events from a log, which may have been booked before; answers how many were new.

        Raises ``KeyReused`` if one comes back with other content, ``NotFound``.
        """
        return self._ledger.deliver(connection, events)

    # -- reading -----------------------------------------------------------------------------------------

    def usage(self, connection: Connection, account_id: str, month: Month | None) -> Usage:
        """What an account used in a month (``None``: the current one) and may still use. Raises ``NotFound``."""
        found = reading.statement(connection, account_id)
        if found is None:
            raise _unknown(account_id)
        return self._usage(connection, found[0], month, found[1])

    def verified_usage(self, connection: Connection, account_id: str, month: Month | None) -> Usage:
        """``usage`` computed from the events and the ledger instead of the rollups; takes its time."""
        account = self._account(connection, account_id)
        return self._usage(connection, account, month, audit.recomputed_months(connection, account_id))

    def _usage(
        self,
        connection: Connection,
        account: reading.Account,
        month: Month | None,
        months: Mapping[Month, MonthRollup],
    ) -> Usage:
        now = self._clock.now()
        current = Month.of(max(now, account.booked_at))
        month = month or current
        plan = account.plan
        if month < current:
            plan = reading.plan_before(connection, account.id, month.end)
        view = LedgerView(
            plan=plan,
            opened_at=account.opened_at,
            booked_at=account.booked_at,
            months=months,
            plan_credit=lambda unbooked: self._book.monthly_credit(account.plan, unbooked),
            carried=lambda unbooked: sum(
                left.nanos
                for left in reading.credit_left(connection, account.id)
                if left.expires_at is not None and left.expires_at > unbooked.start
            ),
        )
        return usage_at(view, month, now)

    # -- months ------------------------------------------------------------------------------------------

    def months(self, connection: Connection, account_id: str) -> list[MonthView]:
        """Every month in which something happened, oldest first, and when it was sealed. Raises ``NotFound``."""
        self._account(connection, account_id)
        return months.views(connection, account_id)

    def seal_months(self, connection: Connection) -> int:
        """Seal the months that take no more events, so that the audit can prove that they never change; how many."""
        return months.seal(connection, self._clock.now())

    def paid_minutes(self, connection: Connection, lease_id: str) -> int:
        """How many minutes of a lease are booked; 0 if there is none."""
        found = lease_store.find(connection, lease_id)
        return 0 if found is None else found.progress.paid_minutes

    def cost_of_session(self, connection: Connection, session_id: str) -> int:
        """Nano-dollars that a session has cost so far; 0 if it was never billed."""
        return reading.session_cost(connection, session_id)

    def explain(self, connection: Connection, account_id: str | None, session_id: str) -> explain.Explained:
        """A session's bill, line by line; ``account_id`` ``None`` looks in all accounts. Raises ``NotFound``."""
        return explain.explain(connection, account_id, session_id)

    def audit(self, connection: Connection) -> audit.AuditReport:
        """Check every invariant on the data as it is."""
        return audit.audit(connection, self._book, self._clock.now())

    def rebuild(self, connection: Connection) -> None:
        """Make every rollup anew from the events and the ledger. No server may be at work meanwhile."""
        audit.rebuild(connection)

    def _account(self, connection: Connection, account_id: str) -> reading.Account:
        found = reading.account(connection, account_id)
        if found is None:
            raise _unknown(account_id)
        return found


def _unknown(account_id: str) -> NotFound:
    return NotFound(f"There is no account {account_id!r}.")
