"""``noctule webhooks``: endpoints and dead letters; works whether or not a server runs.

What is queued here, a server on the same database sends.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from noctule.browser.egress.policy import EgressPolicy
from noctule.cli.common import load_settings, offline
from noctule.kit.clock import SystemClock
from noctule.kit.errors import Conflict, NotFound
from noctule.kit.paging import PageQuery
from noctule.kit.seal import Sealer
from noctule.webhooks.service import Delivery, DeliveryState, Endpoint, EndpointView, EventType, Poster, WebhookService
from noctule.workspaces.domain import DEFAULT_WORKSPACE

_MOST_SHOWN = 100
_SHORTEST_PREFIX = 8

_workspace = click.option("--workspace", default=DEFAULT_WORKSPACE, show_default=True, help="Whose endpoints.")


@dataclass(frozen=True, slots=True)
class _Opened:
    """The tag, and the workspace that a command is about."""

    webhooks: WebhookService
    workspace_id: str


@click.group()
def webhooks() -> None:
    """Send signed messages to a workspace's own servers, and look after those that were not taken."""


@webhooks.command("list")
@_workspace
def list_(workspace: str) -> None:
    """Show the endpoints of a workspace, and how many messages wait or were given up."""
    with _opened(workspace) as opened:
        found = asyncio.run(opened.webhooks.page(opened.workspace_id, PageQuery(1, _MOST_SHOWN)))
    for view in found.items:
        click.echo(_line(view))


@webhooks.command("add")
@_workspace
@click.argument("url")
@click.option(
    "--type",
    "types",
    multiple=True,
    type=click.Choice([each.value for each in EventType]),
    help="A type that it wants; several times for several. Unset: every type.",
)
@click.option("--description", default="", help="A line for people.")
def add(workspace: str, url: str, types: tuple[str, ...], description: str) -> None:
    """Send messages to URL; prints the secret that signs them, this once."""
    with _opened(workspace) as opened:
        made = asyncio.run(opened.webhooks.create(opened.workspace_id, url, types=types, description=description))
    click.echo(f"Endpoint {made.view.endpoint.id} of workspace {workspace}. Its secret is shown this once:", err=True)
    click.echo(made.secret)


@webhooks.command("rotate")
@_workspace
@click.argument("endpoint")
def rotate(workspace: str, endpoint: str) -> None:
    """Give ENDPOINT (eight characters of its id are enough) a new secret; for 24 hours the old one signs too."""
    with _opened(workspace) as opened:
        made = asyncio.run(_rotate(opened, endpoint))
    click.echo(f"The new secret of endpoint {made[0]}. It is shown this once:", err=True)
    click.echo(made[1])


@webhooks.command("remove")
@_workspace
@click.argument("endpoint")
def remove(workspace: str, endpoint: str) -> None:
    """Delete ENDPOINT with everything that waits for it."""
    with _opened(workspace) as opened:
        removed = asyncio.run(_remove(opened, endpoint))
    click.echo(f"endpoint {removed.id} is removed")


@webhooks.command("deliveries")
@_workspace
@click.argument("endpoint", required=False)
@click.option("--state", type=click.Choice([each.value for each in DeliveryState]), help="Only those in this state.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, _MOST_SHOWN), help="How many to show.")
def deliveries(workspace: str, endpoint: str | None, state: str | None, limit: int) -> None:
    """Show the newest deliveries to ENDPOINT, or to all; dead letters with --state dead."""
    with _opened(workspace) as opened:
        found = asyncio.run(_deliveries(opened, endpoint, state, limit))
    for each in found:
        click.echo(_delivery_line(each))


@webhooks.command("redeliver")
@_workspace
@click.argument("endpoint")
@click.argument("message", required=False)
def redeliver(workspace: str, endpoint: str, message: str | None) -> None:
    """Send MESSAGE to ENDPOINT again, or all of its dead letters if none is named; a running server sends them."""
    with _opened(workspace) as opened:
        count = asyncio.run(_redeliver(opened, endpoint, message))
    click.echo(f"{count} {'message is' if count == 1 else 'messages are'} queued again")


@contextmanager
def _opened(workspace: str) -> Iterator[_Opened]:
    settings = load_settings()
    with offline() as services:
        policy = EgressPolicy(settings.egress_allow)
        policy.own_ports.add(settings.port)
        service = WebhookService(services.database, SystemClock(), Sealer.load(settings.data_dir), Poster(policy))
        yield _Opened(service, asyncio.run(services.workspaces.get(workspace)).id)


async def _rotate(opened: _Opened, prefix: str) -> tuple[str, str]:
    endpoint = await _find(opened, prefix)
    return endpoint.id, (await opened.webhooks.rotate(opened.workspace_id, endpoint.id)).secret


async def _remove(opened: _Opened, prefix: str) -> Endpoint:
    return await opened.webhooks.delete(opened.workspace_id, (await _find(opened, prefix)).id)


async def _deliveries(opened: _Opened, prefix: str | None, state: str | None, limit: int) -> tuple[Delivery, ...]:
    found = await opened.webhooks.deliveries.page(
        opened.workspace_id,
        PageQuery(1, limit),
        endpoint_id=None if prefix is None else (await _find(opened, prefix)).id,
        state=None if state is None else DeliveryState(state),
    )
    return found.items


async def _redeliver(opened: _Opened, prefix: str, message_id: str | None) -> int:
    endpoint = await _find(opened, prefix)
    queue = opened.webhooks.deliveries
    if message_id is None:
        return await queue.redeliver_dead(opened.workspace_id, endpoint.id)
    await queue.redeliver(opened.workspace_id, endpoint.id, message_id)
    return 1


async def _find(opened: _Opened, prefix: str) -> Endpoint:
    """The endpoint whose id begins so."""
    views = (await opened.webhooks.page(opened.workspace_id, PageQuery(1, _MOST_SHOWN))).items
    found = [view.endpoint for view in views if view.endpoint.id.startswith(prefix)]
    if not found or len(prefix) < _SHORTEST_PREFIX:
        raise NotFound(f"There is no endpoint {prefix!r}; `noctule webhooks list` shows them.")
    if len(found) > 1:
        raise Conflict(f"Several endpoints begin with {prefix!r}; give more of the id.")
    return found[0]


def _line(view: EndpointView) -> str:
    endpoint = view.endpoint
    state = f"disabled: {endpoint.disabled_reason}" if endpoint.disabled_at else "enabled"
    counts = f"{view.pending} pending, {view.dead} dead"
    types = ",".join(endpoint.types) or "every type"
    return "  ".join(part for part in (endpoint.id, endpoint.url, types, state, counts, endpoint.description) if part)


def _delivery_line(delivery: Delivery) -> str:
    tries = f"{delivery.attempts} {'attempt' if delivery.attempts == 1 else 'attempts'}"
    next_ = f"next {delivery.next_attempt_at:%Y-%m-%d %H:%M:%S}" if delivery.state is DeliveryState.PENDING else ""
    parts = (
        delivery.message_id,
        delivery.endpoint_id[:_SHORTEST_PREFIX],
        f"{delivery.created_at:%Y-%m-%d %H:%M:%S}",
        delivery.type,
        delivery.state.value,
        tries,
        next_,
        delivery.last_error or "",
    )
    return "  ".join(part for part in parts if part)
