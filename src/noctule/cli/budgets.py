"""``noctule budgets``: what a workspace, or a part of it, may cost; a running server minds changes at once."""

import asyncio

import click

from noctule.cli.common import Offline, offline
from noctule.cli.usage.tables import table
from noctule.kit.errors import Conflict, NotFound
from noctule.kit.money import format_dollars, parse_dollars
from noctule.usage.service.budgets import (
    BudgetAction,
    BudgetPeriod,
    BudgetScope,
    BudgetService,
    BudgetStatus,
    BudgetWish,
)
from noctule.workspaces.domain import DEFAULT_WORKSPACE

_SHORTEST_PREFIX = 8
_workspace = click.option("--workspace", default=DEFAULT_WORKSPACE, show_default=True, help="Name of the workspace.")


@click.group()
def budgets() -> None:
    """Limit what a workspace, a key, a tag, an agent or a session may cost."""


@budgets.command("list")
@_workspace
def list_(workspace: str) -> None:
    """Show every budget in force and how much of it is spent."""
    with offline() as services:
        found = asyncio.run(_list(services, workspace))
    if not found:
        click.echo(f"{workspace} has no budget")
        return
    head = ("id", "name", "for", "period", "limit", "spent", "", "at the limit")
    click.echo("\n".join(table(head, [_row(status) for status in found], left={0, 1, 2, 3, 7})))


@budgets.command("add")
@click.argument("name")
@click.argument("limit")
@_workspace
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in BudgetScope]),
    default=BudgetScope.WORKSPACE.value,
    show_default=True,
    help="Whose costs count.",
)
@click.option("--subject", help="Which key, tag, agent or session; of a key's id eight characters are enough.")
@click.option(
    "--period",
    type=click.Choice([period.value for period in BudgetPeriod]),
    default=BudgetPeriod.MONTH.value,
    show_default=True,
    help="Every calendar month anew, or once for all time.",
)
@click.option(
    "--action",
    type=click.Choice([action.value for action in BudgetAction]),
    default=BudgetAction.WARN.value,
    show_default=True,
    help="At the limit: only say so, or let no new work in and end the running.",
)
def add(name: str, limit: str, workspace: str, scope: str, subject: str | None, period: str, action: str) -> None:
    """Make a budget NAME of LIMIT dollars, for example 12.50."""
    wish = BudgetWish(name, BudgetScope(scope), subject, BudgetPeriod(period), _nanos(limit), BudgetAction(action))
    with offline() as services:
        made = asyncio.run(_add(services, workspace, wish))
    click.echo(f"{made.budget.id}  {name}: {_standing(made)}")


@budgets.command("change")
@click.argument("id")
@_workspace
@click.option("--limit", help="The new limit in dollars.")
@click.option("--action", type=click.Choice([action.value for action in BudgetAction]), help="What happens at it.")
def change(id: str, workspace: str, limit: str | None, action: str | None) -> None:
    """Give the budget whose ID begins so (eight characters are enough, and so is its name) another limit or action."""
    nanos = None if limit is None else _nanos(limit)
    if nanos is None and action is None:
        raise click.UsageError("Say what to change: --limit, --action or both.")
    with offline() as services:
        changed = asyncio.run(_change(services, workspace, id, nanos, BudgetAction(action) if action else None))
    click.echo(f"{changed.budget.id}  {changed.budget.name}: {_standing(changed)}")


@budgets.command("remove")
@click.argument("id")
@_workspace
def remove(id: str, workspace: str) -> None:
    """End the budget whose ID begins so (eight characters are enough, and so is its name), at once."""
    with offline() as services:
        removed = asyncio.run(_remove(services, workspace, id))
    click.echo(f"{removed.budget.id}  {removed.budget.name} is removed")


async def _list(services: Offline, workspace: str) -> list[BudgetStatus]:
    return await _service(services).list(await _account(services, workspace))


async def _add(services: Offline, workspace: str, wish: BudgetWish) -> BudgetStatus:
    return await _service(services).add(await _account(services, workspace), wish)


async def _change(
    services: Offline, workspace: str, id: str, limit_nanos: int | None, action: BudgetAction | None
) -> BudgetStatus:
    account_id = await _account(services, workspace)
    found = await _find(services, account_id, id)
    return await _service(services).change(account_id, found.budget.id, limit_nanos=limit_nanos, action=action)


async def _remove(services: Offline, workspace: str, id: str) -> BudgetStatus:
    account_id = await _account(services, workspace)
    found = await _find(services, account_id, id)
    return await _service(services).remove(account_id, found.budget.id)


async def _find(services: Offline, account_id: str, id_or_name: str) -> BudgetStatus:
    in_force = await _service(services).list(account_id)
    named = [status for status in in_force if status.budget.name == id_or_name]
    if not named and len(id_or_name) >= _SHORTEST_PREFIX:
        named = [status for status in in_force if status.budget.id.startswith(id_or_name)]
    if not named:
        raise NotFound(f"There is no budget {id_or_name!r}; `noctule budgets list` shows them.")
    if len(named) > 1:
        raise Conflict(f"Several budgets begin with {id_or_name!r}; give more of the id.")
    return named[0]


async def _account(services: Offline, workspace: str) -> str:
    return (await services.workspaces.get(workspace)).id


def _service(services: Offline) -> BudgetService:
    return BudgetService(services.database, services.metering, services.workspaces)


def _nanos(amount: str) -> int:
    try:
        nanos = parse_dollars(amount)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="LIMIT") from error
    if nanos <= 0:
        raise click.BadParameter("a budget is more than zero", param_hint="LIMIT")
    return nanos


def _row(status: BudgetStatus) -> tuple[str, ...]:
    budget = status.budget
    return (
        budget.id,
        budget.name,
        f"{budget.scope.value} {budget.subject}".strip(),
        status.period,
        format_dollars(budget.limit_nanos),
        format_dollars(status.spent_nanos),
        f"{max(0, status.spent_nanos) * 100 // budget.limit_nanos} %",
        budget.action.value,
    )


def _standing(status: BudgetStatus) -> str:
    spent, limit = format_dollars(status.spent_nanos), format_dollars(status.budget.limit_nanos)
    return f"{spent} of {limit} spent ({status.period}), then {status.budget.action.value}"
