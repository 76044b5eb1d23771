"""``noctule usage audit``: are the books right?"""

import asyncio
import sys

import click

from noctule.cli.common import offline
from noctule.cli.usage.tables import count
from noctule.metering.service import AuditReport


@click.command("audit")
def audit() -> None:
    """Check every invariant of the books on the data as it is; exit 1 if any is broken."""
    with offline() as services:
        report = asyncio.run(services.database.read(services.metering.audit))
    click.echo(_audit_table(report))
    if not report.ok:
        sys.exit(1)


def _audit_table(report: AuditReport) -> str:
    width = max(len(check.name) for check in report.checks)
    lines = [f"{count(report.transactions, 'ledger transaction')}, {count(report.events, 'usage event')}", ""]
    for check in report.checks:
        lines.append(f"{'ok    ' if check.ok else 'BROKEN'}  {check.name:<{width}}  {check.meaning}")
        lines += [f"          {message}" for message in check.violations]
        if check.violation_count > len(check.violations):
            lines.append(f"          and {check.violation_count - len(check.violations):,} more")
    lines += ["", "Every invariant holds." if report.ok else "The books are not right."]
    return "\n".join(lines)
