"""One session through the official SDK, unmodified; runs inside an environment that has only the SDK.

Usage: ``python sdk_session.py PAGE_URL`` with nothing but ``NOTTE_API_URL`` and ``NOTTE_API_KEY`` set (and
``DISABLE_TELEMETRY=true``; see ``tests/support/clients.py`` for the environment the tests give it). Prints one
JSON object on standard output. The page must be an HTML page with a title.

The SDK has no call for ``GET /usage``, so the last step is plain HTTP with the library that the SDK brings along.
"""

import json
import os
import sys
from importlib.metadata import version

import requests
from notte_sdk import NotteClient

COOKIE = {"name": "flavour", "value": "moth", "domain": "127.0.0.1", "path": "/", "httpOnly": False}


def main(page_url: str) -> dict[str, object]:
    result: dict[str, object] = {"sdk": version("notte-sdk")}
    client = NotteClient()
    session = client.Session(max_duration_minutes=5, idle_timeout_minutes=2)
    session.start()
    try:
        result["session_id"] = session.session_id
        goto = session.execute(type="goto", url=page_url)
        result["goto"] = {"success": goto.success, "message": goto.message}

        # The page over CDP is the very page that execute has just navigated.
        page = session.page
        result["page"] = {
            "url": page.url,
            "title": page.title(),
            "contexts": len(page.context.browser.contexts),
            "pages": len(page.context.pages),
        }
        page.evaluate("document.title = 'renamed over CDP'")
        seen = session.execute(type="evaluate_js", code="document.title")
        result["evaluate_js"] = {"success": seen.success, "text": seen.data.markdown if seen.data else None}

        result["set_cookies"] = session.set_cookies(cookies=[COOKIE]).success
        result["cookies"] = [{"name": c["name"], "value": c["value"]} for c in session.get_cookies()]
        result["document_cookie"] = page.evaluate("document.cookie")

        status = session.status()
        result["status"] = {"session_id": status.session_id, "status": str(status.status)}
        result["offset"] = session.offset()
        result["listed"] = [each.session_id for each in client.sessions.list()]
    finally:
        session.stop()
    result["after_stop"] = str(session.status().status)
    result["listed_after_stop"] = [each.session_id for each in client.sessions.list()]

    reply = requests.get(
        os.environ["NOTTE_API_URL"].rstrip("/") + "/usage",
        headers={"Authorization": "Bearer " + os.environ["NOTTE_API_KEY"]},
        timeout=10,
    )
    reply.raise_for_status()
    result["usage"] = reply.json()
    return result


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
