"""``noctule usage show``: one month of a workspace."""

import asyncio
import sys
from dataclasses import fields

import click
from sqlalchemy import Connection

from noctule.cli.common import Offline, offline
from noctule.cli.usage.periods import PERIOD_HELP, month_option
from noctule.cli.usage.tables import count, table
from noctule.kit.money import format_dollars
from noctule.metering.service import Month, Usage


@click.command("show")
@click.option("--workspace", default="default", show_default=True, help="Name of the workspace.")
@click.option("--period", help=PERIOD_HELP)
@click.option("--verify", is_flag=True, help="Recompute everything from the single events, and compare.")
def show(workspace: str, period: str | None, verify: bool) -> None:
    """Show one month of a workspace, as GET /usage does; with --verify, exit 1 if the events say otherwise."""
    month = month_option(period)
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


async def _usage(services: Offline, account_id: str, month: Month | None, verify: bool) -> tuple[Usage, Usage | None]:
    metering = services.metering

    def step(connection: Connection) -> tuple[Usage, Usage | None]:
        shown = metering.usage(connection, account_id, month)
        return shown, metering.verified_usage(connection, account_id, month) if verify else None

    # One snapshot for both, or a server at work would come between them.
    return await services.database.read(step)


def _month_table(workspace: str, month: Usage) -> str:
    costs = [
        (f"browser ({count(month.session_count, 'session')})", month.browser_nanos),
        ("proxy", month.proxy_nanos),
        ("model tokens", month.llm_nanos),
        (f"functions ({count(month.function_count, 'run')})", month.function_nanos),
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
            *table(("cost", ""), [(name, format_dollars(nanos)) for name, nanos in costs]),
            "",
            *table(
                ("credit", "granted", "left"),
                [(name, format_dollars(granted), format_dollars(left)) for name, granted, left in credit],
            ),
            "",
            state,
        ]
    )
