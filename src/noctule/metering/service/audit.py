"""The invariants, on live data: each check is independent of the code that books.

One pass over the ledger in booking order plays every posting into plain integers and notes whatever does
not fit; what it ends with is then compared with the rollups, the leases and ``usage_at``. Made for the
command line: a million events take about a minute, and nothing is locked.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from noctule.metering.book import PriceBook
from noctule.metering.domain.events import (
    Meter,
    UsageEvent,
    llm_key,
    minute_key,
    proxy_key,
    started_minutes,
)
from noctule.metering.domain.months import Month
from noctule.metering.domain.posting import EXPIRED, ISSUED, OVERAGE, Bucket, Grant
from noctule.metering.domain.usage import COST_COLUMN, LedgerView, MonthRollup, is_exhausted, usage_at
from noctule.metering.store import books as rollup_store
from noctule.metering.store import reading

_SHOWN = 20
_UNPRICED = "unpriced"

CHECKS = {
    "ledger-balanced": "every ledger transaction sums to 0, and so does the ledger",
    "events-paid-once": "each event has exactly one ledger transaction, over exactly its cost",
    "grants-add-up": "each grant: amount = spent + expired + remaining, and never below 0",
    "natural-keys": "every key is the one its content makes",
    "minute-chains": "minutes are 0..n-1 with n = the started minutes of the witnessed time",
    "proxy-ranges": "proxied bytes are booked without gap or overlap",
    "prices": "every event costs what the price book says for its instant",
    "models-priced": "every model that was called has a price",
    "spend-order": "plan credit before top-ups, earliest expiry first; overage only without credit",
    "booking-order": "bookings never go back in time, and sealed months take no more events",
    "sums-agree": "sessions add up to months, and months to the account",
    "rollups": "monthly rollups and balances are what the events and the ledger say",
    "admission": "the usage flag says exceeded exactly when the ledger's balance is gone",
}


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """One invariant: what must hold, and the first places where it does not."""

    name: str
    meaning: str
    violations: tuple[str, ...]
    violation_count: int

    @property
    def ok(self) -> bool:
        """Whether it holds."""
        return self.violation_count == 0


@dataclass(frozen=True, slots=True)
class AuditReport:
    """All checks, and how much was looked at."""

    checks: tuple[AuditCheck, ...]
    transactions: int
    events: int

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return all(check.ok for check in self.checks)


class _Findings:
    def __init__(self) -> None:
        self._shown: dict[str, list[str]] = {name: [] for name in CHECKS}
        self._count: dict[str, int] = dict.fromkeys(CHECKS, 0)

    def note(self, check: str, message: str) -> None:
        self._count[check] += 1
        if self._count[check] <= _SHOWN:
            self._shown[check].append(message)

    def checks(self) -> tuple[AuditCheck, ...]:
        return tuple(
            AuditCheck(name, meaning, tuple(self._shown[name]), self._count[name]) for name, meaning in CHECKS.items()
        )


@dataclass(slots=True)
class _Chain:
    account_id: str
    units: int = 0
    cost_nanos: int = 0


@dataclass(slots=True)
class _Played:
    """What the ledger comes to, in plain integers."""

    balances: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    months: dict[tuple[str, Month], dict[str, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )
    minutes: dict[tuple[Meter, str], _Chain] = field(default_factory=dict)
    ranges: dict[str, _Chain] = field(default_factory=dict)
    newest: dict[str, datetime] = field(default_factory=dict)
    costs: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    total: int = 0
    transactions: int = 0
    events: int = 0


def audit(connection: Connection, book: PriceBook, now: datetime) -> AuditReport:
    """Check everything. Reads the whole ledger, so it takes its time on a large one."""
    findings = _Findings()
    grants = reading.grants(connection)
    played = _Played()
    live: dict[str, set[str]] = defaultdict(set)
    for posting in reading.postings(connection):
        _play(posting, played, live, grants, book, findings)
    for key in reading.unpaid_events(connection):
        findings.note("events-paid-once", f"{key} has no ledger transaction")
    for id in reading.stray_entries(connection):
        findings.note("ledger-balanced", f"entries of a transaction {id} that does not exist")
    if played.total:
        findings.note("ledger-balanced", f"the ledger sums to {played.total} nanos")
    _check_grants(played, grants, findings)
    _check_leases(connection, played, findings)
    _check_rollups(connection, played, findings)
    _check_accounts(connection, played, book, now, findings)
    return AuditReport(findings.checks(), played.transactions, played.events)


def recomputed_months(connection: Connection, account_id: str) -> dict[Month, MonthRollup]:
    """An account's monthly rollups, made anew from its events and its ledger alone."""
    played = _play_all(connection, account_id)
    return {month: MonthRollup(**figures) for (_, month), figures in played.months.items()}


