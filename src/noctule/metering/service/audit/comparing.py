"""What the ledger comes to, compared with everything that was derived from it."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection

from noctule.metering.book import PriceBook
from noctule.metering.domain.budgets import TOTAL
from noctule.metering.domain.events import Meter, started_minutes
from noctule.metering.domain.journal import EXPIRED
from noctule.metering.domain.months import Month
from noctule.metering.domain.usage import LedgerView, MonthRollup, is_exhausted, usage_at
from noctule.metering.service.audit.findings import Findings
from noctule.metering.service.audit.playing import Chain, Grants, Played
from noctule.metering.service.months import digest
from noctule.metering.store import budgets as budget_store
from noctule.metering.store import months as month_store
from noctule.metering.store import reading
from noctule.metering.store import rollups as rollup_store


def grants(played: Played, known: Grants, findings: Findings) -> None:
    """Every grant was issued."""
    for account, (owner, grant) in known.items():
        if (owner, account) not in played.balances:
            findings.note("grants-add-up", f"{grant.key} was never issued")


def leases(connection: Connection, played: Played, findings: Findings) -> None:
    """Every lease has exactly the minutes and bytes that are booked for it."""
    unseen = set(played.minutes)
    for row in reading.leases(connection):
        meter, name = Meter(row.meter), f"lease {row.lease_id}"
        unseen.discard((meter, row.lease_id))
        minutes = played.minutes.get((meter, row.lease_id), Chain(row.account_id))
        bytes_ = played.ranges.pop(row.lease_id, Chain(row.account_id))
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


def rollups(connection: Connection, played: Played, findings: Findings) -> None:
    """Months and balances are what the ledger comes to."""
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


def accounts(
    connection: Connection, played: Played, known: Grants, book: PriceBook, now: datetime, findings: Findings
) -> None:
    """Months add up, the month's credit is right, and the flag follows the balance."""
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
        view = _as_booked(account, months, book, played, known)
        booked = usage_at(view, Month.of(account.booked_at), account.booked_at)
        if (booked.balance_nanos, booked.is_limit_exceeded) != (left[account.id], is_exhausted(left[account.id])):
            findings.note("admission", f"{name}: usage says {booked.balance_nanos}, the ledger {left[account.id]}")
        if account.month_credit_nanos != (credit := _month_credit(Month.of(account.booked_at), months)):
            findings.note("rollups", f"the month's credit of {name} is {credit} nanos in the ledger")
        today = usage_at(view, Month.of(max(now, account.booked_at)), now)
        if today.is_limit_exceeded != is_exhausted(today.balance_nanos):
            findings.note("admission", f"{name}: the flag of this month does not follow its balance")
        if played.newest.get(account.id, account.opened_at) > account.booked_at:
            findings.note("booking-order", f"{name}: its newest posting is after its own mark")


def _month_credit(current: Month, months: dict[Month, MonthRollup]) -> int:
    """What was left when the month began, and what came since."""
    before = sum(
        each.topup_granted_nanos - each.topup_spent_nanos + each.overage_nanos
        for month, each in months.items()
        if month < current
    )
    newest = months.get(current, MonthRollup())
    return before + newest.plan_granted_nanos + newest.topup_granted_nanos


def _as_booked(
    account: reading.Account,
    months: dict[Month, MonthRollup],
    book: PriceBook,
    played: Played,
    known: Grants,
) -> LedgerView:
    def plan_credit(month: Month) -> int:
        return book.monthly_credit(account.plan, month)

    def carried(month: Month) -> int:
        expiring = ((known[held][1].expires_at, held) for held in played.live[account.id])
        return sum(played.balances[account.id, held] for end, held in expiring if end and end > month.start)

    return LedgerView(account.plan, account.opened_at, account.booked_at, months, plan_credit, carried)


def days(connection: Connection, findings: Findings) -> None:
    """The rollup of days is what the events say."""
    for account_id, day, meter in rollup_store.differing_days(connection):
        findings.note("days", f"{meter} of account {account_id} on {day} differs from its events")


def budgets(connection: Connection, findings: Findings) -> None:
    """What counts against the budgets in force."""
    for budget, period, noted in budget_store.every_live(connection):
        month = None if period == TOTAL else Month.from_key(period)
        # A month before the budget's own may have got late events alone.
        if month is not None and month < Month.of(budget.created_at):
            continue
        if (spent := budget_store.spent(connection, budget, month)) != noted:
            findings.note("budgets", f"{spent} nanos count against {budget.name!r} in {period}, and {noted} are noted")


def seals(connection: Connection, played: Played, findings: Findings) -> None:
    """Sealed months have not changed."""
    for (account_id, month), sealed in month_store.seals(connection).items():
        figures = played.months.get((account_id, month), {})
        if digest(account_id, month, MonthRollup(**figures)) != sealed:
            findings.note("sealed-months", f"{month.label} of account {account_id} has changed since it was sealed")
