"""What the official SDK makes of data that could not be extracted; runs like ``sdk_scrape.py`` where there is no model.

Usage: ``python sdk_scrape_failing.py PAGE_URL``.
"""

import json
import sys
from typing import Any

from notte_sdk import NotteClient


def main(page: str) -> dict[str, Any]:
    """The error raised, and the one that was not."""
    seen: dict[str, Any] = {}
    client = NotteClient()
    with client.Session(max_duration_minutes=5, idle_timeout_minutes=2) as session:
        session.execute(type="goto", url=page)
        try:
            session.scrape(instructions="Anything")
        except Exception as error:
            seen["raised"] = {"is": type(error).__name__, "says": str(error)}
        found = session.scrape(instructions="Anything", raise_on_failure=False)
        seen["returned"] = {"success": found.success, "error": found.error, "data": found.data}
    return seen


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
