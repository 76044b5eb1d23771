"""``noctule usage breakdown``: where a month's money went."""

import asyncio

import click
from sqlalchemy import Connection

from noctule.cli.common import Offline, offline
from noctule.cli.usage.periods import PERIOD_HELP, month_option
from noctule.cli.usage.tables import table
from noctule.kit.money import format_dollars
from noctule.kit.paging import PageQuery
from noctule.metering.service import Month
from noctule.metering.service.breakdown import Breakdown, Dimension, breakdown


@click.command("breakdown")
@click.option(
    "--by",
    type=click.Choice([each.value for each in Dimension]),
    default=Dimension.SESSION.value,
    show_default=True,
    help="What the rows are.",
)
@click.option("--workspace", default="default", show_default=True, help="Name of the workspace.")
@click.option("--period", help=PERIOD_HELP)
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="Most rows to show.")
def show_breakdown(by: str, workspace: str, period: str | None, limit: int) -> None:
    """Show what each session, agent, function, model, key, day or tag cost in a month, the most expensive first."""
    month = month_option(period)
    with offline() as services:
        account_id = asyncio.run(services.workspaces.get(workspace)).id
        found = asyncio.run(_breakdown(services, account_id, month, Dimension(by), limit))
        labels = (
            {key.id: key.name for _, key in asyncio.run(services.workspaces.list_keys(workspace))}
            if found.dimension is Dimension.KEY
            else {}
        )
    click.echo(_lines(workspace, found, labels))


async def _breakdown(
    services: Offline, account_id: str, month: Month | None, dimension: Dimension, limit: int
) -> Breakdown:
    def step(connection: Connection) -> Breakdown:
        shown = services.metering.usage(connection, account_id, month).month
        return breakdown(connection, account_id, shown, dimension, PageQuery(1, limit))

    return await services.database.read(step)


def _lines(workspace: str, found: Breakdown, labels: dict[str, str]) -> str:
    by = found.dimension.value
    rows = [
        (
            labels.get(row.key, row.key) or f"no {by}",
            f"{row.sessions:,}",
            f"{row.browser_minutes:,}",
            f"{row.proxy_bytes:,}",
            f"{row.llm_tokens:,}",
            f"{row.function_minutes:,}",
            format_dollars(row.total_nanos),
        )
        for row in found.rows.items
    ]
    head = (by, "sessions", "browser min", "proxy bytes", "tokens", "function min", "cost")
    lines = [f"{workspace} · {found.month.label} · by {by}", "", *table(head, rows), ""]
    lines.append(f"total {format_dollars(found.total_nanos)}")
    if found.rows.has_next:
        lines.append("There are more rows: --limit shows them.")
    if found.overlaps:
        lines.append("Charges with several tags count in each of their rows, so these add up to more than the total.")
    return "\n".join(lines)
