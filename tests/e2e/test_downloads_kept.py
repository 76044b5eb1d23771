"""What a browser brings is in the storage of its session: over HTTP, with both official SDKs, through a proxy."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import clients
from tests.support.download_site import DownloadSite, content, serving_downloads, sha256
from tests.support.server import KEY, Server
from tests.support.upstream import HttpUpstream

pytestmark = pytest.mark.slow

_SECONDS = 15.0


@pytest.fixture(scope="module")
def site() -> Iterator[DownloadSite]:
    with serving_downloads() as site:
        yield site


@pytest.fixture(scope="module")
def server(site: DownloadSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(
        tmp_path_factory.mktemp("kept") / "data",
        {
            "NOCTULE_EGRESS_ALLOW": "127.0.0.1,localhost",
        },
    )
    try:
        yield server.start()
    finally:
        server.close()


def _listed(api: httpx.Client, session_id: str, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + _SECONDS
    while True:
        reply = api.get(f"/storage/{session_id}/downloads").raise_for_status().json()
        files: list[dict[str, Any]] = reply["files"]
        if len(files) >= count or time.monotonic() > deadline:
            return files
        time.sleep(0.05)


def _hash(api: httpx.Client, session_id: str, name: str) -> str:
    link = api.get(f"/storage/{session_id}/downloads/{name}").raise_for_status().json()["url"]
    return hashlib.sha256(httpx.get(link, trust_env=False).raise_for_status().content).hexdigest()


@pytest.mark.parametrize("browser_type", ["chromium", "chrome"])
def test_downloads_of_a_session_are_listed_and_equal_what_was_sent(
    server: Server, site: DownloadSite, browser_type: str
) -> None:
    with server.client() as api:
        session_id = api.post("/sessions/start", json={"browser_type": browser_type}).json()["session_id"]
        act = f"/sessions/{session_id}/page/execute"
        for action in (
            {"type": "goto", "url": site.url()},
            {"type": "click", "selector": "#attachment"},
            {"type": "evaluate_js", "code": "document.getElementById('blob').click()"},
            {"type": "goto", "url": site.url("/report.pdf?seed=pdf")},
        ):
            assert api.post(act, json=action).json()["success"], action
        asked = api.post(act, json={"type": "download_file", "selector": "body"}).json()
        assert asked["success"]
        files = _listed(api, session_id, 3)
        assert api.delete(f"/sessions/{session_id}/stop").status_code == 200
        assert len(files) == 3
        found = {file["name"].partition("-")[2]: _hash(api, session_id, file["name"]) for file in files}
        assert found == {
            "report.csv": sha256(content("attachment")),
            "made.bin": sha256(content("blob")),
            "report.pdf": sha256(b"%PDF-1.4\n" + content("pdf")),
        }
        (pdf,) = (file["name"] for file in files if file["name"].endswith("report.pdf"))
        assert f"It is kept as {pdf!r}." in asked["message"]


@pytest.mark.parametrize("version", clients.SDK_VERSIONS)
def test_the_official_sdks_have_what_their_session_brought(
    version: str, server: Server, site: DownloadSite, tmp_path: Path
) -> None:
    found = clients.run_sdk_script(version, server.url, KEY, "sdk_downloads.py", site.url(), str(tmp_path))
    assert found["sdk"] == version
    # Older clients see a name with the time in front, newer ones the name that the page gave.
    hashes = {name.partition("-")[2] or name: hashed for name, hashed in found["files"].items()}
    assert hashes == {
        "report.csv": sha256(content("attachment")),
        "made.bin": sha256(content("blob")),
        "report.pdf": sha256(b"%PDF-1.4\n" + content("pdf")),
    }
    assert "report.pdf'." in found["asked"]


def test_a_workspace_without_room_loses_the_file_and_nothing_else(site: DownloadSite, tmp_path: Path) -> None:
    settings = {"NOCTULE_EGRESS_ALLOW": "127.0.0.1", "NOCTULE_FILES_QUOTA_GB": "0.0001"}
    server = Server(tmp_path / "data", settings)
    try:
        with server.start().client() as api:
            session_id = api.post("/sessions/start", json={}).json()["session_id"]
            act = f"/sessions/{session_id}/page/execute"
            api.post(act, json={"type": "goto", "url": site.url()})
            for _ in range(3):
                assert api.post(act, json={"type": "click", "selector": "#attachment"}).json()["success"]
            asked = api.post(act, json={"type": "download_file", "selector": "#attachment"}).json()
            assert not asked["success"]
            assert "could not be kept" in asked["exception"]
            assert _listed(api, session_id, 0) == []
            assert api.delete(f"/sessions/{session_id}/stop").json()["status"] == "closed"
        log = server.log.read_text()
        assert log.count("was not kept") == 1
        assert "report.csv" not in log
    finally:
        server.close()


def test_a_file_comes_through_the_sessions_proxy(server: Server, site: DownloadSite) -> None:
    with HttpUpstream("bat", "moth") as upstream, server.client() as api:
        proxy = {"type": "external", "server": upstream.server, "username": "bat", "password": "moth"}
        started = api.post("/sessions/start", json={"proxies": [proxy]})
        session_id = started.raise_for_status().json()["session_id"]
        act = f"/sessions/{session_id}/page/execute"
        for action in ({"type": "goto", "url": site.url()}, {"type": "click", "selector": "#attachment"}):
            assert api.post(act, json=action).json()["success"], action
        (file,) = _listed(api, session_id, 1)
        assert _hash(api, session_id, file["name"]) == sha256(content("attachment"))
        api.delete(f"/sessions/{session_id}/stop")
