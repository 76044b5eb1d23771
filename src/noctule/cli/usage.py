"""``noctule usage``: what was used, why it cost that, and whether the books are right.

Reads the database itself, so it works whether or not a server runs on it.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import fields

import click
from sqlalchemy import Connection

from noctule.cli.common import Offline, offline
from noctule.kit.money import format_dollars
from noctule.metering.service import AuditReport, Explained, Month, Usage
from noctule.usage.domain import ACCEPTED_PERIODS, BadPeriod, parse_period

_PERIOD_HELP = f"{ACCEPTED_PERIODS[0].upper()}{ACCEPTED_PERIODS[1:]}; unset: the current month."


@click.group()
def usage() -> None:
    """Look at what was used and at the books behind it."""


@usage.command("show")
@click.option("--workspace", default="default", show_default=True, help="Name of the workspace.")
@click.option("--period", help=_PERIOD_HELP)
@click.option("--verify", is_flag=True, help="Recompute everything from the single events, and compare.")
def show(workspace: str, period: str | None, verify: bool) -> None:
    """Show one month of a workspace, as GET /usage does; with --verify, exit 1 if the events say otherwise."""
    try:
        parsed = parse_period(period)
    except BadPeriod:
        raise click.BadParameter(f"{period!r} is not {ACCEPTED_PERIODS}", param_hint="--period") from None
    month = None if parsed is None else Month(*parsed)
    with offline() as services:
        account_id = asyncio.run(services.workspaces.get(workspace)).id
        shown, verified = asyncio.run(_usage(services, account_id, month, verify))
    click.echo(_month_table(workspace, shown))
    if verified is None:
        return
    differing = [field.name for field in fields(Usage) if getattr(shown, field.name) != getattr(verified, field.name)]
    for name in differing:
        click.echo(f"{name}: {getattr(shown, name)} is shown, the events say {getattr(verified, name)}", err=True)
    if differing:
        sys.exit(1)
    click.echo("\nVerified: recomputed from the single events, every figure is the same.")


@usage.command("explain")
@click.argument("session")
def explain(session: str) -> None:
    """Show each event of SESSION in the order of booking, its price, and the credit that paid for it."""
    with offline() as services:
        bill = asyncio.run(services.database.read(lambda link: services.metering.explain(link, None, session)))
    click.echo(_bill_table(bill))


@usage.command("audit")
def audit() -> None:
    """Check every invariant of the books on the data as it is; exit 1 if any is broken."""
    with offline() as services:
        report = asyncio.run(services.database.read(services.metering.audit))
    click.echo(_audit_table(report))
    if not report.ok:
        sys.exit(1)


async def _usage(services: Offline, account_id: str, month: Month | None, verify: bool) -> tuple[Usage, Usage | None]:
    metering = services.metering

    def step(connection: Connection) -> tuple[Usage, Usage | None]:
        shown = metering.usage(connection, account_id, month)
        return shown, metering.verified_usage(connection, account_id, month) if verify else None

    # One snapshot for both, or a server at work would come between them.
    return await services.database.read(step)


def _month_table(workspace: str, month: Usage) -> str:
    costs = [
        (f"browser ({_count(month.session_count, 'session')})", month.browser_nanos),
        ("proxy", month.proxy_nanos),
        ("model tokens", month.llm_nanos),
        (f"functions ({_count(month.function_count, 'run')})", month.function_nanos),
        ("total", month.total_nanos),
    ]
    credit = [
        ("plan credit", month.subscription_limit_nanos, month.subscription_balance_nanos),
        ("top-up credit", month.topup_limit_nanos, month.topup_balance_nanos),
        (
            "together",
            month.subscription_limit_nanos + month.topup_limit_nanos,
            month.balance_nanos,
        ),
    ]
    state = "The balance is used up: new work is refused." if month.is_limit_exceeded else "New work is admitted."
    return "\n".join(
        [
            f"{workspace} · {month.month.label} · plan {month.plan}",
            "",
            *_table(("cost", ""), [(name, format_dollars(nanos)) for name, nanos in costs]),
            "",
            *_table(
                ("credit", "granted", "left"),
                [(name, format_dollars(granted), format_dollars(left)) for name, granted, left in credit],
            ),
            "",
            state,
        ]
    )


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
                _count(event.quantity, event.unit),
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
        *_table(("when (UTC)", "meter", "from", "quantity", "price", "cost", "paid by"), rows, left={0, 1, 4, 6}),
        "",
        f"total {format_dollars(bill.total_nanos)}",
    ]
    if any(line.is_correction for line in bill.lines):
        lines.append("* arrived after its month was sealed, and counts in the month in which it was booked")
    return "\n".join(lines)


def _audit_table(report: AuditReport) -> str:
    width = max(len(check.name) for check in report.checks)
    lines = [f"{_count(report.transactions, 'ledger transaction')}, {_count(report.events, 'usage event')}", ""]
    for check in report.checks:
        lines.append(f"{'ok    ' if check.ok else 'BROKEN'}  {check.name:<{width}}  {check.meaning}")
        lines += [f"          {message}" for message in check.violations]
        if check.violation_count > len(check.violations):
            lines.append(f"          and {check.violation_count - len(check.violations):,} more")
    lines += ["", "Every invariant holds." if report.ok else "The books are not right."]
    return "\n".join(lines)


def _table(
    head: tuple[str, ...], rows: Sequence[tuple[str, ...]], left: frozenset[int] | set[int] = frozenset({0})
) -> list[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(row: tuple[str, ...]) -> str:
        cells = (
            f"{cell:<{width}}" if column in left else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    return [line(head), "  ".join("-" * width for width in widths), *(line(row) for row in rows)]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
