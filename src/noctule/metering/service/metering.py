"""Metering's use cases. Every method works inside the caller's transaction and commits nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from sqlalchemy import Connection

from noctule.kit.clock import Clock
from noctule.kit.errors import InvalidRequest, NotFound, PaymentRequired
from noctule.kit.money import dollars
from noctule.metering.book import Plan, PriceBook
from noctule.metering.domain.events import UsageEvent
from noctule.metering.domain.leases import ClosedLease, LeaseOpening, TickOutcome
from noctule.metering.domain.months import Month
from noctule.metering.domain.usage import LedgerView, MonthRollup, Usage, usage_at
from noctule.metering.service import audit, explain
from noctule.metering.service.leases import Leases
from noctule.metering.service.ledger import Ledger, ModelCall
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
    ) -> None:
        self._clock = clock
        self._book = book
        self._ledger = Ledger(clock, book)
        self._leases = Leases(
            clock, book, self._ledger, instance_id=instance_id, boot_id=boot_id, on_exhausted=on_exhausted
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
        if amount_nanos <= 0:
            raise InvalidRequest.at(("amount",), "a top-up is more than zero", amount_nanos)
        self._ledger.top_up(connection, account_id, amount_nanos, key)

    def plan_of(self, connection: Connection, account_id: str) -> Plan:
        """The account's plan. Raises ``NotFound``."""
        return self._book.plan(self._account(connection, account_id).plan, self._clock.now())

    # -- admission ---------------------------------------------------------------------------------------

    def admit(self, connection: Connection, account_id: str) -> None:
        """Let new work in while something is left; only reads. Raises ``PaymentRequired``, ``NotFound``."""
        usage = self.usage(connection, account_id, None)
        if usage.is_limit_exceeded:
            raise self._refusal(connection, usage)

    def lock(self, connection: Connection, account_id: str) -> None:
        """Let no other transaction touch this account until the caller's ends. Raises ``NotFound``."""
        self._ledger.books(connection, [account_id])

    def _refusal(self, connection: Connection, usage: Usage) -> PaymentRequired:
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

    def open_lease(self, connection: Connection, opening: LeaseOpening) -> None:
        """Admit once more, under the account's lock, and book minute 0 with the lease.

        After the commit call ``begin``; if the transaction fails, ``forget``. Raises ``PaymentRequired``,
        ``NotFound``.
        """
        books = self._ledger.books(connection, [opening.account_id])
        if not books[opening.account_id].has_credit():
            raise self._refusal(connection, self.usage(connection, opening.account_id, None))
        self._leases.open(connection, opening, books)

    def begin(self, lease_id: str) -> None:
        """Let witnessed time run, after the commit. Raises ``KeyError`` for a lease not opened here."""
        self._leases.begin(lease_id)

    def freeze(self, lease_id: str, *, at_paid_minute: bool = False) -> None:
        """Let witnessed time stand still from now on; ``close_lease`` bills up to here. The first call
        wins. ``at_paid_minute``: time beyond the minutes already paid is not billed."""
        self._leases.freeze(lease_id, at_paid_minute=at_paid_minute)

    def witnessed_seconds(self, lease_id: str) -> float:
        """Witnessed time so far; 0 for a lease that is not held here."""
        return self._leases.witnessed_seconds(lease_id)

    def close_lease(
        self, connection: Connection, lease_id: str, *, proxied_bytes: int, at_paid_minute: bool = False
    ) -> ClosedLease:
        """Book what a lease still owes (missing minutes, the last range of bytes) and close it.

        ``proxied_bytes`` is the total since the start. Closing again changes nothing and answers alike; a
        lease that is not held here is closed as it stands, without a charge. Raises ``NotFound``.
        """
        return self._leases.close(connection, lease_id, proxied_bytes=proxied_bytes, at_paid_minute=at_paid_minute)

    def forget(self, lease_id: str) -> None:
        """Let go of a lease, after the commit that closed it or the failure to open it."""
        self._leases.forget(lease_id)

    def tick_step(self, proxied_bytes: Mapping[str, int]) -> Callable[[Connection], TickOutcome]:
        """A step that charges all that is due: crossed minutes, proxy checkpoints, signs of life.

        ``proxied_bytes`` is the total since the start by lease id. Its outcome names the leases to stop.
        """
        return lambda connection: self._leases.tick(connection, proxied_bytes)

    def abandon(self, connection: Connection) -> tuple[str, ...]:
        """Close, as of when they were last seen, the leases of earlier boots of this instance and those of
        servers unseen for two minutes. Bills nothing; answers the leases' ids."""
        return self._leases.abandon(connection)

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
        )
        return usage_at(view, month, now)

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
