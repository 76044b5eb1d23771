"""Chromium's own DevTools front end, as a browser serves it on its DevTools port: files, and nothing else of that port.

What must always hold: only names that look like files of the front end are asked for, so that nothing else that listens
there (the list of targets, the making and closing of tabs) can be reached; an answer is bounded in size and time.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from noctule.browser.door import Door

START_PAGE: Final = "inspector.html"

_TIMEOUT_SECONDS = 10.0
_LARGEST_HEAD_BYTES = 16 * 1024
_LARGEST_FILE_BYTES = 32 * 1024 * 1024
_PATH: Final = re.compile(r"(?:[A-Za-z0-9_@-][A-Za-z0-9_.@-]*/){0,8}[A-Za-z0-9_@-][A-Za-z0-9_.@-]*")
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "avif": "image/avif",
    "webp": "image/webp",
    "gif": "image/gif",
    "wasm": "application/wasm",
    "woff2": "font/woff2",
    "md": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Resource:
    """A file of the front end."""

    content_type: str
    body: bytes


async def fetch(door: Door, path: str) -> Resource | None:
    """The file of that path below the front end's folder; ``None`` where there is none.

    Raises ``OSError`` (``TimeoutError`` is one) if the browser does not answer.
    """
    content_type = _TYPES.get(path.rpartition(".")[2])
    if content_type is None or len(path) > 256 or _PATH.fullmatch(path) is None:
        return None
    async with asyncio.timeout(_TIMEOUT_SECONDS):
        reader, writer = await asyncio.open_connection(door.host, door.port, limit=_LARGEST_HEAD_BYTES)
        try:
            request = f"GET /devtools/{path} HTTP/1.1\r\nHost: {door.host}:{door.port}\r\nConnection: close\r\n\r\n"
            writer.write(request.encode("ascii"))
            body = await _answer(reader)
        finally:
            writer.transport.abort()
    return None if body is None else Resource(content_type, body)


async def _answer(reader: asyncio.StreamReader) -> bytes | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        if " 200 " not in f"{status} ":
            return None
        sizes = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("content-length:")]
        if len(sizes) != 1 or not sizes[0].isdigit() or int(sizes[0]) > _LARGEST_FILE_BYTES:
            raise ConnectionError("the browser's answer has no size, or too large a one")
        # A file that it does not have is an empty one.
        return await reader.readexactly(int(sizes[0])) or None
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise ConnectionError(f"the browser's answer is not complete: {error}") from None