def rebuild(connection: Connection) -> None:
    """Delete every rollup and make it anew from the events and the ledger. No server may be at work."""
    played = _play_all(connection, None)
    rollups = {where: MonthRollup(**figures) for where, figures in played.months.items()}
    balances = {where: left for where, left in played.balances.items() if where[1] != EXPIRED}
    rollup_store.replace_all(connection, rollups, balances)


def _play_all(connection: Connection, account_id: str | None) -> _Played:
    played = _Played()
    live: dict[str, set[str]] = defaultdict(set)
    grants = reading.grants(connection)
    for posting in reading.postings(connection, account_id):
        _play(posting, played, live, grants, None, _Findings())
    return played


def _play(
    posting: reading.Posting,
    played: _Played,
    live: dict[str, set[str]],
    grants: dict[str, tuple[str, Grant]],
    book: PriceBook | None,
    findings: _Findings,
) -> None:
    owner, key = posting.account_id, posting.key
    played.transactions += 1
    total = sum(amount for _, amount in posting.entries)
    played.total += total
    if total:
        findings.note("ledger-balanced", f"{key} sums to {total} nanos")
    if posting.booked_at < played.newest.get(owner, posting.booked_at):
        findings.note("booking-order", f"{key} is booked before the transaction that precedes it")
    played.newest[owner] = posting.booked_at
    if posting.event is not None:
        _play_event(posting, posting.event, played, book, findings)
    elif not key.startswith(("plan:", "grant:", "settle:", "expire:")):
        findings.note("events-paid-once", f"{key} pays for no event")
    _play_entries(posting, played, live, grants, findings)


def _play_entries(
    posting: reading.Posting,
    played: _Played,
    live: dict[str, set[str]],
    grants: dict[str, tuple[str, Grant]],
    findings: _Findings,
) -> None:
    owner, key = posting.account_id, posting.key
    credit, booked = live[owner], played.months[owner, Month.of(posting.booked_at)]
    charges = posting.event is not None
    parts = [(account, amount) for account, amount in posting.entries if account in grants]
    if charges:
        _check_order(posting, played, credit, grants, parts, findings)
    issued = dict(posting.entries).get(ISSUED, 0)
    for account, amount in parts:
        holder, grant = grants[account]
        if holder != owner:
            findings.note("grants-add-up", f"{key} moves credit of another account")
        bucket = "plan" if grant.bucket is Bucket.PLAN else "topup"
        if issued:
            booked[f"{bucket}_granted_nanos"] += amount
            if key != grant.key or amount != grant.amount_nanos:
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
    played: _Played,
    credit: set[str],
    grants: dict[str, tuple[str, Grant]],
    parts: list[tuple[str, int]],
    findings: _Findings,
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
    posting: reading.Posting, event: UsageEvent, played: _Played, book: PriceBook | None, findings: _Findings
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
    _check_chain(event, played, findings)
    if event.meter is Meter.LLM:
        if event.price_id == _UNPRICED:
            findings.note("models-priced", f"{key}: {event.detail}")
    elif book is not None:
        price = book.price(event.meter, event.occurred_at)
        if (price.id, price.cost(event.position, event.quantity)) != (event.price_id, event.cost_nanos):
            findings.note("prices", f"{key} cost {event.cost_nanos} nanos at {event.price_id}, now {price.id}")


def _check_chain(event: UsageEvent, played: _Played, findings: _Findings) -> None:
    if event.meter is Meter.LLM:
        if not event.key.startswith(llm_key("")):
            findings.note("natural-keys", event.key)
        return
    subject = event.function_run_id if event.meter is Meter.FUNCTION else event.session_id
    subject = subject or event.key.split(":")[1]
    if event.meter is Meter.PROXY:
        chain = played.ranges.setdefault(subject, _Chain(event.account_id))
        expected, check = proxy_key(subject, event.position), "proxy-ranges"
    else:
        chain = played.minutes.setdefault((event.meter, subject), _Chain(event.account_id))
        expected, check = minute_key(event.meter, subject, event.position), "minute-chains"
    if event.key != expected:
        findings.note("natural-keys", f"{event.key} should be {expected}")
    if event.position != chain.units or event.quantity < 1 or (check == "minute-chains" and event.quantity != 1):
        findings.note(check, f"{event.key} begins at {event.position}; {chain.units} is booked so far")
    chain.units += event.quantity
    chain.cost_nanos += event.cost_nanos


