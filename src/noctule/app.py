"""The composition root: the only module that knows every concrete class.

``running(settings)`` builds the parts in the order of their needs, starts them, and takes them down in
the opposite order: no new work, sessions ended and billed, browsers gone, database closed.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

from noctule.browser.door import Door
from noctule.browser.egress.policy import EgressPolicy
from noctule.browser.launcher import Launcher
from noctule.browser.node import Node
from noctule.browser.proxy_pool import ProxyPool
from noctule.db.engine import Database
from noctule.db.migrate import migrate
from noctule.fleet.local import LocalFleet
from noctule.health import routes as health_routes
from noctule.health.service import HealthService
from noctule.http.app import build_app
from noctule.http.gate import Gatekeeping
from noctule.http.idempotency import Idempotency
from noctule.kit.clock import SystemClock
from noctule.kit.errors import Conflict
from noctule.kit.ids import new_id
from noctule.kit.seal import Sealer
from noctule.kit.tasks import Owned
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering
from noctule.operator import routes as operator_routes
from noctule.operator.service import OperatorService
from noctule.page import routes as page_routes
from noctule.page.service import PageService
from noctule.sessions import routes as session_routes
from noctule.sessions.service import SessionService
from noctule.sessions.store import idle_ends
from noctule.settings import Settings
from noctule.usage import routes as usage_routes
from noctule.usage.routes import budgets as budget_routes
from noctule.usage.routes import forecast as forecast_routes
from noctule.usage.service import RequestLog, UsageService
from noctule.usage.service.budgets import BudgetService
from noctule.usage.service.forecast import ForecastService
from noctule.webhooks import routes as webhook_routes
from noctule.webhooks.service import Courier, MessageOutbox, Poster, WebhookService
from noctule.workers.loops import Workers
from noctule.workspaces.domain import check_binding
from noctule.workspaces.service import WorkspaceService

log = logging.getLogger(__name__)

_GATE_DRAIN_SECONDS = 2.0


class CannotStart(RuntimeError):
    """The settings, or the machine, do not let the server start; the message says why and what helps."""


@dataclass(frozen=True, slots=True)
class Noctule:
    """A running server's parts that the outside needs. ``first_key`` is set once, when one was made."""

    api: FastAPI
    sessions: SessionService
    streams: "Streams"
    first_key: str | None


@dataclass(frozen=True, slots=True)
class Streams:
    """Lets CDP clients in: a token opens the door of one live session."""

    sessions: SessionService
    node: Node

    async def open_cdp(self, session_id: str, token: str) -> Door:
        """The door that the token opens. Raises ``Unauthenticated``, ``Conflict``."""
        await self.sessions.authorize_stream(session_id, token)
        door = self.node.door(session_id)
        if door is None:
            raise Conflict(f"Session {session_id} has no browser of this server's to connect to.")
        return door


def database_url(settings: Settings) -> str:
    """Where the state is: the configured database, or SQLite in the data folder."""
    return settings.database_url or f"sqlite:///{settings.data_dir / 'noctule.db'}"


def load_book(settings: Settings) -> PriceBook:
    """The rates and plans in force."""
    return PriceBook.load(settings.plans_file) if settings.plans_file else PriceBook.built_in()


