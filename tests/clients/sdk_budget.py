"""One session through the official SDK until a budget ends it, and what the SDK makes of that.

Usage: ``python sdk_budget.py PAGE_URL`` in the environment of ``sdk_session.py``. Drives the session until it is not
active any more, at most two minutes, then tries to go on and to start another. Prints one JSON object.
"""

import json
import sys
import time
from importlib.metadata import version

from notte_sdk import NotteClient

_LONGEST_SECONDS = 120


def main(page_url: str) -> dict[str, object]:
    result: dict[str, object] = {"sdk": version("notte-sdk")}
    client = NotteClient()
    session = client.Session(max_duration_minutes=5, idle_timeout_minutes=2)
    session.start()
    result["session_id"] = session.session_id
    result["goto"] = session.execute(type="goto", url=page_url).success
    deadline = time.monotonic() + _LONGEST_SECONDS
    while session.status().status == "active" and time.monotonic() < deadline:
        time.sleep(1)
    ended = session.status()
    result["status"] = ended.status
    result["error"] = ended.error
    # The older one does not know of it.
    result["close_reason"] = getattr(ended, "close_reason", None)
    result["execute"] = refusal(lambda: session.execute(type="goto", url=page_url))
    result["start"] = refusal(lambda: client.Session().start())
    session.stop()
    result["after_stop"] = session.status().status
    return result


def refusal(act) -> str | None:
    """What the SDK raises for it, in words."""
    try:
        act()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1]), default=str))
