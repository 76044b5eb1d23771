"""A server, whole.

``running(settings)`` builds the parts in the order of their needs, starts them, and takes them down in
the opposite order: no new work, sessions ended and billed, browsers gone, database closed.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from fastapi import FastAPI

from noctule.app.bridges import MeterCharging, Streams, WorkspaceKeys
from noctule.app.parts import build_node, find_recordings, model_settings, read_instance_id
from noctule.app.places import CannotStart, database_url, load_book, open_objects
from noctule.browser.egress.policy import EgressPolicy
from noctule.browser.proxy_pool import ProxyPool
from noctule.db.engine import Database
from noctule.db.migrate import migrate
from noctule.debug import routes as debug_routes
from noctule.debug.service import Control, DebugService
from noctule.extraction.extractor import Extractor
from noctule.fleet.local import LocalFleet
from noctule.health import routes as health_routes
from noctule.health.service import HealthService
from noctule.http.app import build_app
from noctule.http.gate import Gatekeeping
from noctule.http.idempotency import Idempotency
from noctule.kit.clock import SystemClock
from noctule.kit.ids import new_id
from noctule.kit.seal import Sealer
from noctule.kit.tasks import Owned
from noctule.llm.assembly import build_gateway
from noctule.llm.prices import BadPrices
from noctule.llm.routing import BadModelSettings
from noctule.metering.service import Metering
from noctule.network import routes as network_routes
from noctule.network.service import NetworkService
from noctule.objects.links import Links
from noctule.operator import routes as operator_routes
from noctule.operator.service import OperatorService
from noctule.page import routes as page_routes
from noctule.page.service import PageService
from noctule.profiles import routes as profile_routes
from noctule.profiles.service import Holding, ProfileService, Versions
from noctule.replay import routes as replay_routes
from noctule.replay.service import ReplayService
from noctule.scrape import routes as scrape_routes
from noctule.scrape.service import ScrapeService
from noctule.scripts import routes as script_routes
from noctule.scripts.service import ScriptService
from noctule.secrets import routes as secret_routes
from noctule.secrets.service import SecretService
from noctule.sessions import routes as session_routes
from noctule.sessions.service import SessionService
from noctule.sessions.store import idle_ends
from noctule.settings import Settings
from noctule.storage.routes import links as link_routes
from noctule.storage.routes import session_files as session_file_routes
from noctule.storage.routes import storage as storage_routes
from noctule.storage.service import LinkedFiles, StorageService
from noctule.storage.service.downloads import BrowserDownloads
from noctule.timeline import routes as timeline_routes
from noctule.timeline.service import TimelineService
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
_MIB = 1024**2
_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Noctule:
    """A running server's parts that the outside needs. ``first_key`` is set once, when one was made."""

    api: FastAPI
    sessions: SessionService
    streams: Streams
    first_key: str | None


@asynccontextmanager
async def running(settings: Settings, *, port: int) -> AsyncIterator[Noctule]:
    """A server whose API listens on ``port``: started, and taken down with the block.

    Raises ``CannotStart`` and the errors of ``Node.start``.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    clock, boot_id = SystemClock(), new_id()
    instance_id = read_instance_id(settings.data_dir)
    async with AsyncExitStack() as stack:
        database = Database(database_url(settings))
        stack.callback(database.close)
        migrate(database.engine)
        sealer, book = Sealer.load(settings.data_dir), load_book(settings)
        policy = EgressPolicy(settings.egress_allow)
        policy.own_ports.add(port)
        objects = open_objects(settings)
        await objects.sweep()
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

        timelines = TimelineService(
            database=database,
            clock=clock,
            metering=metering,
            objects=objects,
            keeps_for=timedelta(days=settings.timeline_days),
        )
        stack.push_async_callback(timelines.close)
        recordings = await find_recordings(settings)
        versions = Versions(database, clock, sealer, objects)
        node = build_node(settings, policy, recordings, versions)
        fleet = LocalFleet(node)
        fleet.on_captured(timelines.take)
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
                most_bytes=settings.profile_max_mb * _MIB,
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
            capture=settings.capture,
        )
        timelines.use(sessions)
        if recovered := await sessions.ends.recover():
            log.warning("closed %d sessions that an earlier run left open; nothing was billed for them", recovered)

        replays = ReplayService(
            database=database,
            clock=clock,
            sessions=sessions,
            objects=objects,
            links=links,
            retention=timedelta(days=settings.replay_retention_days),
            is_pending=recordings.is_pending if recordings is not None else lambda session_id: False,
        )
        if recordings is not None:
            stack.push_async_callback(recordings.close)
            await recordings.start(replays)

        poster = Poster(policy)
        webhooks = WebhookService(database, clock, sealer, poster)
        extractor = Extractor()
        stack.callback(extractor.close)
        request_log = RequestLog(database, clock)
        await request_log.start()
        stack.push_async_callback(request_log.close)
        storage = StorageService(
            database=database,
            clock=clock,
            objects=objects,
            links=links,
            sessions=sessions,
            workspaces=workspaces.list_ids,
            quota_bytes=round(settings.files_quota_gb * _GIB) or None,
            retention=timedelta(days=settings.files_retention_days) or None,
        )
        stack.push_async_callback(storage.sweeper.close)
        fleet.on_download(BrowserDownloads(sessions, storage).keep)
        control = Control(clock, timelines)
        debug = DebugService(
            sessions=sessions, browsers=node, runs=fleet, keys=WorkspaceKeys(workspaces), control=control, clock=clock
        )
        page = PageService(
            sessions,
            fleet,
            clock,
            llm=gateway,
            extractor=extractor,
            new_budget=gateway.new_budget,
            control=control,
            files=storage,
            secrets=timelines,
        )
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
                script_routes.router(ScriptService(sessions)),
                replay_routes.router(replays),
                debug_routes.router(debug),
                scrape_routes.router(scrapes),
                timeline_routes.router(timelines),
                network_routes.router(NetworkService(timelines, links)),
                usage_routes.router(UsageService(database, metering, request_log, workspaces)),
                budget_routes.router(BudgetService(database, metering, workspaces)),
                forecast_routes.router(ForecastService(database, clock, metering, book, idle_ends)),
                webhook_routes.router(webhooks),
                secret_routes.router(secrets),
                storage_routes.router(storage),
                session_file_routes.router(storage),
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
            chores=(
                idempotency.purge,
                webhooks.deliveries.purge,
                gateway.recover,
                storage.sweeper.sweep,
                replays.sweep,
                timelines.sweep,
                profiles.purge,
            ),
        )
        workers.start()
        stack.push_async_callback(workers.close)
        stack.push_async_callback(sessions.close)
        yield Noctule(api, sessions, Streams(sessions, node), first.new_secret)
