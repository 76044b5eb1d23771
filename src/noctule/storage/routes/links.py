"""``GET /files/{token}/{name}``: what a link leads to, for clients that send no key.

What must always hold: the token alone decides what is served; nothing that was uploaded or downloaded can run as a page
of this server's origin; a client may ask for a part (RFC 9110, section 14), as players of video do.
"""

import re
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from noctule.objects.links import PATH, Linked
from noctule.storage.service import LinkedFiles

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_HEADERS: Final = {
    "accept-ranges": "bytes",
    # The credential is in the address, so a page of anywhere that knows it may read the file.
    "access-control-allow-origin": "*",
    "cache-control": "private, max-age=0",
    "content-security-policy": "sandbox; default-src 'none'; media-src 'self'; img-src 'self'",
    "cross-origin-resource-policy": "cross-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def router(files: LinkedFiles) -> APIRouter:
    """The files that links lead to."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route(PATH + "{token}/{name:path}", methods=["GET", "HEAD"])
    async def file(request: Request, token: str, name: str) -> Response:
        """The file, or the part of it that was asked for."""
        opened = await files.open(token)
        linked, size = opened.linked, opened.size
        headers = {**_HEADERS, "content-type": linked.content_type, "content-disposition": _disposition(linked)}
        part = _part(request.headers.get("range"), size)
        if part is None:
            return Response(status_code=416, headers={**headers, "content-range": f"bytes */{size}"})
        start, end, is_part = part
        headers["content-length"] = str(end - start)
        if is_part:
            headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
        status = 206 if is_part else 200
        if request.method == "HEAD" or start == end:
            return Response(status_code=status, headers=headers)
        return StreamingResponse(await files.read(opened, start, end), status_code=status, headers=headers)

    return routes


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


def _disposition(linked: Linked) -> str:
    """RFC 6266: a name in plain ASCII for old clients, and the real one."""
    kind = "inline" if linked.is_inline else "attachment"
    plain = "".join(sign if " " <= sign <= "~" and sign not in '"\\%' else "_" for sign in linked.name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(linked.name, safe='')}"
