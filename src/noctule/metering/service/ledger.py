"""Postings: one ``Books`` is all that one transaction books, over any number of accounts.

The accounts are locked in the order of their ids before anything is read, so two servers on one database
serialise per account and never wait for each other in a circle.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from noctule.kit.clock import Clock
from noctule.kit.errors import Conflict, NotFound
from noctule.kit.outbox import Outbox
from noctule.metering.book import PriceBook
from noctule.metering.domain.events import Meter, UsageEvent, llm_key
from noctule.metering.domain.journal import Bucket, Journal, once_key, plan_key, raised_plan_key
from noctule.metering.domain.posting import AccountBooks
from noctule.metering.store import books as store
from noctule.metering.store import reading


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One finished call to a model, with its cost at the provider's price.

    ``tokens`` is by kind (``input``, ``output``, ``cache_read``, …). An unknown model costs nothing and has
    ``price_id`` ``"unpriced"``; the caller's own keys cost nothing and have ``"byok"``.
    """

    call_id: str
    account_id: str
    model: str
    tokens: tuple[tuple[str, int], ...]
    cost_nanos: int
    price_id: str
    finished_at: datetime
    session_id: str | None = None
    agent_id: str | None = None
    function_id: str | None = None
    function_run_id: str | None = None
    api_key_id: str | None = None
    tags: tuple[str, ...] = ()

    def event(self) -> UsageEvent:
        """The usage event of this call."""
        return UsageEvent(
            key=llm_key(self.call_id),
            account_id=self.account_id,
            meter=Meter.LLM,
            occurred_at=self.finished_at,
            position=0,
            quantity=sum(count for _, count in self.tokens),
            unit="token",
            price_id=self.price_id,
            cost_nanos=self.cost_nanos,
            session_id=self.session_id,
            agent_id=self.agent_id,
            function_id=self.function_id,
            function_run_id=self.function_run_id,
            api_key_id=self.api_key_id,
            tags=tags_text(self.tags),
            detail=msgspec.json.encode({"model": self.model, "tokens": dict(self.tokens)}).decode(),
        )


def tags_text(tags: Iterable[str]) -> str:
    """Tags as they are stored."""
    return msgspec.json.encode(list(tags)).decode()


class Books:
    """The open books of some accounts in one transaction; ``save`` writes them, and what they announce."""

    def __init__(
        self, connection: Connection, book: PriceBook, outbox: Outbox, account_ids: Sequence[str], now: datetime
    ) -> None:
        self._connection = connection
        self._outbox = outbox
        self._states = store.load(connection, account_ids, now)
        self._journal = Journal(store.ids(connection))
        self._accounts = {
            id: AccountBooks(state, self._journal, now, book.monthly_credit) for id, state in self._states.items()
        }

    def __getitem__(self, account_id: str) -> AccountBooks:
        """The books of one of the accounts. Raises ``NotFound``."""
        found = self._accounts.get(account_id)
        if found is None:
            raise NotFound(f"There is no account {account_id!r}.")
        return found

    def save(self) -> None:
        """Write what was booked."""
        for account in self._accounts.values():
            account.close()
        if self._journal.announcements:
            self._outbox.add(self._connection, self._journal.announcements)
        store.save(self._connection, self._journal, list(self._states.values()))


class Ledger:
    """What can be booked besides leases and credit: accounts, plans, finished uses."""

    def __init__(self, clock: Clock, book: PriceBook, outbox: Outbox) -> None:
        self._clock = clock
        self._book = book
        self._outbox = outbox

    def books(self, connection: Connection, account_ids: Sequence[str], *, now: datetime | None = None) -> Books:
        """Open the books of some accounts at ``now``, which is now."""
        return Books(connection, self._book, self._outbox, account_ids, now or self._clock.now())

    def lock(self, connection: Connection, account_id: str) -> None:
        """Keep other transactions from an account until this one ends. Raises ``NotFound``."""
        if not store.lock(connection, account_id):
            raise NotFound(f"There is no account {account_id!r}.")

    def open_account(self, connection: Connection, account_id: str, plan: str) -> None:
        """A new account with this month's plan credit. Raises ``InvalidRequest`` for an unknown plan."""
        now = self._clock.now()
        self._book.plan(plan, now)
        if reading.account(connection, account_id) is not None:
            raise Conflict(f"There is an account {account_id!r} already.")
        store.add_account(connection, account_id, plan, now)
        self._take_plan(connection, self.books(connection, [account_id], now=now), account_id, plan)

    def change_plan(self, connection: Connection, account_id: str, plan: str) -> None:
        """Put an account on another plan, at once.

        A larger plan raises this month's credit by the difference; a smaller one takes nothing back and
        grants less from the next month on. Credit that a plan gives once is given once, however often the
        account comes back to it. Raises ``InvalidRequest`` for an unknown plan, ``NotFound``.
        """
        self._book.plan(plan, self._clock.now())
        books = self.books(connection, [account_id])
        if books[account_id].state.plan != plan:
            self._take_plan(connection, books, account_id, plan)

    def _take_plan(self, connection: Connection, books: Books, account_id: str, plan: str) -> None:
        account = books[account_id]
        account.take_plan(plan)
        month, terms = account.month, self._book.plan(plan, account.at)
        granted = reading.plan_credit(connection, account_id, month) + account.new_plan_credit_nanos
        if missing := max(0, terms.monthly_nanos - granted):
            is_first = store.find_grant(connection, plan_key(account_id, month)) is None and not granted
            key = plan_key(account_id, month) if is_first else raised_plan_key(account_id, month, terms.monthly_nanos)
            account.grant(key, Bucket.PLAN, missing, expires_at=month.end)
        key = once_key(account_id, plan)
        if terms.once_nanos and store.find_grant(connection, key) is None:
            account.grant(key, Bucket.TOPUP, terms.once_nanos)
        books.save()

    def deliver(self, connection: Connection, events: Sequence[UsageEvent]) -> int:
        """Book events that may have been delivered before; answers how many were new.

        Raises ``KeyReused`` if one was booked with other content, ``NotFound`` for an unknown account.
        """
        if not events:
            return 0
        books = self.books(connection, sorted({event.account_id for event in events}))
        booked = store.find_events(connection, [event.key for event in events])
        new = 0
        for event in events:
            if event.key in booked:
                event.must_equal(booked[event.key])
                continue
            booked[event.key] = event
            books[event.account_id].charge(event)
            new += 1
        books.save()
        return new
