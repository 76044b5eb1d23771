"""Sessions are filmed, and their films show what was to be seen, when it was to be seen."""

import time
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import sync_playwright

from noctule.browser import binaries
from tests.e2e.replay_stage import (
    MOVING,
    boxes,
    download,
    execute,
    page_of,
    probe,
    replay,
    shown,
    start,
    stop,
)
from tests.support.origin import Origin
from tests.support.pictures import colour
from tests.support.server import Server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(origin: Origin) -> str:
    """Pages of one colour each, and one that never stands still."""
    for name in ("red", "green", "blue", "yellow"):
        origin.page(f"/{name}", page_of(name))
    origin.page("/moving", MOVING)
    return f"http://127.0.0.1:{origin.port}"


def test_a_film_is_as_long_as_its_session_and_shows_its_pages_in_their_time(
    server: Server, site: str, tmp_path: Path
) -> None:
    client = server.client()
    began = time.time()
    session_id = start(client)
    turns = {}
    for name in ("red", "green", "blue"):
        execute(client, session_id, type="goto", url=f"{site}/{name}")
        turns[name] = time.time()
        time.sleep(2)
    assert client.get(f"/sessions/{session_id}/replay").status_code == 404
    assert "still active" in client.get(f"/sessions/{session_id}/replay").text
    stop(client, session_id)
    lived = time.time() - began

    found = replay(client, session_id)
    film = download(found, tmp_path)
    told = probe(film)
    assert (told.codec, told.pixel_format, told.width, told.height) == ("h264", "yuv420p", 1280, 1080)
    assert told.duration_seconds == pytest.approx(lived, rel=0.05)
    assert found["video_duration_ms"] / 1000 == pytest.approx(told.duration_seconds, abs=0.1)
    assert found["video_start_ms"] / 1000 == pytest.approx(began, abs=1)
    order = boxes(film)
    assert order.index("moov") < order.index("mdat")
    for name, turned_at in turns.items():
        picture = shown(film, turned_at + 0.8 - found["video_start_ms"] / 1000)
        assert colour(picture, 600, 600) == name[0]
        assert (colour(picture, 195, 195), colour(picture, 206, 206)) == ("", name[0])


def test_the_playlist_leads_to_the_same_film(server: Server, site: str, tmp_path: Path) -> None:
    client = server.client()
    session_id = start(client)
    execute(client, session_id, type="goto", url=f"{site}/moving")
    time.sleep(11)
    stop(client, session_id)
    found = replay(client, session_id)
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(found["playlist_content"])
    lines = found["playlist_content"].splitlines()
    assert lines[0] == "#EXTM3U"
    assert lines[-1] == "#EXT-X-ENDLIST"
    assert sum(line.startswith("#EXTINF") for line in lines) >= 2
    assert all(line.startswith((f"{server.url}/files/", "#")) for line in lines)
    parts = [float(line[8:].rstrip(",")) for line in lines if line.startswith("#EXTINF")]
    assert sum(parts) == pytest.approx(found["video_duration_ms"] / 1000, abs=0.01)
    part = httpx.get(found["mp4_url"], headers={"range": "bytes=0-99"}, trust_env=False)
    assert (part.status_code, len(part.content)) == (206, 100)
    whole, streamed = probe(download(found, tmp_path)), probe(playlist, "-protocol_whitelist", "file,http,tcp")
    assert len(streamed.times) == len(whole.times) > 20
    assert streamed.duration_seconds == pytest.approx(whole.duration_seconds, abs=0.2)


def test_a_film_plays_and_seeks_in_a_browser(server: Server, site: str, origin: Origin) -> None:
    client = server.client()
    session_id = start(client)
    for name in ("red", "green", "blue", "yellow"):
        execute(client, session_id, type="goto", url=f"{site}/{name}")
        time.sleep(1.5)
    stop(client, session_id)
    found = replay(client, session_id)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binaries.find().chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 640, "height": 540})
        origin.page("/film.m3u8", found["playlist_content"], "application/vnd.apple.mpegurl")
        origin.page("/film.html", _PLAYER)
        for film in (found["mp4_url"], f"{site}/film.m3u8"):
            page.goto(f"{site}/film.html")
            told = page.evaluate(_PLAY, {"url": film, "ends": found["video_duration_ms"] / 1000})
            assert told["duration"] == pytest.approx(found["video_duration_ms"] / 1000, abs=0.2)
            assert told["size"] == [1280, 1080]
            assert told["end"][:3] == pytest.approx([255, 255, 0], abs=40)
            assert told["played"] > 0.3
        # Opened by itself, as a person does with a link.
        page.goto(found["mp4_url"])
        page.wait_for_function("() => document.querySelector('video')?.readyState >= 2")
        browser.close()


_PLAYER = "<body style='margin:0'><video muted style='width:640px;height:540px'></video>"
_PLAY = """async ({ url, ends }) => {
    const video = document.querySelector("video");
    const happens = name => new Promise((resolve, reject) => {
        video.addEventListener(name, resolve, { once: true });
        video.addEventListener("error", () => reject(new Error(video.error.message)), { once: true });
    });
    video.crossOrigin = "anonymous";
    video.src = url;
    await happens("loadeddata");
    await video.play();
    await new Promise(resolve => setTimeout(resolve, 1000));
    const played = video.currentTime;
    video.pause();
    const sought = happens("seeked");
    video.currentTime = ends - 0.3;
    await sought;
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0);
    const end = Array.from(context.getImageData(600, 600, 1, 1).data);
    return { played, duration: video.duration, size: [video.videoWidth, video.videoHeight], end };
}"""
