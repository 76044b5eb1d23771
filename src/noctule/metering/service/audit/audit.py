"""Everything checked, recomputed or made anew from the events and the ledger."""

from datetime import datetime

from sqlalchemy import Connection

from noctule.metering.book import PriceBook
from noctule.metering.domain.journal import EXPIRED
from noctule.metering.domain.months import Month
from noctule.metering.domain.usage import MonthRollup
from noctule.metering.service.audit import comparing
from noctule.metering.service.audit.findings import AuditReport, Findings
from noctule.metering.service.audit.playing import Played, carry, play
from noctule.metering.store import reading
from noctule.metering.store import rollups as rollup_store


def audit(connection: Connection, book: PriceBook, now: datetime) -> AuditReport:
    """Check everything. Reads the whole ledger, so it takes its time on a large one."""
    findings = Findings()
    grants = reading.grants(connection)
    played = _play_all(connection, None, book, findings)
    for key in reading.unpaid_events(connection):
        findings.note("events-paid-once", f"{key} has no ledger transaction")
    for id in reading.stray_entries(connection):
        findings.note("ledger-balanced", f"entries of a transaction {id} that does not exist")
    if played.total:
        findings.note("ledger-balanced", f"the ledger sums to {played.total} nanos")
    comparing.grants(played, grants, findings)
    comparing.leases(connection, played, findings)
    comparing.rollups(connection, played, findings)
    comparing.days(connection, findings)
    comparing.budgets(connection, findings)
    comparing.seals(connection, played, findings)
    comparing.accounts(connection, played, grants, book, now, findings)
    return AuditReport(findings.checks(), played.transactions, played.events)


def recomputed_months(connection: Connection, account_id: str) -> dict[Month, MonthRollup]:
    """An account's monthly rollups, made anew from its events and its ledger alone."""
    played = _play_all(connection, account_id, None, Findings())
    return {month: MonthRollup(**figures) for (_, month), figures in played.months.items()}


def rebuild(connection: Connection) -> None:
    """Delete every rollup and make it anew from the events and the ledger. No server may be at work."""
    played = _play_all(connection, None, None, Findings())
    rollups = {where: MonthRollup(**figures) for where, figures in played.months.items()}
    balances = {where: left for where, left in played.balances.items() if where[1] != EXPIRED}
    rollup_store.replace_all(connection, rollups, balances)


def _play_all(connection: Connection, account_id: str | None, book: PriceBook | None, findings: Findings) -> Played:
    played = Played()
    grants = reading.grants(connection)
    for posting in reading.postings(connection, account_id):
        play(posting, played, grants, book, findings)
    for account in reading.accounts(connection):
        if account_id in (None, account.id):
            # Months that began by the newest booking have their credit even if nothing was posted in them.
            carry(played, account.id, account.booked_at, grants)
    return played
