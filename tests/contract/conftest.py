"""The two documents that the contract tests hold against each other."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from noctule.health.routes import router as health_router
from noctule.http.app import build_app
from noctule.page.routes import router as page_router
from noctule.sessions.routes import router as sessions_router
from noctule.settings import Settings
from noctule.usage.routes import router as usage_router

_CONTRACT = Path(__file__).parents[2] / "contract" / "openapi-1.4.json"


@pytest.fixture(scope="session")
def contract() -> dict[str, Any]:
    """The frozen document of the API that we speak."""
    document: dict[str, Any] = json.loads(_CONTRACT.read_text())
    return document


@pytest.fixture(scope="session")
def openapi() -> dict[str, Any]:
    """The document that our server publishes, as a client reads it. No route is called, so none has a service."""
    nobody = cast(Any, None)
    routers = [sessions_router(nobody, nobody), page_router(nobody), usage_router(nobody), health_router(nobody)]
    application = build_app(settings=Settings(), routers=routers, gate=nobody)
    document: dict[str, Any] = json.loads(json.dumps(application.openapi()))
    return document
