"""``noctule keys``: who may call; works whether or not a server runs, and holds there at once."""

import asyncio

import click

from noctule.cli.common import load_settings, offline
from noctule.kit.scope import KeyScope
from noctule.workspaces.domain import DEFAULT_WORKSPACE


@click.group()
def keys() -> None:
    """Make, show and revoke API keys."""


@keys.command("create")
@click.option("--workspace", default=DEFAULT_WORKSPACE, show_default=True, help="Whose key it is.")
@click.option("--name", default="cli", show_default=True, help="A name to know the key by.")
@click.option("--operator", is_flag=True, help="A key for the operator's API (/operator), and for nothing else.")
def create(workspace: str, name: str, operator: bool) -> None:
    """Make a key and print it; it is shown this once."""
    scope = KeyScope.OPERATOR if operator else KeyScope.WORKSPACE
    with offline() as services:
        if workspace == DEFAULT_WORKSPACE:
            # A server that listens to others wants a key before its first start, which would make the workspace.
            asyncio.run(services.workspaces.ensure_default(load_settings().bootstrap_plan))
        key, secret = asyncio.run(services.workspaces.create_key(workspace, name, scope))
    whose = "the operator" if operator else f"workspace {workspace}"
    click.echo(f"Key {key.id} of {whose}. It is shown this once:", err=True)
    click.echo(secret)


@keys.command("list")
@click.option("--workspace", help="Only this workspace's keys.")
def list_(workspace: str | None) -> None:
    """Show keys by their last four characters, what they open, and when they were last used."""
    with offline() as services:
        found = asyncio.run(services.workspaces.list_keys(workspace))
    for owner, key in found:
        if key.revoked_at is not None:
            state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}"
        elif key.last_used_at is None:
            state = "never used"
        else:
            state = f"last used {key.last_used_at:%Y-%m-%d %H:%M}"
        what = f"{key.scope.value:<9}  {owner.name}  {key.name}"
        click.echo(f"{key.id}  …{key.hint}  {what}  made {key.created_at:%Y-%m-%d}, {state}")


@keys.command("revoke")
@click.argument("id")
def revoke(id: str) -> None:
    """End the key whose ID begins so (eight characters are enough), at once and for good."""
    with offline() as services:
        key = asyncio.run(services.workspaces.revoke_key(id))
    click.echo(f"key {key.id} (…{key.hint}) is revoked")
