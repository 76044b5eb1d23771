"""Films of sessions that do not go on quietly, and films that there are not."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from playwright.sync_api import sync_playwright
from websockets.sync.client import connect

from tests.e2e.replay_stage import MOVING, download, execute, page_of, probe, replay, shown, start, stop
from tests.support.clients import SDK_VERSIONS, run_sdk_script
from tests.support.origin import Origin
from tests.support.pictures import colour
from tests.support.server import KEY, Server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(origin: Origin) -> str:
    """Pages of one colour each, and one that never stands still."""
    for name in ("red", "green", "blue", "yellow"):
        origin.page(f"/{name}", page_of(name))
    origin.page("/moving", MOVING)
    return f"http://127.0.0.1:{origin.port}"


@pytest.fixture
def own(tmp_path: Path, origin: Origin) -> Iterator[Server]:
    """A server of the test's own, that it may kill."""
    server = Server(tmp_path / "own" / "data", {"NOCTULE_EGRESS_ALLOW": f"127.0.0.1:{origin.port}"})
    server.data_dir.parent.mkdir()
    try:
        yield server
    finally:
        server.close()


def test_a_film_survives_the_death_of_the_server(own: Server, site: str, tmp_path: Path) -> None:
    client = own.start().client()
    session_id = start(client)
    execute(client, session_id, type="goto", url=f"{site}/moving")
    time.sleep(11)
    execute(client, session_id, type="goto", url=f"{site}/blue")
    time.sleep(1)
    killed_at = time.time()
    encoders = [child.pid for child in own.process.children() if child.name() == "ffmpeg"]
    own.kill()
    client = own.start().client()
    found = replay(client, session_id)
    film = download(found, tmp_path)
    told = probe(film)
    assert told.codec == "h264"
    # Up to the last picture: the page turned blue a second before, and has not changed since.
    assert killed_at - found["video_start_ms"] / 1000 - told.times[-1] < 1.5
    assert colour(shown(film, told.times[-1]), 600, 600) == "b"
    assert len(told.times) > 20
    assert not any(psutil.pid_exists(pid) for pid in encoders)
    assert list((own.data_dir / "recordings").iterdir()) == []


def test_a_film_follows_tabs_of_every_kind_of_client(server: Server, site: str, tmp_path: Path) -> None:
    client = server.client()
    answer = client.post("/sessions/start", json={}).json()
    session_id, turns = answer["session_id"], {}
    execute(client, session_id, type="goto", url=f"{site}/red")
    turns["r"] = time.time()
    time.sleep(1.2)
    execute(client, session_id, type="goto_new_tab", url=f"{site}/green")
    turns["g"] = time.time()
    time.sleep(1.2)
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(answer["cdp_url"])
        page = browser.contexts[0].new_page()
        page.goto(f"{site}/blue")
        turns["b"] = time.time()
        time.sleep(1.2)
        page.close()
        browser.close()
    stop(client, session_id)
    found = replay(client, session_id)
    film = download(found, tmp_path)
    for name, turned_at in turns.items():
        assert colour(shown(film, turned_at + 0.8 - found["video_start_ms"] / 1000), 600, 600) == name


def test_a_film_has_one_size_whatever_the_page_does(server: Server, site: str, tmp_path: Path) -> None:
    client = server.client()
    answer = client.post("/sessions/start", json={"viewport_width": 801, "viewport_height": 601}).json()
    session_id = answer["session_id"]
    execute(client, session_id, type="goto", url=f"{site}/red")
    time.sleep(1)
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(answer["cdp_url"])
        page = browser.contexts[0].pages[0]
        page.set_viewport_size({"width": 400, "height": 900})
        page.goto(f"{site}/green")
        time.sleep(1.5)
        browser.close()
    stop(client, session_id)
    film = download(replay(client, session_id), tmp_path)
    told = probe(film)
    assert (told.width, told.height) == (800, 600)
    # What was tall stands in the middle, and left and right of it is nothing, until the client goes that set the size.
    pictures = [shown(film, at) for at in told.times]
    seen = [tuple(colour(picture, *at) for at in ((640, 800), (100, 540), (1180, 540))) for picture in pictures]
    assert ("g", "", "") in seen


def test_a_film_goes_on_after_a_page_crashed(server: Server, site: str, tmp_path: Path) -> None:
    client = server.client()
    answer = client.post("/sessions/start", json={}).json()
    session_id = answer["session_id"]
    execute(client, session_id, type="goto", url=f"{site}/red")
    time.sleep(0.8)
    with connect(answer["cdp_url"]) as socket:

        def call(number: int, method: str, session: str | None = None, **params: object) -> None:
            message = {"id": number, "method": method, "params": params}
            socket.send(json.dumps(message | ({"sessionId": session} if session else {})))

        def answered(number: int) -> dict[str, Any]:
            while (said := json.loads(socket.recv(timeout=10))).get("id") != number:
                pass
            result: dict[str, Any] = said["result"]
            return result

        call(1, "Target.getTargets")
        target_id = next(target["targetId"] for target in answered(1)["targetInfos"] if target["type"] == "page")
        call(2, "Target.attachToTarget", targetId=target_id, flatten=True)
        call(3, "Page.crash", answered(2)["sessionId"])
        time.sleep(0.5)
    execute(client, session_id, type="goto", url=f"{site}/blue")
    time.sleep(1.5)
    stop(client, session_id)
    film = download(replay(client, session_id), tmp_path)
    assert colour(shown(film, probe(film).times[-1]), 600, 600) == "b"


