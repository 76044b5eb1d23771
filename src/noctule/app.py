"""The composition root: the only module that knows every concrete class.

``running(settings)`` builds the parts in the order of their needs, starts them, and takes them down in
the opposite order: no new work, sessions ended and billed, browsers gone, database closed.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import Connection

from noctule.browser.door import Door
from noctule.browser.egress.policy import EgressPolicy
from noctule.browser.launcher import Launcher
from noctule.browser.node import Node
from noctule.browser.proxy_pool import ProxyPool
from noctule.db.engine import Database
from noctule.db.migrate import migrate
from noctule.extraction.extractor import Extractor
from noctule.fleet.local import LocalFleet
from noctule.health import routes as health_routes
from noctule.health.service import HealthService
from noctule.http.app import build_app
from noctule.http.gate import Gatekeeping
from noctule.http.idempotency import Idempotency
from noctule.kit.clock import SystemClock
from noctule.kit.errors import Conflict
from noctule.kit.ids import new_id
from noctule.kit.money import parse_dollars
from noctule.kit.seal import Sealer
from noctule.kit.tasks import Owned
from noctule.llm.assembly import ModelSettings, build_gateway
from noctule.llm.gateway import Limits
from noctule.llm.prices import BadPrices
from noctule.llm.protocol import Payer
from noctule.llm.routing import BadModelSettings
from noctule.llm.store import ModelUse, SentCall
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering, ModelCall
from noctule.objects.links import Links
from noctule.objects.store import ObjectStore
from noctule.operator import routes as operator_routes
from noctule.operator.service import OperatorService
from noctule.page import routes as page_routes
from noctule.page.service import PageService
from noctule.profiles import routes as profile_routes
from noctule.profiles.service import Holding, ProfileService, Versions
from noctule.scrape import routes as scrape_routes
from noctule.scrape.service import ScrapeService
from noctule.secrets import routes as secret_routes
from noctule.secrets.service import SecretService
from noctule.sessions import routes as session_routes
from noctule.sessions.service import SessionService
from noctule.sessions.store import idle_ends
from noctule.settings import Settings
from noctule.storage.routes import links as link_routes
from noctule.storage.service import LinkedFiles
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
_MEBIBYTE = 1024 * 1024


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


class MeterCharging:
    """The meter, as the model gateway needs it."""

    def __init__(self, metering: Metering) -> None:
        self._metering = metering

    def admit(self, connection: Connection, payer: Payer) -> None:
        """Let a call in while something is left to pay with. Raises ``PaymentRequired``."""
        self._metering.admit(
            connection, payer.workspace_id, api_key_id=payer.api_key_id, agent_id=payer.agent_id, tags=payer.tags
        )

    def charge(self, connection: Connection, call: SentCall, use: ModelUse, finished_at: datetime) -> bool:
        """Book a finished call; answers whether it was new."""
        payer = call.payer
        booked = ModelCall(
            call_id=call.id,
            account_id=payer.workspace_id,
            model=f"{call.provider}/{call.model}",
            tokens=use.tokens.by_kind(),
            cost_nanos=use.cost_nanos,
            price_id=use.entry.id,
            finished_at=finished_at,
            session_id=payer.session_id,
            agent_id=payer.agent_id,
            function_id=payer.function_id,
            function_run_id=payer.function_run_id,
            api_key_id=payer.api_key_id,
            tags=payer.tags,
        )
        return self._metering.charge_model_call(connection, booked)


def database_url(settings: Settings) -> str:
    """Where the state is: the configured database, or SQLite in the data folder."""
    return settings.database_url or f"sqlite:///{settings.data_dir / 'noctule.db'}"


def load_book(settings: Settings) -> PriceBook:
    """The rates and plans in force."""
    return PriceBook.load(settings.plans_file) if settings.plans_file else PriceBook.built_in()


def model_settings(settings: Settings) -> ModelSettings:
    """What the settings say about models."""

    def nanos(amount: str | None) -> int | None:
        return None if amount is None else parse_dollars(amount)

    return ModelSettings(
        base_url=settings.llm_base_url,
        api_key=settings.llm_api_key.get_secret_value() if settings.llm_api_key else None,
        model=settings.llm_model,
        prices_file=settings.llm_prices_file,
        context_tokens=settings.llm_context_tokens,
        limits=Limits(
            timeout_seconds=settings.llm_timeout_seconds,
            deadline_seconds=settings.llm_deadline_seconds,
            max_tries=settings.llm_max_tries,
            max_output_tokens=settings.llm_max_output_tokens,
            max_cost_per_call_nanos=nanos(settings.llm_max_cost_per_call),
            max_cost_per_run_nanos=nanos(settings.llm_max_cost_per_run),
        ),
    )


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
        objects = ObjectStore.at(settings.objects_url or settings.data_dir / "objects")
        links = Links(sealer, clock)
        outbox = MessageOutbox(clock)
        metering = Metering(
            clock,
            book,
            instance_id=instance_id,
            boot_id=boot_id,
            on_exhausted=settings.on_exhausted,
            outbox=outbox,
        )
        secrets = SecretService(database, clock, sealer)
        try:
            gateway = build_gateway(
                model_settings(settings),
                database=database,
                clock=clock,
                charging=MeterCharging(metering),
                keys=secrets,
                instance_id=instance_id,
                boot_id=boot_id,
            )
        except (BadModelSettings, BadPrices) as error:
            raise CannotStart(str(error)) from None
        stack.push_async_callback(gateway.close)
        await gateway.recover()
        workspaces = WorkspaceService(database, clock, metering)
        stack.push_async_callback(workspaces.close)
        secret = settings.api_key.get_secret_value() if settings.api_key else None
        if problem := check_binding(settings.host, secret, await workspaces.has_keys()):
            raise CannotStart(problem)
        first = await workspaces.bootstrap(secret, settings.bootstrap_plan)

        versions = Versions(database, clock, sealer, objects)
        node = _node(settings, policy, versions)
        fleet = LocalFleet(node)
        stack.push_async_callback(fleet.close)
        await fleet.start()

        profiles = ProfileService(
            database=database,
            clock=clock,
            versions=versions,
            holding=Holding(
                database=database,
                clock=clock,
                versions=versions,
                instance_id=instance_id,
                boot_id=boot_id,
                most_bytes=settings.profile_max_mb * _MEBIBYTE,
            ),
        )
        sessions = SessionService(
            database=database,
            clock=clock,
            fleet=fleet,
            metering=metering,
            outbox=outbox,
            proxies=ProxyPool.load(settings.proxy_pool_file),
            profiles=profiles,
            sealer=sealer,
            instance_id=instance_id,
            boot_id=boot_id,
            acquire_timeout_seconds=settings.acquire_timeout_seconds,
        )
        if recovered := await sessions.ends.recover():
            log.warning("closed %d sessions that an earlier run left open; nothing was billed for them", recovered)

        poster = Poster(policy)
        webhooks = WebhookService(database, clock, sealer, poster)
        extractor = Extractor()
        stack.callback(extractor.close)
        request_log = RequestLog(database, clock)
        await request_log.start()
        stack.push_async_callback(request_log.close)
        page = PageService(sessions, fleet, clock, llm=gateway, extractor=extractor, new_budget=gateway.new_budget)
        scrapes = ScrapeService(sessions=sessions, scraping=page.scraping, extractor=extractor, clock=clock)
        stack.push_async_callback(scrapes.close)
        idempotency = Idempotency(database, clock, sealer, instance_id=instance_id, boot_id=boot_id)
        gate_tasks = Owned()
        stack.push_async_callback(gate_tasks.drain, _GATE_DRAIN_SECONDS)
        api = build_app(
            settings=settings,
            routers=[
                session_routes.router(sessions, clock),
                page_routes.router(page),
                scrape_routes.router(scrapes),
                usage_routes.router(UsageService(database, metering, request_log, workspaces)),
                budget_routes.router(BudgetService(database, metering, workspaces)),
                forecast_routes.router(ForecastService(database, clock, metering, book, idle_ends)),
                webhook_routes.router(webhooks),
                secret_routes.router(secrets),
                profile_routes.router(profiles),
                link_routes.router(LinkedFiles(objects, links)),
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
            chores=(idempotency.purge, webhooks.deliveries.purge, gateway.recover, profiles.purge),
        )
        workers.start()
        stack.push_async_callback(workers.close)
        stack.push_async_callback(sessions.close)
        yield Noctule(api, sessions, Streams(sessions, node), first.new_secret)


def _node(settings: Settings, policy: EgressPolicy, archives: Versions) -> Node:
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
        archives=archives,
        profile_most_bytes=settings.profile_max_mb * _MEBIBYTE,
    )


def _instance_id(data_dir: Path) -> str:
    """Which server this is, across its boots: made once, kept in the data folder."""
    path = data_dir / "instance"
    if not path.exists():
        path.write_text(new_id())
    return path.read_text().strip()
