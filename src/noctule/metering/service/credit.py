"""Credit that the operator gives and takes: top-ups, credit for some months, grants taken back, corrections.

Each has a natural key: the same key with the same content again changes nothing, with other content it is a
``Conflict``.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from noctule.kit.clock import Clock
from noctule.kit.errors import Conflict, InvalidRequest, NotFound
from noctule.kit.failpoints import failpoint
from noctule.kit.money import NANOS_PER_DOLLAR, format_dollars
from noctule.metering.domain.events import CORRECTION, Meter, UsageEvent, correction_key
from noctule.metering.domain.journal import Bucket, credit_key, topup_key
from noctule.metering.domain.months import Month
from noctule.metering.service.ledger import Ledger
from noctule.metering.store import books as store
from noctule.metering.store import reading

# Far below the 64 bits of a column, so that sums over an account's grants fit one too.
_LARGEST_BALANCE_NANOS = 1_000_000_000 * NANOS_PER_DOLLAR
_USED = "This key was used for something else; take a new one."


@dataclass(frozen=True, slots=True)
class GrantView:
    """Some credit and what is left of it. ``bucket`` is ``"plan"`` for credit that expires, else ``"topup"``."""

    id: str
    key: str
    bucket: str
    amount_nanos: int
    remaining_nanos: int
    effective_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Correction:
    """Money for what was billed wrongly: a negative amount gives it back as credit that does not expire, a
    positive one is charged. ``occurred_at`` is when what is corrected happened."""

    key: str
    amount_nanos: int
    reason: str
    meter: Meter
    occurred_at: datetime | None = None
    session_id: str | None = None


class Credit:
    """Gives and takes credit."""

    def __init__(self, clock: Clock, ledger: Ledger) -> None:
        self._clock = clock
        self._ledger = ledger

    def top_up(self, connection: Connection, account_id: str, amount_nanos: int, key: str) -> None:
        """Add credit that never expires.

        Raises ``InvalidRequest`` unless the amount is positive and the account can hold it, ``Conflict``,
        ``NotFound``.
        """
        self._give(connection, account_id, topup_key(key), Bucket.TOPUP, amount_nanos, None)

    def grant(
        self, connection: Connection, account_id: str, amount_nanos: int, key: str, *, expires_after: Month | None
    ) -> None:
        """Add credit that is spent with the plan's and expires at the end of a month; ``None``: a top-up.

        Raises as ``top_up``, and ``InvalidRequest`` for a month that is over.
        """
        if expires_after is None:
            self.top_up(connection, account_id, amount_nanos, key)
        else:
            self._give(connection, account_id, credit_key(key), Bucket.PLAN, amount_nanos, expires_after.end)

    def _give(
        self,
        connection: Connection,
        account_id: str,
        key: str,
        bucket: Bucket,
        amount_nanos: int,
        expires_at: datetime | None,
    ) -> None:
        if amount_nanos <= 0:
            raise InvalidRequest.at(("amount",), "credit is more than zero", format_dollars(amount_nanos))
        books = self._ledger.books(connection, [account_id])
        account = books[account_id]
        earlier = store.find_grant(connection, key)
        if earlier is not None:
            holder_id, grant = earlier
            if (holder_id, grant.amount_nanos, grant.expires_at) != (account_id, amount_nanos, expires_at):
                raise Conflict(_USED)
            return
        if expires_at is not None and expires_at <= account.at:
            raise InvalidRequest.at(("expires_after",), "this month is over already", Month.of(account.at).key)
        _check_room(account.balance_nanos + amount_nanos, amount_nanos)
        account.grant(key, bucket, amount_nanos, expires_at=expires_at)
        books.save()
        failpoint("grant.before_commit")

    def void(self, connection: Connection, account_id: str, grant_id: str) -> int:
        """Take back what is left of a grant; answers how much. Raises ``NotFound``."""
        books = self._ledger.books(connection, [account_id])
        account = books[account_id]
        known = reading.grants(connection, [grant_id])
        if not any(holder_id == account_id for holder_id, _ in known.values()):
            raise NotFound(f"There is no grant {grant_id!r}.")
        taken = account.void(grant_id)
        if taken:
            books.save()
        return taken

    def correct(self, connection: Connection, account_id: str, correction: Correction) -> bool:
        """Book a correction; answers whether it was new.

        Raises ``InvalidRequest`` for an amount of zero, of the future, or beyond what an account can hold,
        ``Conflict``, ``NotFound``.
        """
        amount = correction.amount_nanos
        if not amount:
            raise InvalidRequest.at(("amount",), "a correction is not zero", format_dollars(amount))
        books = self._ledger.books(connection, [account_id])
        account = books[account_id]
        event = _event(account_id, correction, account.at)
        earlier = store.find_events(connection, [event.key]).get(event.key)
        if earlier is not None:
            at = event.occurred_at if correction.occurred_at else earlier.occurred_at
            if earlier != event._replace(occurred_at=at):
                raise Conflict(_USED)
            return False
        if event.occurred_at > account.at:
            raise InvalidRequest.at(("occurred_at",), "this has not happened yet", event.occurred_at.isoformat())
        _check_room(abs(account.balance_nanos - amount), amount)
        account.charge(event)
        books.save()
        failpoint("grant.before_commit")
        return True


def grants(connection: Connection, account_id: str) -> list[GrantView]:
    """Every grant of an account, oldest first."""
    left = {held: amount for (owner, held), amount in reading.balances(connection, account_id).items()}
    found = [grant for owner, grant in reading.grants(connection, account_id=account_id).values()]
    return [
        GrantView(
            grant.id,
            grant.key,
            "plan" if grant.bucket is Bucket.PLAN else "topup",
            grant.amount_nanos,
            left.get(grant.account, 0),
            grant.effective_at,
            grant.expires_at,
        )
        for grant in sorted(found, key=lambda each: (each.effective_at, each.key))
    ]


def _check_room(balance_nanos: int, amount_nanos: int) -> None:
    if max(balance_nanos, abs(amount_nanos)) > _LARGEST_BALANCE_NANOS:
        largest = format_dollars(_LARGEST_BALANCE_NANOS)
        raise InvalidRequest.at(("amount",), f"an account holds at most {largest}", format_dollars(amount_nanos))


def _event(account_id: str, correction: Correction, now: datetime) -> UsageEvent:
    return UsageEvent(
        key=correction_key(correction.key),
        account_id=account_id,
        meter=correction.meter,
        occurred_at=correction.occurred_at or now,
        position=-1,
        quantity=0,
        unit=CORRECTION,
        price_id=CORRECTION,
        cost_nanos=correction.amount_nanos,
        session_id=correction.session_id,
        detail=msgspec.json.encode({"reason": correction.reason}).decode(),
    )
