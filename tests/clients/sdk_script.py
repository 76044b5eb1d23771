"""``python sdk_script.py SITE_URL``: has the script of a session from the official SDK that is installed.

The API's address and key are in ``NOTTE_API_URL`` and ``NOTTE_API_KEY``, as for any user. Older clients have no call
for it, and ask for it by hand. Prints one JSON object on standard output.
"""

import json
import os
import sys
import urllib.request
from importlib.metadata import version
from typing import Any

from notte_sdk import NotteClient


def main(site: str) -> dict[str, Any]:
    client = NotteClient()
    with client.Session(max_duration_minutes=5, idle_timeout_minutes=2) as session:
        session.execute(type="goto", url=f"{site}controls.html")
        session.execute(type="fill", selector="#email", value="ada@x.example")
        found = script_of(client, session.session_id)
    return {"sdk": version("notte-sdk"), **found}


def script_of(client: Any, session_id: str) -> dict[str, Any]:
    """The script and the actions."""
    if hasattr(client.sessions, "get_session_script"):
        code = client.sessions.get_session_script(session_id, as_workflow=True)
        return {"script": code.python_script, "actions": code.json_actions}
    url = f"{os.environ['NOTTE_API_URL']}/sessions/{session_id}/workflow/code?as_workflow=true"
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {os.environ['NOTTE_API_KEY']}"})
    with urllib.request.urlopen(asked, timeout=20) as reply:
        code = json.load(reply)
    return {"script": code["python_script"], "actions": code["json_actions"]}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
