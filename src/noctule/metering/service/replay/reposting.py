"""Every use, plan and grant of a log of bookings, delivered again, each at the instant of its first booking.

Only what somebody did is taken from the log; what follows from it (credit of months, its expiry, debts that are
settled, the order of spending, every rollup) is made by the posting rules themselves.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from noctule.kit.outbox import NoOutbox
from noctule.metering.book import PriceBook
from noctule.metering.domain.events import Meter, UsageEvent
from noctule.metering.domain.journal import AccountState, Bucket, Journal
from noctule.metering.domain.posting import AccountBooks
from noctule.metering.service.ledger import Ledger
from noctule.metering.store import books as store
from noctule.metering.store.quick import instant
from noctule.metering.store.tables import meter_account, plan_period

_FLUSHED = 5_000
"""After so many postings what they made is written."""

_LOG = """
SELECT t.key, t.account_id, t.booked_at, e.key, e.account_id, e.meter, coalesce(e.origin_at, e.occurred_at),
       e.position, e.quantity, e.unit, e.price_id, e.cost_nanos, e.session_id, e.agent_id, e.function_run_id,
       e.api_key_id, e.tags, e.detail, e.function_id
FROM ledger_transaction t LEFT JOIN usage_event e ON e.id = t.id
ORDER BY t.id
"""


class SetClock:
    """A clock that somebody sets."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The instant that it was set to."""
        return self.at

    def monotonic(self) -> float:
        """Nothing that is posted anew is measured."""
        return 0.0


def repost(log: Connection, target: Connection, book: PriceBook, at: datetime) -> int:
    """Post the log of one database into another one, which is empty; answers how many events it had.

    Raises ``InvalidRequest`` if a plan of the log is not in the book any more.
    """
    posting = _Posting(log, target, book, SetClock(at))
    events = 0
    for key, account_id, booked_at, *columns in _rows(log):
        if columns[0] is None:
            posting.deed(key, account_id, instant(booked_at))
        else:
            events += 1
            posting.charge(account_id, instant(booked_at), _event(columns))
    posting.finish()
    return events


def _rows(log: Connection) -> Iterator[Any]:
    cursor = log.connection.cursor()
    cursor.execute(_LOG)
    while rows := cursor.fetchmany(_FLUSHED):
        yield from rows


def _event(columns: list[Any]) -> UsageEvent:
    key, account_id, meter, occurred_at, *rest = columns
    return UsageEvent(key, account_id, Meter(meter), instant(occurred_at), *rest)


class _Posting:
    """The open books of all accounts; what they make is written now and then."""

    def __init__(self, log: Connection, target: Connection, book: PriceBook, clock: SetClock) -> None:
        self._log = log
        self._target = target
        self._book = book
        self._clock = clock
        self._ledger = Ledger(clock, book, NoOutbox())
        self._states: dict[str, AccountState] = {}
        self._touched: set[str] = set()
        self._journal = Journal(store.ids(target))
        self._waiting = 0

    def charge(self, account_id: str, at: datetime, event: UsageEvent) -> None:
        """Book one event again."""
        account = self._account(account_id, at)
        if account is not None:
            account.charge(event)

    def deed(self, key: str, account_id: str, at: datetime) -> None:
        """Do again what somebody did; what only follows from other bookings comes by itself."""
        kind, _, rest = key.partition(":")
        if kind == "plan":
            self._take_plan(account_id, int(rest.rpartition(":")[2]), at)
        elif kind == "void":
            account = self._account(account_id, at)
            if account is not None:
                account.void(rest)
        elif key.startswith(("grant:topup:", "grant:credit:")):
            self._grant(key, account_id, at)

    def finish(self) -> None:
        """Bring every account to where its last booking, of whatever kind, has brought it; write the rest."""
        marks = self._log.execute(select(meter_account.c.id, meter_account.c.booked_at))
        for account_id, booked_at in marks:
            self._account(account_id, booked_at)
        self._flush()

    def _grant(self, key: str, account_id: str, at: datetime) -> None:
        found = store.find_grant(self._log, key)
        account = self._account(account_id, at)
        if found is not None and account is not None:
            grant = found[1]
            account.grant(key, Bucket(grant.bucket), grant.amount_nanos, expires_at=grant.expires_at)

    def _take_plan(self, account_id: str, number: int, at: datetime) -> None:
        """Plans look up what was granted before, so everything is written first and read anew after."""
        self._flush()
        self._clock.at = at
        plan = self._log.execute(
            select(plan_period.c.plan).where(plan_period.c.account_id == account_id, plan_period.c.number == number)
        ).scalar_one_or_none()
        if plan is None:
            return
        if number == 1:
            self._ledger.open_account(self._target, account_id, plan)
            opened_at = self._log.execute(
                select(meter_account.c.opened_at).where(meter_account.c.id == account_id)
            ).scalar_one()
            # Read from the clock a moment before the booking: a fact, which nothing else tells.
            self._target.execute(
                update(meter_account).where(meter_account.c.id == account_id).values(opened_at=opened_at)
            )
        else:
            self._ledger.change_plan(self._target, account_id, plan)
        self._states.pop(account_id, None)
        self._journal = Journal(store.ids(self._target))

    def _account(self, account_id: str, at: datetime) -> AccountBooks | None:
        """The books of an account at an instant; ``None`` for one that was never opened."""
        state = self._states.get(account_id)
        if state is None:
            state = store.load(self._target, [account_id], at).get(account_id)
            if state is None:
                return None
            self._states[account_id] = state
        self._waiting += 1
        if self._waiting >= _FLUSHED:
            self._flush()
        self._touched.add(account_id)
        return AccountBooks(state, self._journal, at, self._book.monthly_credit)

    def _flush(self) -> None:
        store.save(self._target, self._journal, [self._states[id] for id in sorted(self._touched)])
        self._journal = Journal(store.ids(self._target))
        self._touched.clear()
        self._waiting = 0