def test_a_browser_that_dies_leaves_the_film_up_to_then(server: Server, site: str, tmp_path: Path) -> None:
    client = server.client()
    session_id = start(client)
    execute(client, session_id, type="goto", url=f"{site}/red")
    time.sleep(1.5)
    for pid in server.browsers():
        os.kill(pid, signal.SIGKILL)
    film = download(_once_over(client, session_id), tmp_path)
    assert colour(shown(film, probe(film).times[-1]), 600, 600) == "r"


def _once_over(client: httpx.Client, session_id: str) -> dict[str, object]:
    deadline = time.monotonic() + 20
    while client.get(f"/sessions/{session_id}").json()["status"] == "active" and time.monotonic() < deadline:
        time.sleep(0.1)
    return replay(client, session_id)


def test_who_asks_for_no_film_gets_none_and_is_told_so_at_once(server: Server, site: str) -> None:
    client = server.client()
    session_id = start(client, {"x-noctule-record": "off"})
    execute(client, session_id, type="goto", url=f"{site}/red")
    stop(client, session_id)
    answer = client.get(f"/sessions/{session_id}/replay")
    assert answer.status_code == 200
    assert answer.json()["mp4_url"] is None
    assert answer.json()["expires_at"]
    refused = client.post("/sessions/start", json={}, headers={"x-noctule-record": "perhaps"})
    assert refused.status_code == 422
    assert "'on' or 'off'" in refused.text


def test_a_server_that_records_nothing_records_who_asks(own: Server, site: str, tmp_path: Path) -> None:
    client = own.start({"NOCTULE_RECORDING": "false"}).client()
    session_id = start(client)
    stop(client, session_id)
    assert client.get(f"/sessions/{session_id}/replay").json()["mp4_url"] is None
    session_id = start(client, {"x-noctule-record": "on"})
    execute(client, session_id, type="goto", url=f"{site}/red")
    time.sleep(0.8)
    stop(client, session_id)
    assert probe(download(replay(client, session_id), tmp_path)).codec == "h264"


def test_a_server_without_ffmpeg_says_so_and_records_nothing(own: Server) -> None:
    client = own.start({"NOCTULE_FFMPEG_PATH": "/nowhere/ffmpeg"}).client()
    assert own.tail().count("sessions are not recorded: NOCTULE_FFMPEG_PATH names /nowhere/ffmpeg") == 1
    session_id = start(client)
    stop(client, session_id)
    assert client.get(f"/sessions/{session_id}/replay").json()["mp4_url"] is None
    refused = client.post("/sessions/start", json={}, headers={"x-noctule-record": "on"})
    assert refused.status_code == 422
    assert "cannot record" in refused.text


def test_a_film_is_its_workspaces_alone(server: Server, site: str) -> None:
    client = server.client()
    session_id = start(client)
    execute(client, session_id, type="goto", url=f"{site}/red")
    time.sleep(0.5)
    stop(client, session_id)
    replay(client, session_id)
    server.noctule("workspaces", "create", "stranger of replays")
    stranger = server.client(server.noctule("keys", "create", "--workspace", "stranger of replays").stdout.strip())
    for path in ("replay", "replay/mouse"):
        assert stranger.get(f"/sessions/{session_id}/{path}").status_code == 404
    assert client.get(f"/sessions/{session_id}/replay/mouse").json() == {
        "mouse_manifest_url": None,
        "mouse_chunk_urls": None,
        "mouse_next_offset": None,
    }


def test_very_old_clients_get_the_video_itself(server: Server, site: str, tmp_path: Path) -> None:
    client = server.client()
    session_id = start(client)
    execute(client, session_id, type="goto", url=f"{site}/red")
    time.sleep(0.8)
    stop(client, session_id)
    replay(client, session_id)
    answer = client.get(f"/sessions/{session_id}/replay", headers={"x-notte-sdk-version": "1.8.9"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    path = tmp_path / "old.mp4"
    path.write_bytes(answer.content)
    assert probe(path).codec == "h264"


@pytest.mark.parametrize("version", SDK_VERSIONS)
def test_the_sdk_downloads_the_film(version: str, server: Server, site: str, tmp_path: Path) -> None:
    path = tmp_path / "sdk.mp4"
    seen = run_sdk_script(version, server.url, KEY, "sdk_replay.py", f"{site}/red", str(path))
    assert seen["sdk"] == version
    assert seen["has_mp4"]
    assert colour(shown(path, probe(path).times[-1]), 600, 600) == "r"