@asynccontextmanager
async def running(settings: Settings, *, port: int) -> AsyncIterator[Noctule]:
    """A server whose API listens on ``port``: started, and taken down with the block.

    Raises ``CannotStart`` and the errors of ``Node.start``.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    clock, boot_id = SystemClock(), new_id()
    instance_id = _instance_id(settings.data_dir)
    async with AsyncExitStack() as stack:
        database = Database(database_url(settings))
        stack.callback(database.close)
        migrate(database.engine)
        sealer, book = Sealer.load(settings.data_dir), load_book(settings)
        policy = EgressPolicy(settings.egress_allow)
        policy.own_ports.add(port)
        outbox = MessageOutbox(clock)
        metering = Metering(
            clock,
            book,
            instance_id=instance_id,
            boot_id=boot_id,
            on_exhausted=settings.on_exhausted,
            outbox=outbox,
        )
        workspaces = WorkspaceService(database, clock, metering)
        stack.push_async_callback(workspaces.close)
        secret = settings.api_key.get_secret_value() if settings.api_key else None
        if problem := check_binding(settings.host, secret, await workspaces.has_keys()):
            raise CannotStart(problem)
        first = await workspaces.bootstrap(secret, settings.bootstrap_plan)

        node = _node(settings, policy)
        fleet = LocalFleet(node)
        stack.push_async_callback(fleet.close)
        await fleet.start()

        sessions = SessionService(
            database=database,
            clock=clock,
            fleet=fleet,
            metering=metering,
            outbox=outbox,
            proxies=ProxyPool.load(settings.proxy_pool_file),
            sealer=sealer,
            instance_id=instance_id,
            boot_id=boot_id,
            acquire_timeout_seconds=settings.acquire_timeout_seconds,
        )
        if recovered := await sessions.ends.recover():
            log.warning("closed %d sessions that an earlier run left open; nothing was billed for them", recovered)

        poster = Poster(policy)
        webhooks = WebhookService(database, clock, sealer, poster)
        request_log = RequestLog(database, clock)
        await request_log.start()
        stack.push_async_callback(request_log.close)
        idempotency = Idempotency(database, clock, sealer, instance_id=instance_id, boot_id=boot_id)
        gate_tasks = Owned()
        stack.push_async_callback(gate_tasks.drain, _GATE_DRAIN_SECONDS)
        api = build_app(
            settings=settings,
            routers=[
                session_routes.router(sessions, clock),
                page_routes.router(PageService(sessions, fleet, clock)),
                usage_routes.router(UsageService(database, metering, request_log, workspaces)),
                budget_routes.router(BudgetService(database, metering, workspaces)),
                forecast_routes.router(ForecastService(database, clock, metering, book, idle_ends)),
                webhook_routes.router(webhooks),
                health_routes.router(HealthService(database, fleet)),
                operator_routes.router(
                    OperatorService(database=database, clock=clock, metering=metering, workspaces=workspaces, book=book)
                ),
            ],
            gate=Gatekeeping(
                authenticate=workspaces.authenticate,
                limit_of=lambda workspace_id: database.read(
                    lambda connection: metering.plan_of(connection, workspace_id).requests_per_minute
                ),
                record=request_log.record,
                idempotency=idempotency,
                clock=clock,
                tasks=gate_tasks,
            ),
        )
        courier = Courier(database, clock, sealer, poster)
        stack.push_async_callback(courier.close)
        workers = Workers(
            database=database,
            fleet=fleet,
            metering=metering,
            sessions=sessions,
            deliver=courier.deliver_due,
            chores=(idempotency.purge, webhooks.deliveries.purge),
        )
        workers.start()
        stack.push_async_callback(workers.close)
        stack.push_async_callback(sessions.close)
        yield Noctule(api, sessions, Streams(sessions, node), first.new_secret)


def _node(settings: Settings, policy: EgressPolicy) -> Node:
    launcher = Launcher(
        data_dir=settings.data_dir,
        headless_shell=settings.headless_shell_path,
        chromium=settings.chromium_path,
        sandbox=settings.sandbox,
        uid_base=settings.browser_uid_base,
        concurrency=settings.launch_concurrency,
    )
    return Node(
        launcher=launcher,
        policy=policy,
        max_sessions=settings.max_sessions,
        warm_pool_size=settings.warm_pool_size,
        launch_concurrency=settings.launch_concurrency,
    )


def _instance_id(data_dir: Path) -> str:
    """Which server this is, across its boots: made once, kept in the data folder."""
    path = data_dir / "instance"
    if not path.exists():
        path.write_text(new_id())
    return path.read_text().strip()
