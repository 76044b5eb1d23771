"""``noctule usage explain``: one session's bill, line by line."""

import asyncio

import click

from noctule.cli.common import offline
from noctule.cli.usage.tables import count, table
from noctule.kit.money import format_dollars
from noctule.metering.service import Explained


@click.command("explain")
@click.argument("session")
def explain(session: str) -> None:
    """Show each event of SESSION in the order of booking, its price, and the credit that paid for it."""
    with offline() as services:
        bill = asyncio.run(services.database.read(lambda link: services.metering.explain(link, None, session)))
    click.echo(_bill_table(bill))


def _bill_table(bill: Explained) -> str:
    rows = []
    for line in bill.lines:
        event = line.event
        paid = " + ".join(
            f"{format_dollars(payment.amount_nanos)} {payment.kind} ({payment.source})" for payment in line.payments
        )
        rows.append(
            (
                f"{event.occurred_at:%Y-%m-%d %H:%M:%S}" + (" *" if line.is_correction else ""),
                event.meter.value,
                f"{event.position:,}",
                count(event.quantity, event.unit),
                event.price_id,
                format_dollars(event.cost_nanos),
                paid or "nothing to pay",
            )
        )
    state = "still open" if bill.is_open else "closed"
    lines = [
        f"session {bill.session_id} · {state} · {bill.witnessed_seconds:.1f} s witnessed",
        f"account {bill.account_id}",
        "",
        *table(("when (UTC)", "meter", "from", "quantity", "price", "cost", "paid by"), rows, left={0, 1, 4, 6}),
        "",
        f"total {format_dollars(bill.total_nanos)}",
    ]
    if any(line.is_correction for line in bill.lines):
        lines.append("* arrived after its month was sealed, and counts in the month in which it was booked")
    return "\n".join(lines)
