"""``GET /health`` and ``GET /ready`` behind the real gate's rules of publicity."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from noctule import API_VERSION
from noctule.browser.commands import SandboxLevel
from noctule.db.engine import Database
from noctule.health import routes
from noctule.health.service import HealthService
from noctule.http.gate import PUBLIC_PATHS
from tests.support.fleet import FakeFleet


def _app(fleet: FakeFleet, url: str) -> tuple[FastAPI, Database]:
    database = Database(url)
    app = FastAPI()
    app.include_router(routes.router(HealthService(database, fleet)))
    return app, database


def _get(fleet: FakeFleet, url: str, path: str) -> httpx.Response:
    app, database = _app(fleet, url)

    async def story() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await client.get(path)

    try:
        return asyncio.run(story())
    finally:
        database.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'x.db'}"


def test_health_says_that_the_server_lives_and_which_api_it_speaks(url: str) -> None:
    answer = _get(FakeFleet(), url, "/health")
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "healthy"
    assert body["version"] == API_VERSION == "1.4.40"
    assert body["description"]


def test_health_does_not_depend_on_the_database() -> None:
    assert _get(FakeFleet(), "postgresql://nobody@127.0.0.1:1/none", "/health").status_code == 200


def test_ready_tells_database_browsers_and_sandbox(url: str) -> None:
    fleet = FakeFleet(limit=7, warm_target=2)
    fleet.sandbox_level = SandboxLevel("none", "No user namespaces here.")
    answer = _get(fleet, url, "/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "database": True,
        "browsers": {"live": 0, "limit": 7, "warm": 2, "warm_target": 2},
        "sandbox": {"level": "none", "explanation": "No user namespaces here."},
    }


def test_ready_is_503_without_a_database() -> None:
    answer = _get(FakeFleet(), "postgresql://nobody@127.0.0.1:1/none", "/ready")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"


def test_both_need_no_key() -> None:
    assert {"/health", "/ready"} <= PUBLIC_PATHS


def test_the_documented_health_check_is_the_contracts(url: str) -> None:
    app, database = _app(FakeFleet(), url)
    database.close()
    root = Path(__file__).parents[3]
    contract: dict[str, Any] = msgspec.json.decode((root / "contract" / "openapi-1.4.json").read_bytes())
    ours = app.openapi()
    operation = dict(ours["paths"]["/health"]["get"])
    operation.pop("description")
    assert operation == contract["paths"]["/health"]["get"]
    schema = dict(ours["components"]["schemas"]["HealthResponse"])
    schema.pop("description", None)
    assert schema == contract["components"]["schemas"]["HealthResponse"]
