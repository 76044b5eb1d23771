"""One session's bill, line by line: what each event cost and which credit paid for it."""

from dataclasses import dataclass

from sqlalchemy import Connection

from noctule.kit.errors import NotFound
from noctule.metering.domain.events import UsageEvent
from noctule.metering.domain.journal import OVERAGE, Bucket, Grant
from noctule.metering.store import leases, reading

_GRANT, _REVENUE = "grant:", "revenue:"


@dataclass(frozen=True, slots=True)
class Payment:
    """Part of what paid for an event; a negative one gives back. ``source`` names the credit: a grant's key, or
    ``overage``."""

    source: str
    kind: str
    amount_nanos: int


@dataclass(frozen=True, slots=True)
class Line:
    """One event and what paid for it. ``is_correction``: it came after its month was sealed."""

    event: UsageEvent
    is_correction: bool
    payments: tuple[Payment, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """A session's bill in the order of booking. ``is_open``: more may follow."""

    session_id: str
    account_id: str
    is_open: bool
    witnessed_seconds: float
    lines: tuple[Line, ...]
    total_nanos: int


def explain(connection: Connection, account_id: str | None, session_id: str) -> Explained:
    """The bill of a session of that account, or of any if it is ``None``.

    Raises ``NotFound``, also for another account's session and for one that never became active.
    """
    lease = leases.find(connection, session_id)
    if lease is None or (account_id is not None and lease.account_id != account_id):
        raise NotFound(f"There is no session {session_id!r} that was ever billed.")
    postings = reading.session_postings(connection, session_id)
    used = {account for posting in postings for account, _ in posting.entries if account.startswith(_GRANT)}
    grants = reading.grants(connection, sorted(account.removeprefix(_GRANT) for account in used))
    lines = tuple(
        Line(
            posting.event,
            posting.occurred_at != posting.event.occurred_at,
            tuple(
                _payment(account, -amount, grants)
                for account, amount in posting.entries
                if not account.startswith(_REVENUE)
            ),
        )
        for posting in postings
        if posting.event is not None
    )
    return Explained(
        session_id,
        lease.account_id,
        lease.closed_at is None,
        lease.witnessed_microseconds / 1_000_000,
        lines,
        sum(line.event.cost_nanos for line in lines),
    )


def _payment(account: str, amount: int, grants: dict[str, tuple[str, Grant]]) -> Payment:
    if account == OVERAGE:
        return Payment(OVERAGE, "overage", amount)
    _, grant = grants[account]
    return Payment(grant.key, "plan credit" if grant.bucket is Bucket.PLAN else "top-up credit", amount)
