"""Files that the browser loads for us, as the page of a tab would: its cookies, its headers and its way out count.

What must always hold: no more is read than was asked for, and what was begun is closed.
"""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from noctule.browser.commands import CommandFailed
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.tab import Tab

_READ_BYTES = 1024 * 1024
_MAX_URL_CHARACTERS = 200


class Incoming:
    """A file whose headers are here; their names are in small letters."""

    def __init__(self, tab: Tab, stream: str, headers: dict[str, str]) -> None:
        self.headers = headers
        self._tab = tab
        self._stream = stream

    async def read(self, most_bytes: int, deadline: Deadline) -> bytes:
        """All of it. Raises ``CommandFailed`` if it is larger than that, ``CdpError``."""
        content = bytearray()
        while True:
            part: dict[str, Any] = await self._tab.call(
                "IO.read", {"handle": self._stream, "size": _READ_BYTES}, timeout_seconds=deadline.left_seconds
            )
            data = part.get("data", "")
            content += base64.b64decode(data) if part.get("base64Encoded") else data.encode()
            if len(content) > most_bytes:
                raise too_large(most_bytes)
            if part.get("eof"):
                return bytes(content)


@asynccontextmanager
async def load(tab: Tab, url: str, deadline: Deadline, *, failure_kind: str) -> AsyncIterator[Incoming]:
    """Ask for an HTTP address. Raises ``CommandFailed`` of that kind where no file came, ``CdpError``."""
    answer = await tab.call(
        "Network.loadNetworkResource",
        {"frameId": tab.target_id, "url": url, "options": {"disableCache": False, "includeCredentials": True}},
        timeout_seconds=deadline.left_seconds,
    )
    resource = answer["resource"]
    if not resource.get("success") or "stream" not in resource:
        reason = resource.get("netErrorName") or f"status {int(resource.get('httpStatusCode', 0))}"
        raise CommandFailed(failure_kind, f"The file at {url[:_MAX_URL_CHARACTERS]} could not be loaded: {reason}")
    headers = {name.lower(): str(value) for name, value in resource.get("headers", {}).items()}
    try:
        yield Incoming(tab, resource["stream"], headers)
    finally:
        tab.post("IO.close", {"handle": resource["stream"]})


def too_large(most_bytes: int) -> CommandFailed:
    """The failure for a file beyond a bound."""
    return CommandFailed("ActionExecutionError", f"The file is larger than {most_bytes // 1024**2} MiB")
