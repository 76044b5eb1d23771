"""What the tests of replays do with a session, and with its video."""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.pictures import Picture, decode

COLOURS = {"red": "#f00", "green": "#0f0", "blue": "#00f", "yellow": "#ff0"}
MOVING = (
    "<body style='margin:0;background:#fff'><div id=box style='position:absolute;top:0;width:200px;height:200px;"
    "background:#f00'></div><script>let n=0;(function move(){n+=3;box.style.left=(n%900)+'px';"
    "requestAnimationFrame(move)})()</script>"
)


def page_of(colour: str) -> str:
    """A page of one colour, with a black square 200 pixels wide in its upper left corner."""
    square = "<div style='position:absolute;left:0;top:0;width:200px;height:200px;background:#000'></div>"
    return f"<title>{colour}</title><body style='margin:0;background:{COLOURS[colour]}'>{square}"


@dataclass(frozen=True)
class Film:
    """What ffprobe tells of a video."""

    codec: str
    pixel_format: str
    width: int
    height: int
    duration_seconds: float
    times: tuple[float, ...]


def start(client: httpx.Client, headers: dict[str, str] | None = None, **wish: object) -> str:
    """Start a session; answers its id."""
    answer = client.post("/sessions/start", json=wish, headers=headers)
    assert answer.status_code == 200, answer.text
    session_id: str = answer.json()["session_id"]
    return session_id


def execute(client: httpx.Client, session_id: str, **action: object) -> None:
    """Carry out an action, which must succeed."""
    answer = client.post(f"/sessions/{session_id}/page/execute", json=action)
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"], answer.text


def stop(client: httpx.Client, session_id: str) -> dict[str, Any]:
    """Stop a session; what was answered."""
    answer = client.delete(f"/sessions/{session_id}/stop")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def replay(client: httpx.Client, session_id: str, timeout_seconds: float = 30.0) -> dict[str, Any]:
    """The replay, once it is ready."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        answer = client.get(f"/sessions/{session_id}/replay")
        if answer.status_code == 200:
            body: dict[str, Any] = answer.json()
            return body
        assert answer.status_code == 404, answer.text
        assert "not ready" in answer.text, answer.text
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)


def download(found: dict[str, Any], folder: Path, name: str = "video.mp4") -> Path:
    """The MP4 of a replay, fetched as a stranger would who has nothing but the address."""
    answer = httpx.get(found["mp4_url"], timeout=30, trust_env=False)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "video/mp4"
    path = folder / name
    path.write_bytes(answer.content)
    return path


def probe(video: Path, *options: str) -> Film:
    """What ffprobe tells; it must have nothing to complain about."""
    entries = "stream=codec_name,pix_fmt,width,height:format=duration:packet=pts_time"
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", "-show_entries", entries, *options, str(video)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert not done.stderr, done.stderr.decode()
    told = json.loads(done.stdout)
    (stream,) = told["streams"]
    times = tuple(float(packet["pts_time"]) for packet in told["packets"])
    duration = float(told["format"]["duration"])
    return Film(stream["codec_name"], stream["pix_fmt"], stream["width"], stream["height"], duration, times)


def boxes(mp4: Path) -> list[str]:
    """The names of an MP4's boxes, in their order (ISO/IEC 14496-12, 4.2)."""
    content, names, at = mp4.read_bytes(), [], 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        names.append(content[at + 4 : at + 8].decode())
        at += size if size > 1 else int.from_bytes(content[at + 8 : at + 16], "big")
    return names


def shown(video: Path, at_seconds: float) -> Picture:
    """What a video shows at that time: the last picture that was there by then."""
    last = max(time for time in probe(video).times if time <= at_seconds)
    return decode(video, width=1280, height=1080, at_seconds=max(0.0, last - 0.001))
