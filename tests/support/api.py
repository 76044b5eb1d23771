"""The application as it is published. No route is called, so none has a service."""

from typing import Any, cast

from fastapi import APIRouter, FastAPI

from noctule.debug.routes import router as debug_router
from noctule.health.routes import router as health_router
from noctule.http.app import build_app
from noctule.network.routes import router as network_router
from noctule.operator.routes import router as operator_router
from noctule.page.routes import router as page_router
from noctule.profiles.routes import router as profiles_router
from noctule.replay.routes import router as replay_router
from noctule.scrape.routes import router as scrape_router
from noctule.scripts.routes import router as scripts_router
from noctule.secrets.routes import router as secrets_router
from noctule.sessions.routes import router as sessions_router
from noctule.settings import Settings
from noctule.storage.routes.session_files import router as session_files_router
from noctule.storage.routes.storage import router as storage_router
from noctule.timeline.routes import router as timeline_router
from noctule.usage.routes import router as usage_router
from noctule.usage.routes.budgets import router as budgets_router
from noctule.usage.routes.forecast import router as forecast_router
from noctule.webhooks.routes import router as webhooks_router


def published() -> FastAPI:
    """Every tag, in the order of the composition root."""
    nobody = cast(Any, None)
    routers: list[APIRouter] = [
        sessions_router(nobody, nobody),
        page_router(nobody),
        scripts_router(nobody),
        debug_router(nobody),
        replay_router(nobody),
        scrape_router(nobody),
        timeline_router(nobody),
        network_router(nobody),
        usage_router(nobody),
        budgets_router(nobody),
        forecast_router(nobody),
        webhooks_router(nobody),
        secrets_router(nobody),
        storage_router(nobody),
        session_files_router(nobody),
        profiles_router(nobody),
        health_router(nobody),
        operator_router(nobody),
    ]
    return build_app(settings=Settings(), routers=routers, gate=nobody)
