"""The leases of this process: opened with their first minute, charged by the tick, closed with the rest.

Only the monotonic clock decides what a lease owes. The tick books on what is in memory and moves each
lease's row on from exactly there; a row that stands elsewhere (an earlier step was not committed, another
server took the lease over) undoes the whole step, and the next one begins by reading how things stand.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Literal, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from noctule.kit.clock import Clock
from noctule.kit.errors import NotFound
from noctule.kit.failpoints import failpoint
from noctule.metering.book import PriceBook
from noctule.metering.domain.events import (
    MINUTE,
    MINUTE_MICROSECONDS,
    Meter,
    UsageEvent,
    minute_key,
    proxy_key,
    started_minutes,
)
from noctule.metering.domain.leases import (
    CHECKPOINT_BYTES,
    CHECKPOINT_SECONDS,
    SEEN_EVERY_SECONDS,
    UNSEEN_AFTER_SECONDS,
    ClosedLease,
    HeldLease,
    Lease,
    LeaseOpening,
    Progress,
    Stop,
    TickOutcome,
)
from noctule.metering.domain.posting import AccountBooks
from noctule.metering.service.budgets import Budgets, reached
from noctule.metering.service.ledger import Books, Ledger, tags_text
from noctule.metering.store import leases as store

log = logging.getLogger(__name__)

_EXHAUSTED = "The balance of this workspace is used up."
_LOST = "Another server took this lease over."


class Doubtful(Exception):
    """Memory and database disagree about a lease; the step was undone and the next tick reads anew."""


class _Due(NamedTuple):
    """One lease that this tick has something to do for; ``proxied_bytes`` is the total so far."""

    held: HeldLease
    witnessed: int
    proxied_bytes: int
    charges: bool
    checkpoint: bool


class Leases:
    """Every lease that this process holds."""

    def __init__(
        self,
        clock: Clock,
        book: PriceBook,
        ledger: Ledger,
        budgets: Budgets,
        *,
        instance_id: str,
        boot_id: str,
        on_exhausted: Literal["stop", "finish"],
    ) -> None:
        self._clock = clock
        self._book = book
        self._ledger = ledger
        self._budgets = budgets
        self._instance_id = instance_id
        self._boot_id = boot_id
        self._stops = on_exhausted == "stop"
        self._held: dict[str, HeldLease] = {}
        self._is_doubtful = False
        self._one_by_one = False

    # -- the life of one lease ---------------------------------------------------------------------------

    def open(self, connection: Connection, opening: LeaseOpening, books: Books) -> int:
        """Book minute 0 and add the lease; ``books`` are the admitted account's and get saved. Answers the
        nano-dollars of the minute."""
        account = books[opening.account_id]
        self._budgets.begin_session(connection, opening, account)
        held = HeldLease(opening, account.at, tags_text(opening.tags))
        held.progress = self._charge_minute(held, held.progress, account)
        books.save()
        store.add(
            connection,
            opening,
            tags_text(opening.tags),
            cost_nanos=held.progress.cost_nanos,
            at=account.at,
            seen_at=self._clock.now(),
            instance_id=self._instance_id,
            boot_id=self._boot_id,
        )
        self._held[opening.lease_id] = held
        return held.progress.cost_nanos

    def begin(self, lease_id: str) -> None:
        """Let witnessed time run. Raises ``KeyError`` for a lease that this process does not hold."""
        self._held[lease_id].begin(self._clock.monotonic())

    def freeze(self, lease_id: str, *, at_paid_minute: bool, at_most_minutes: int | None) -> None:
        """Let witnessed time stand still; the first call wins, an unknown lease is fine."""
        held = self._held.get(lease_id)
        if held is not None:
            held.freeze(self._clock.monotonic(), at_paid_minute=at_paid_minute, at_most_minutes=at_most_minutes)

    def forget(self, lease_id: str) -> None:
        """Let go of a lease; an unknown one is fine."""
        self._held.pop(lease_id, None)

    def witnessed_seconds(self, lease_id: str) -> float:
        """Witnessed time so far; 0 for a lease that this process does not hold."""
        held = self._held.get(lease_id)
        return 0.0 if held is None else held.witnessed_microseconds(self._clock.monotonic()) / 1_000_000

    def close(self, connection: Connection, lease_id: str, *, proxied_bytes: int) -> ClosedLease:
        """Book what the lease still owes and close it. Raises ``NotFound``."""
        found = store.find(connection, lease_id)
        if found is None:
            raise NotFound(f"There is no lease {lease_id!r}.")
        if found.closed_at is None:
            books = self._ledger.books(connection, [found.account_id])
            found = store.lock(connection, lease_id)
            if found.closed_at is None:
                account = books[found.account_id]
                found = self._settle(found, account, proxied_bytes)
                books.save()
                self._budgets.end_session(connection, lease_id, account)
                store.close(connection, lease_id, found.witnessed_microseconds, found.progress, account.at)
        progress = found.progress
        return ClosedLease(found.witnessed_microseconds / 1_000_000, progress.paid_minutes, progress.cost_nanos)

    def _settle(self, lease: Lease, account: AccountBooks, proxied_bytes: int) -> Lease:
        """The lease with everything booked that it owes; one that is not held here owes nothing more."""
        held = self._held.get(lease.lease_id)
        if held is None:
            return lease
        held.freeze(self._clock.monotonic())
        progress, witnessed = lease.progress, held.witnessed_microseconds(self._clock.monotonic())
        if held.at_paid_minute:
            witnessed = min(witnessed, progress.paid_minutes * MINUTE_MICROSECONDS)
        witnessed = max(witnessed, lease.witnessed_microseconds)
        while progress.paid_minutes < started_minutes(witnessed):
            progress = self._charge_minute(held, progress, account)
        if proxied_bytes > progress.proxied_bytes:
            progress = self._charge_bytes(held, progress, account, proxied_bytes)
        return replace(lease, witnessed_microseconds=witnessed, progress=progress)

    def abandon(self, connection: Connection) -> tuple[str, ...]:
        """Close the leases of earlier boots of this instance, those of servers that are gone, and those of this
        boot that it does not hold: their commit was made, and the word of it was lost."""
        unseen_since = self._clock.now() - timedelta(seconds=UNSEEN_AFTER_SECONDS)
        # Memory has a lease before the database shows it, so memory is asked last.
        mine = store.open_of(connection, self._instance_id, self._boot_id)
        orphans = [lease_id for lease_id in mine if lease_id not in self._held]
        abandoned = store.abandon(connection, self._instance_id, self._boot_id, unseen_since, orphans)
        self._budgets.end_sessions(connection, abandoned)
        return abandoned

    # -- the tick ----------------------------------------------------------------------------------------

    def tick(self, connection: Connection, proxied_bytes: Mapping[str, int], as_of: float) -> TickOutcome:
        """Charge everything that is due at the monotonic instant ``as_of``, in one go.

        Raises ``Doubtful`` or ``IntegrityError`` where memory and database disagree: the transaction must be
        rolled back, and the next tick finds out. A lease whose books are broken does not stop the rest.
        """
        lost = self._read_anew(connection) if self._is_doubtful else []
        self._is_doubtful = False
        due = self._due(proxied_bytes, as_of)
        try:
            outcome = self._by_account(connection, due) if self._one_by_one else self._charge_all(connection, due)
        except IntegrityError:
            self._is_doubtful = self._one_by_one = True
            raise
        except BaseException:
            self._is_doubtful = True
            raise
        self._one_by_one = False
        if outcome.minutes:
            failpoint("minute.before_commit")
        if outcome.checkpoints:
            failpoint("checkpoint.before_commit")
        return replace(outcome, stops=(*lost, *outcome.stops)) if lost else outcome

    def _read_anew(self, connection: Connection) -> list[Stop]:
        """Take the progress of every running lease from the database; answers those that are not ours any more."""
        # A lease runs after its commit only, so the database shows what runs now; what begins meanwhile is as it was
        # opened.
        running = {lease_id: held for lease_id, held in list(self._held.items()) if held.is_running}
        progress = store.still_open(connection, list(running))
        lost = []
        for lease_id, held in running.items():
            if lease_id in progress:
                held.progress = progress[lease_id]
                # A checkpoint that was undone is due at once.
                held.checked, held.unpaid_from = -math.inf, None
            elif held.is_running:
                lost.append(Stop(lease_id, "lost", _LOST))
        return lost

    def _by_account(self, connection: Connection, due: Sequence[_Due]) -> TickOutcome:
        """``_charge_all`` for each account alone; leases of one that cannot be booked are left alone."""
        by_account: dict[str, list[_Due]] = {}
        for each in due:
            by_account.setdefault(each.held.opening.account_id, []).append(each)
        stops: list[Stop] = []
        minutes = checkpoints = 0
        for account_id, mine in sorted(by_account.items()):
            try:
                with connection.begin_nested():
                    outcome = self._charge_all(connection, mine)
            except IntegrityError:
                log.exception("account %s cannot be charged any more: see `noctule usage audit`", account_id)
                for each in mine:
                    each.held.leave()
                continue
            stops += outcome.stops
            minutes += outcome.minutes
            checkpoints += outcome.checkpoints
        return TickOutcome(tuple(stops), minutes, checkpoints)

    def _due(self, proxied_bytes: Mapping[str, int], now: float) -> list[_Due]:
        due = []
        for lease_id, held in list(self._held.items()):
            if not held.is_running:
                continue
            witnessed = held.witnessed_microseconds(now)
            paid_minutes, committed_bytes, _ = held.progress
            crossed = witnessed > paid_minutes * MINUTE_MICROSECONDS
            total = max(proxied_bytes.get(lease_id, 0), committed_bytes)
            pending = total - committed_bytes
            size = total - (committed_bytes if held.unpaid_from is None else held.unpaid_from)
            checkpoint = size >= CHECKPOINT_BYTES or (pending > 0 and now - held.checked >= CHECKPOINT_SECONDS)
            if crossed or checkpoint or now - held.seen >= SEEN_EVERY_SECONDS:
                due.append(_Due(held, witnessed, total, crossed or checkpoint, checkpoint))
        return due

    def _charge_all(self, connection: Connection, due: Sequence[_Due]) -> TickOutcome:
        if not due:
            return TickOutcome()
        owing = {each.held.opening.account_id for each in due if each.charges}
        books = self._ledger.books(connection, sorted(owing)) if owing else None
        stops: list[Stop] = []
        moves: list[tuple[str, int, Progress, Progress]] = []
        now = self._clock.monotonic()
        minutes = checkpoints = 0
        for each in due:
            held = each.held
            lease_id, before = held.opening.lease_id, held.progress
            if books is not None and each.charges:
                held.progress, stop = self._charge(each, books[held.opening.account_id])
                minutes += held.progress.paid_minutes - before.paid_minutes
                checkpoints += held.progress.proxied_bytes > before.proxied_bytes
                if stop is not None:
                    stops.append(stop)
            witnessed = min(each.witnessed, held.progress.paid_minutes * MINUTE_MICROSECONDS)
            moves.append((lease_id, witnessed, held.progress, before))
            held.seen = now
        if not store.advance(connection, moves, self._clock.now()):
            raise Doubtful("a lease is not where its server left it; the next tick reads it anew")
        if books is not None:
            books.save()
        return TickOutcome(tuple(stops), minutes, checkpoints)

    def _charge(self, due: _Due, account: AccountBooks) -> tuple[Progress, Stop | None]:
        """The progress after what is owed is booked, and why the lease has to stop, if it has."""
        held, progress = due.held, due.held.progress
        while due.witnessed > progress.paid_minutes * MINUTE_MICROSECONDS:
            if (stop := self._stop(held, account)) is not None:
                return progress, stop
            progress = self._charge_minute(held, progress, account)
        if not due.checkpoint:
            return progress, None
        # Once it has to stop no more checkpoints are booked: what the lease still moves is one range, booked
        # when the paid minute is over, or now if it has grown to a checkpoint's size. The checkpoint that took
        # the last credit is part of that size, so that a lease owes one at most.
        if (stop := self._stop(held, account)) is not None:
            unpaid_from = progress.proxied_bytes if held.unpaid_from is None else held.unpaid_from
            return progress, stop if due.proxied_bytes - unpaid_from >= CHECKPOINT_BYTES else None
        held.unpaid_from = None
        held.checked = self._clock.monotonic()
        if due.proxied_bytes == progress.proxied_bytes:
            return progress, None
        from_byte = progress.proxied_bytes
        progress = self._charge_bytes(held, progress, account, due.proxied_bytes)
        if self._stop(held, account) is not None:
            held.unpaid_from = from_byte
        return progress, None

    def _stop(self, held: HeldLease, account: AccountBooks) -> Stop | None:
        """Why no more of this lease may be booked, if so; what is booked already is paid in full."""
        if self._stops and not account.has_credit():
            return Stop(held.opening.lease_id, "credit", _EXHAUSTED)
        budget = account.stopped_by(held.subjects) if account.state.budgets else None
        return None if budget is None else Stop(held.opening.lease_id, "budget", reached(budget.budget))

    # -- events ------------------------------------------------------------------------------------------

    def _charge_minute(self, held: HeldLease, progress: Progress, account: AccountBooks) -> Progress:
        minute, proxied_bytes, cost_nanos = progress
        opening, meter = held.opening, held.meter
        began_at = held.opened_at + minute * MINUTE
        price = self._book.price(meter, began_at)
        cost = price.cost(minute, 1)
        key = minute_key(meter, opening.lease_id, minute)
        named = (key, opening.account_id, meter, began_at, minute, 1, price.unit, price.id, cost)
        account.charge(UsageEvent(*named, *held.tail))
        return Progress(minute + 1, proxied_bytes, cost_nanos + cost)

    def _charge_bytes(self, held: HeldLease, progress: Progress, account: AccountBooks, total: int) -> Progress:
        opening, from_byte = held.opening, progress.proxied_bytes
        count = total - from_byte
        price = self._book.price(Meter.PROXY, account.at)
        cost = price.cost(from_byte, count)
        key = proxy_key(opening.lease_id, from_byte)
        named = (key, opening.account_id, Meter.PROXY, account.at, from_byte, count, price.unit, price.id, cost)
        account.charge(UsageEvent(*named, *held.tail))
        return Progress(progress.paid_minutes, total, progress.cost_nanos + cost)
