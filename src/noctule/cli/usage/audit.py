"""``noctule usage audit``: are the books right?"""

import asyncio
import sys

import click

from noctule.cli.books import AuditedBooks, audit_books
from noctule.cli.common import offline
from noctule.cli.usage.tables import count


@click.command("audit")
def audit() -> None:
    """Check every invariant of the books on the data as it is; exit 1 if any is broken."""
    with offline() as services:
        books = asyncio.run(services.database.read(lambda connection: audit_books(services.metering, connection)))
    click.echo(_audit_table(books))
    if not books.ok:
        sys.exit(1)


def _audit_table(books: AuditedBooks) -> str:
    width = max(len(check.name) for check in books.checks)
    lines = [f"{count(books.transactions, 'ledger transaction')}, {count(books.events, 'usage event')}", ""]
    for check in books.checks:
        lines.append(f"{'ok    ' if check.ok else 'BROKEN'}  {check.name:<{width}}  {check.meaning}")
        lines += [f"          {message}" for message in check.violations]
        if check.violation_count > len(check.violations):
            lines.append(f"          and {check.violation_count - len(check.violations):,} more")
    lines += [f"note    {note}" for note in books.notes]
    lines += ["", "Every invariant holds." if books.ok else "The books are not right."]
    return "\n".join(lines)
