"""``noctule workspaces``: tenants, their plans and their credit; works whether or not a server runs."""

import asyncio

import click

from noctule.cli.common import Offline, offline
from noctule.cli.credit import correct, expire, grant, grants, months, topup
from noctule.workspaces.domain import ApiKey, Workspace


@click.group()
def workspaces() -> None:
    """Make and look after workspaces."""


@workspaces.command("create")
@click.argument("name")
@click.option("--plan", default="free", show_default=True, help="Plan of the new workspace.")
def create(name: str, plan: str) -> None:
    """Make a workspace NAME. It has no key yet: see `noctule keys create --workspace NAME`."""
    with offline() as services:
        made = asyncio.run(services.workspaces.create(name, plan))
    click.echo(f"{made.id}  {made.name}  on plan {plan}")


@workspaces.command("list")
def list_() -> None:
    """Show every workspace, its plan, and how many keys may speak for it."""
    with offline() as services:
        found, keys, plans = asyncio.run(_overview(services))
    for workspace in found:
        count = sum(owner.id == workspace.id and key.revoked_at is None for owner, key in keys)
        noun = "key" if count == 1 else "keys"
        made = f"{workspace.created_at:%Y-%m-%d}"
        click.echo(f"{workspace.id}  {made}  {count:>3} {noun:<4}  {plans[workspace.id]:<10}  {workspace.name}")


async def _overview(services: Offline) -> tuple[list[Workspace], list[tuple[Workspace, ApiKey]], dict[str, str]]:
    found = await services.workspaces.list_workspaces()
    plans = await services.database.read(
        lambda connection: {each.id: services.metering.plan_of(connection, each.id).name for each in found}
    )
    return found, await services.workspaces.list_keys(), plans


@workspaces.command("plan")
@click.argument("name")
@click.argument("plan")
def plan_(name: str, plan: str) -> None:
    """Put workspace NAME on PLAN."""
    with offline() as services:
        asyncio.run(services.workspaces.set_plan(name, plan))
    click.echo(f"{name} is on plan {plan}")


for command in (topup, grant, grants, expire, correct, months):
    workspaces.add_command(command)
