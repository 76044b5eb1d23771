"""Other people's clients, unmodified, against a running server: the official SDKs, Playwright and Puppeteer."""

import httpx
import pytest

from tests.support import clients
from tests.support.origin import Origin
from tests.support.server import KEY, Server

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("version", clients.SDK_VERSIONS)
def test_the_official_sdk_runs_a_session_from_start_to_bill(version: str, server: Server, origin: Origin) -> None:
    page = _page(origin)
    with server.client() as api:
        before = api.get("/usage").json()
    seen = clients.run_sdk_session(version, server.url, KEY, page)

    assert seen["sdk"] == version
    assert seen["goto"]["success"]
    assert seen["page"] == {"url": page, "title": "A page for clients", "contexts": 1, "pages": 1}
    assert seen["evaluate_js"] == {"success": True, "text": "renamed over CDP"}
    assert seen["set_cookies"]
    assert {"name": "flavour", "value": "moth"} in seen["cookies"]
    assert "flavour=moth" in seen["document_cookie"]
    assert seen["status"] == {"session_id": seen["session_id"], "status": "active"}
    assert seen["offset"] >= 2
    assert seen["session_id"] in seen["listed"]
    assert seen["after_stop"] == "closed"
    assert seen["session_id"] not in seen["listed_after_stop"]
    assert seen["usage"]["session_count"] == before["session_count"] + 1
    assert seen["usage"]["browser_usage_cost"] > before["browser_usage_cost"]


@pytest.mark.parametrize("name", clients.NODE_CLIENTS)
def test_an_npm_client_drives_the_page_that_execute_drives(name: str, server: Server, origin: Origin) -> None:
    page = _page(origin)
    with server.client() as api:
        session = api.post("/sessions/start", json={}).raise_for_status().json()
        path = f"/sessions/{session['session_id']}"
        _execute(api, path, type="goto", url=page)

        seen = clients.run_node_client(name, session["cdp_url"], page)

        # Disconnecting did not end the session, and what the client left on the page is there.
        left = _execute(api, path, type="evaluate_js", code="window.name")
        assert api.get(path).json()["status"] == "active"
        api.delete(f"{path}/stop").raise_for_status()
    assert seen["contexts"] == 1
    assert seen["pages"] == 1
    assert seen["firstUrl"] == page
    assert seen["title"] == seen["secondTitle"] == "A page for clients"
    assert seen["pagesWithSecond"] == 2
    assert left["data"]["markdown"] == f"{name}-core"


def _page(origin: Origin) -> str:
    origin.page("/clients", "<!doctype html><title>A page for clients</title><p>Hello.")
    return f"{origin.url}clients"


def _execute(api: httpx.Client, path: str, **action: object) -> dict[str, dict[str, object]]:
    result: dict[str, dict[str, object]] = api.post(f"{path}/page/execute", json=action).raise_for_status().json()
    assert result["success"], result["message"]
    return result
