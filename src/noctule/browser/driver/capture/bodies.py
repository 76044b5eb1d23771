"""The bodies of exchanges, where they are asked for: texts, up to a size, and so much in all.

What must always hold: a body is asked for right when it is there, since the browser forgets it with its page; so many
are asked for at a time, and an exchange whose body does not come is told without it.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from noctule.browser.cdp import CdpConnection, CdpError
from noctule.browser.driver.capture.hops import Hop

MAX_BODY_BYTES = 256 * 1024
MAX_TOTAL_BYTES = 64 * 1024 * 1024
BUFFER_BYTES = 16 * 1024 * 1024
_MAX_ASKED = 16
_SECONDS = 3.0
_TEXTS = ("text/", "application/json", "application/javascript", "application/xml", "application/xhtml", "image/svg")
_TEXT_ENDINGS = ("+json", "+xml")

Given = Callable[[str, dict[str, Any] | None], None]


class Bodies:
    """Asks one browser for bodies; ``given`` gets each that was asked for, or ``None``."""

    def __init__(self, connection: CdpConnection, given: Given) -> None:
        self._connection = connection
        self._given = given
        self._total = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, request_id: str, hop: Hop) -> bool:
        """Whether the body of an exchange that has just ended will come."""
        response = hop.response
        if response is None or hop.content_bytes > MAX_BODY_BYTES or len(self._tasks) >= _MAX_ASKED:
            return False
        kind = response.mime_type.partition(";")[0].strip().lower()
        if not kind.startswith(_TEXTS) and not kind.endswith(_TEXT_ENDINGS):
            return False
        if self._total + hop.content_bytes > MAX_TOTAL_BYTES or not hop.content_bytes:
            return False
        task = asyncio.get_running_loop().create_task(self._fetch(request_id, hop.place.session_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    def close(self) -> None:
        """Wait for no more of them."""
        for task in self._tasks:
            task.cancel()

    async def _fetch(self, request_id: str, session_id: str) -> None:
        body: dict[str, Any] | None = None
        try:
            answer = await self._connection.call(
                "Network.getResponseBody", {"requestId": request_id}, session_id=session_id, timeout_seconds=_SECONDS
            )
            text = str(answer.get("body", ""))
            if len(text) <= MAX_BODY_BYTES * 2:
                body = {"text": text}
                if answer.get("base64Encoded"):
                    body["encoding"] = "base64"
                self._total += len(text)
        except CdpError:
            pass
        self._given(request_id, body)
