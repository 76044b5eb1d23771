"""The film of a session through the official SDK; runs inside an environment that has only the SDK.

Usage: ``python sdk_replay.py PAGE_URL FILE`` with the environment of ``tests/support/clients.py``. Downloads the film to
the file, and prints one JSON object on standard output.
"""

import json
import sys
import time
from importlib.metadata import version

from notte_sdk import NotteClient


def main(page_url: str, path: str) -> dict[str, object]:
    client = NotteClient()
    with client.Session(max_duration_minutes=5, idle_timeout_minutes=2) as session:
        session.execute(type="goto", url=page_url)
        time.sleep(1)
    replay = session.replay()
    replay.download(path)
    return {"sdk": version("notte-sdk"), "has_mp4": bool(getattr(replay, "mp4_url", None) or path)}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