def _check_grants(played: _Played, grants: dict[str, tuple[str, Grant]], findings: _Findings) -> None:
    for account, (owner, grant) in grants.items():
        if (owner, account) not in played.balances:
            findings.note("grants-add-up", f"{grant.key} was never issued")


def _check_leases(connection: Connection, played: _Played, findings: _Findings) -> None:
    unseen = set(played.minutes)
    for row in reading.leases(connection):
        meter, name = Meter(row.meter), f"lease {row.lease_id}"
        unseen.discard((meter, row.lease_id))
        minutes = played.minutes.get((meter, row.lease_id), _Chain(row.account_id))
        bytes_ = played.ranges.pop(row.lease_id, _Chain(row.account_id))
        owed = started_minutes(row.witnessed_microseconds)
        if not minutes.units == row.paid_minutes == owed:
            findings.note(
                "minute-chains", f"{name}: {minutes.units} minutes booked, {row.paid_minutes} paid, {owed} owed"
            )
        if bytes_.units != row.proxied_bytes:
            findings.note("proxy-ranges", f"{name}: {bytes_.units} bytes booked, {row.proxied_bytes} committed")
        if minutes.cost_nanos + bytes_.cost_nanos != row.cost_nanos:
            findings.note("sums-agree", f"{name}: its events cost {minutes.cost_nanos + bytes_.cost_nanos} nanos")
        if {minutes.account_id, bytes_.account_id} != {row.account_id}:
            findings.note("sums-agree", f"{name} was billed to another account")
    for meter, subject in sorted(unseen):
        findings.note("minute-chains", f"{meter.value}:{subject} has minutes and no lease")
    for subject in sorted(played.ranges):
        findings.note("proxy-ranges", f"proxy:{subject} has bytes and no lease")


def _check_rollups(connection: Connection, played: _Played, findings: _Findings) -> None:
    booked = reading.rollups(connection)
    for where in sorted(booked.keys() | played.months.keys(), key=lambda each: (each[0], each[1])):
        made = MonthRollup(**played.months[where]) if where in played.months else MonthRollup()
        if booked.get(where, MonthRollup()) != made:
            findings.note("rollups", f"{where[1].label} of account {where[0]} differs from its events")
    balances = reading.balances(connection)
    kept = {where: left for where, left in played.balances.items() if where[1] != EXPIRED}
    for owner, held in sorted(balances.keys() | kept.keys()):
        if balances.get((owner, held), 0) != kept.get((owner, held), 0):
            findings.note("rollups", f"{held} of account {owner} has {kept.get((owner, held), 0)} nanos in the ledger")


def _check_accounts(
    connection: Connection, played: _Played, book: PriceBook, now: datetime, findings: _Findings
) -> None:
    by_owner: dict[str, dict[Month, MonthRollup]] = defaultdict(dict)
    for (owner, month), figures in played.months.items():
        by_owner[owner][month] = MonthRollup(**figures)
    left: dict[str, int] = defaultdict(int)
    for (owner, held), amount in played.balances.items():
        if held != EXPIRED:
            left[owner] += amount
    for account in reading.accounts(connection):
        months, name = by_owner[account.id], f"account {account.id}"
        if sum(rollup.total_nanos for rollup in months.values()) != played.costs[account.id]:
            findings.note("sums-agree", f"the months of {name} do not add up to its events")
        view = _as_booked(account, months, book)
        booked = usage_at(view, Month.of(account.booked_at), account.booked_at)
        if (booked.balance_nanos, booked.is_limit_exceeded) != (left[account.id], is_exhausted(left[account.id])):
            findings.note("admission", f"{name}: usage says {booked.balance_nanos}, the ledger {left[account.id]}")
        today = usage_at(view, Month.of(max(now, account.booked_at)), now)
        if today.is_limit_exceeded != is_exhausted(today.balance_nanos):
            findings.note("admission", f"{name}: the flag of this month does not follow its balance")
        if played.newest.get(account.id, account.opened_at) > account.booked_at:
            findings.note("booking-order", f"{name}: its newest posting is after its own mark")


def _as_booked(account: reading.Account, months: dict[Month, MonthRollup], book: PriceBook) -> LedgerView:
    def plan_credit(month: Month) -> int:
        return book.monthly_credit(account.plan, month)

    return LedgerView(account.plan, account.opened_at, account.booked_at, months, plan_credit)
