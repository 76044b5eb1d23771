"""The live view through the official SDK, unmodified; runs inside an environment that has only the SDK.

Usage: ``python sdk_viewer.py PAGE_URL`` with the environment of ``tests/support/clients.py``. Prints one JSON object. What
the SDK opens in a browser is read from a program that stands for one.
"""

import json
import os
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp())
OPENED = FOLDER / "opened"
PROGRAM = FOLDER / "browser"
PROGRAM.write_text(f'#!/bin/sh\necho "$1" >> {OPENED}\n')
PROGRAM.chmod(0o755)
os.environ["BROWSER"] = f"{PROGRAM} %s"

from notte_sdk import NotteClient  # noqa: E402
from notte_sdk.websockets.base import WebsocketService  # noqa: E402


def opened() -> str:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if OPENED.exists() and (text := OPENED.read_text()).endswith("\n"):
            OPENED.unlink()
            return text.strip()
        time.sleep(0.05)
    raise TimeoutError("the SDK opened nothing")


def main(page_url: str) -> dict[str, object]:
    result: dict[str, object] = {"sdk": version("notte-sdk")}
    client = NotteClient()
    session = client.Session(max_duration_minutes=5, idle_timeout_minutes=2)
    session.start()
    try:
        session.execute(type="goto", url=page_url)
        session.viewer()
        result["viewer"] = opened()
        session.viewer_browser()
        result["browser"] = opened()
        session.viewer_cdp()
        result["cdp"] = opened()

        info = session.debug_info()
        result["debug_url"] = info.debug_url
        result["ws"] = [info.ws.cdp, info.ws.recording, info.ws.logs]
        result["tabs"] = [[tab.metadata.tab_id, tab.metadata.title, tab.metadata.url] for tab in info.tabs]
        tab = client.sessions.debug_tab_info(session.session_id, tab_idx=0)
        result["tab"] = [tab.metadata.title, tab.debug_url == info.tabs[0].debug_url, tab.ws_url.startswith("ws://")]
        result["offset"] = session.offset()

        pictures: list[bytes] = []
        stream = WebsocketService(wss_url=info.ws.recording, process=pictures.append)
        stream.start()
        deadline = time.monotonic() + 10
        while not pictures and time.monotonic() < deadline:
            time.sleep(0.05)
        stream.stop()
        result["picture"] = bool(pictures) and pictures[0][:2] == b"\xff\xd8"
    finally:
        session.stop()
    result["viewer_url_after"] = session.status().viewer_url
    return result


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
