"""``python sdk_network.py PAGE_URL``: a session's network logs with the official SDK that is installed.

The newer SDK has a call for them; with the older one it is plain HTTP, with the library that the SDK brings along.
Prints one JSON object: the files as the client has them while the session lives and after it, and all exchanges.
"""

import json
import os
import sys
from typing import Any

import requests
from notte_sdk import NotteClient


def network_logs(client: NotteClient, session_id: str) -> Any:
    """The files, by the client's own way where it has one."""
    if hasattr(client.sessions, "network_logs"):
        return client.sessions.network_logs(session_id, limit=100, download=True).model_dump()
    root = os.environ["NOTTE_API_URL"].rstrip("/")
    headers = {"Authorization": "Bearer " + os.environ["NOTTE_API_KEY"]}
    query = {"limit": "100", "download": "True"}
    reply = requests.get(f"{root}/sessions/{session_id}/network/logs", headers=headers, params=query, timeout=10)
    reply.raise_for_status()
    return reply.json()


def main(page_url: str) -> dict[str, Any]:
    """Go to the page and read what was exchanged."""
    client = NotteClient()
    session = client.Session(max_duration_minutes=5, idle_timeout_minutes=2)
    session.start()
    try:
        assert session.execute(type="goto", url=page_url).success
        live = network_logs(client, session.session_id)
    finally:
        session.stop()
    after = network_logs(client, session.session_id)
    lines = [
        line
        for batch in after["batches"]
        for line in requests.get(batch["download_url"], timeout=10).text.splitlines()
    ]
    return {"live": live, "after": after, "exchanges": [json.loads(line) for line in lines]}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1]), default=str))
