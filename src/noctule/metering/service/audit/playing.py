"""The ledger played into plain integers, posting by posting, and what does not fit on the way."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from noctule.metering.book import PriceBook
from noctule.metering.domain.events import (
    Meter,
    UsageEvent,
    correction_key,
    llm_key,
    minute_key,
    proxy_key,
)
from noctule.metering.domain.journal import EXPIRED, ISSUED, OVERAGE, Bucket, Grant, refund_key
from noctule.metering.domain.months import Month
from noctule.metering.domain.usage import COST_COLUMN
from noctule.metering.service.audit.findings import Findings
from noctule.metering.store import reading

_UNPRICED = "unpriced"
_WITHOUT_EVENT = ("plan:", "grant:", "settle:", "expire:", "void:")

Grants = dict[str, tuple[str, Grant]]
"""Every grant and the account that has it, by ledger account."""


@dataclass(slots=True)
class Chain:
    """The minutes or the bytes of one lease, as far as they are booked."""

    account_id: str
    units: int = 0
    cost_nanos: int = 0


@dataclass(slots=True)
class Played:
    """What the ledger comes to, in plain integers. ``live`` has each account's credit with something left."""

    balances: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    months: dict[tuple[str, Month], dict[str, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )
    live: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    minutes: dict[tuple[Meter, str], Chain] = field(default_factory=dict)
    ranges: dict[str, Chain] = field(default_factory=dict)
    newest: dict[str, datetime] = field(default_factory=dict)
    costs: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    total: int = 0
    transactions: int = 0
    events: int = 0


def play(posting: reading.Posting, played: Played, grants: Grants, book: PriceBook | None, findings: Findings) -> None:
    """Play one posting; without a ``book`` its price is not looked at."""
    owner, key = posting.account_id, posting.key
    played.transactions += 1
    total = sum(amount for _, amount in posting.entries)
    played.total += total
    if total:
        findings.note("ledger-balanced", f"{key} sums to {total} nanos")
    if posting.booked_at < played.newest.get(owner, posting.booked_at):
        findings.note("booking-order", f"{key} is booked before the transaction that precedes it")
    carry(played, owner, posting.booked_at, grants)
    played.newest[owner] = posting.booked_at
    if posting.event is not None:
        _play_event(posting, posting.event, played, book, findings)
    elif not key.startswith(_WITHOUT_EVENT):
        findings.note("events-paid-once", f"{key} pays for no event")
    _play_entries(posting, played, grants, findings)


def carry(played: Played, owner: str, until: datetime, grants: Grants) -> None:
    """Count the expiring credit that is left into each month that begins by ``until``."""
    if owner not in played.newest:
        return
    month, last = Month.of(played.newest[owner]), Month.of(until)
    while month < last:
        month = month.next
        for account in played.live[owner]:
            expires_at = grants[account][1].expires_at
            if expires_at is not None and expires_at > month.start:
                played.months[owner, month]["plan_granted_nanos"] += played.balances[owner, account]


def _play_entries(
    posting: reading.Posting,
    played: Played,
    grants: Grants,
    findings: Findings,
) -> None:
    owner, key = posting.account_id, posting.key
    credit, booked = played.live[owner], played.months[owner, Month.of(posting.booked_at)]
    refunds = posting.event is not None and posting.event.cost_nanos < 0
    parts = [(account, amount) for account, amount in posting.entries if account in grants]
    if posting.event is not None and not refunds:
        _check_order(posting, played, credit, grants, parts, findings)
    issued = dict(posting.entries).get(ISSUED, 0)
    for account, amount in parts:
        holder, grant = grants[account]
        if holder != owner:
            findings.note("grants-add-up", f"{key} moves credit of another account")
        bucket = "plan" if grant.bucket is Bucket.PLAN else "topup"
        if issued or refunds:
            booked[f"{bucket}_granted_nanos"] += amount
            wanted = (refund_key(key) if refunds else key, amount)
            if wanted != (grant.key, grant.amount_nanos) and not (key == f"void:{grant.id}" and amount < 0):
                findings.note("grants-add-up", f"{key} issues {amount} nanos of a grant of {grant.amount_nanos}")
        elif not key.startswith("expire:"):
            booked[f"{bucket}_spent_nanos"] -= amount
        left = played.balances[owner, account] = played.balances[owner, account] + amount
        if left < 0:
            findings.note("grants-add-up", f"{key} takes {-left} nanos more than {grant.key} has")
        credit.add(account) if left > 0 else credit.discard(account)
    for account, amount in posting.entries:
        if account in (OVERAGE, EXPIRED):
            played.balances[owner, account] += amount
        if account == OVERAGE:
            booked["overage_nanos"] += amount
        elif account.startswith("grant:") and account not in grants:
            findings.note("grants-add-up", f"{key} uses {account}, which does not exist")


def _check_order(
    posting: reading.Posting,
    played: Played,
    credit: set[str],
    grants: Grants,
    parts: list[tuple[str, int]],
    findings: Findings,
) -> None:
    taken = dict(parts)
    in_order = sorted(credit, key=lambda account: grants[account][1].spend_order)
    left = -sum(taken.values())
    for account in in_order:
        expires_at = grants[account][1].expires_at
        if expires_at is not None and expires_at <= posting.booked_at:
            findings.note("spend-order", f"{posting.key} is booked while expired credit is still live")
        part = min(left, played.balances[posting.account_id, account])
        if part != -taken.get(account, 0):
            findings.note("spend-order", f"{posting.key} should take {part} nanos of {grants[account][1].key}")
        left -= part
    if left or set(taken) - credit:
        findings.note("spend-order", f"{posting.key} takes credit that is not there")
    if dict(posting.entries).get(OVERAGE, 0) and any(
        played.balances[posting.account_id, account] + taken.get(account, 0) for account in credit
    ):
        findings.note("spend-order", f"{posting.key} goes to overage while credit is left")


def _play_event(
    posting: reading.Posting, event: UsageEvent, played: Played, book: PriceBook | None, findings: Findings
) -> None:
    assert posting.occurred_at is not None
    owner, key = posting.account_id, event.key
    played.events += 1
    played.costs[owner] += event.cost_nanos
    if posting.key != key or event.account_id != owner or posting.event_booked_at != posting.booked_at:
        findings.note("events-paid-once", f"{key} and its ledger transaction {posting.key} differ")
    earned = sum(amount for account, amount in posting.entries if account == f"revenue:{event.meter.value}")
    if earned != event.cost_nanos or any(
        account.startswith("revenue:") and account != f"revenue:{event.meter.value}" for account, _ in posting.entries
    ):
        findings.note("events-paid-once", f"{key} costs {event.cost_nanos} nanos and its transaction says {earned}")
    counts = Month.of(posting.occurred_at)
    is_correction = posting.occurred_at != event.occurred_at
    if counts.is_sealed(posting.booked_at) or (
        is_correction
        and not (Month.of(event.occurred_at).is_sealed(posting.booked_at) and posting.occurred_at == posting.booked_at)
    ):
        findings.note("booking-order", f"{key} is booked into {counts.label}, which it must not")
    figures = played.months[owner, counts]
    figures[COST_COLUMN[event.meter]] += event.cost_nanos
    if event.position == 0 and event.meter in (Meter.BROWSER, Meter.FUNCTION):
        figures["session_count" if event.meter is Meter.BROWSER else "function_count"] += 1
    if event.position < 0:
        if not event.key.startswith(correction_key("")) or event.quantity:
            findings.note("natural-keys", f"{event.key} is in no chain and is no correction")
        return
    _check_chain(event, played, findings)
    if event.meter is Meter.LLM:
        if event.price_id == _UNPRICED:
            findings.note("models-priced", f"{key}: {event.detail}")
    elif book is not None:
        price = book.price(event.meter, event.occurred_at)
        if (price.id, price.cost(event.position, event.quantity)) != (event.price_id, event.cost_nanos):
            findings.note("prices", f"{key} cost {event.cost_nanos} nanos at {event.price_id}, now {price.id}")


def _check_chain(event: UsageEvent, played: Played, findings: Findings) -> None:
    if event.meter is Meter.LLM:
        if not event.key.startswith(llm_key("")):
            findings.note("natural-keys", event.key)
        return
    subject = event.function_run_id if event.meter is Meter.FUNCTION else event.session_id
    subject = subject or event.key.split(":")[1]
    if event.meter is Meter.PROXY:
        chain = played.ranges.setdefault(subject, Chain(event.account_id))
        expected, check = proxy_key(subject, event.position), "proxy-ranges"
    else:
        chain = played.minutes.setdefault((event.meter, subject), Chain(event.account_id))
        expected, check = minute_key(event.meter, subject, event.position), "minute-chains"
    if event.key != expected:
        findings.note("natural-keys", f"{event.key} should be {expected}")
    if event.position != chain.units or event.quantity < 1 or (check == "minute-chains" and event.quantity != 1):
        findings.note(check, f"{event.key} begins at {event.position}; {chain.units} is booked so far")
    chain.units += event.quantity
    chain.cost_nanos += event.cost_nanos
