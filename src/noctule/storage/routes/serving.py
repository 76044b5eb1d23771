"""Sending a file: whole or a part (RFC 9110, section 14), and never as a page of this server's origin."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_HEADERS: Final = {
    "accept-ranges": "bytes",
    "cache-control": "private, max-age=0",
    "content-security-policy": "sandbox; default-src 'none'; media-src 'self'; img-src 'self'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

Read = Callable[[int, int], Awaitable[AsyncIterator[bytes]]]
"""The bytes from a start to before an end."""


async def send(
    request: Request,
    read: Read,
    size: int,
    *,
    name: str,
    content_type: str,
    is_inline: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The reply to a request for a file."""
    kind = "inline" if is_inline else "attachment"
    told = {
        **_HEADERS,
        **(headers or {}),
        "content-type": content_type,
        "content-disposition": f"{kind}; {_file_name(name)}",
    }
    part = _part(request.headers.get("range"), size)
    if part is None:
        return Response(status_code=416, headers={**told, "content-range": f"bytes */{size}"})
    start, end, is_part = part
    told["content-length"] = str(end - start)
    if is_part:
        told["content-range"] = f"bytes {start}-{end - 1}/{size}"
    status = 206 if is_part else 200
    if request.method == "HEAD" or start == end:
        return Response(status_code=status, headers=told)
    return StreamingResponse(await read(start, end), status_code=status, headers=told)


def _part(header: str | None, size: int) -> tuple[int, int, bool] | None:
    """Start, end (exclusive) and whether it is a part; ``None`` for a part that is not there. More than one part is
    answered with the whole file, as is what cannot be understood."""
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or not any(match.groups()):
        return 0, size, False
    first, last = match.groups()
    if not first:
        wanted = min(int(last), size)
        return (size - wanted, size, True) if wanted else None
    start, end = int(first), min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return 0, size, False
    return (start, end, True) if start < size else None


def _file_name(name: str) -> str:
    """RFC 6266: a name in plain ASCII for old clients, and the real one."""
    plain = "".join(sign if " " <= sign <= "~" and sign not in '"\\%' else "_" for sign in name)
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
