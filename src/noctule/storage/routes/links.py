"""``GET /files/{token}/{name}``: what a link leads to, for clients that send no key.

What must always hold: the token alone decides what is served; nothing that was uploaded or downloaded can run as a page
of this server's origin; a client may ask for a part, as players of video do.
"""

from functools import partial
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from noctule.objects.links import PATH
from noctule.storage.routes.serving import send
from noctule.storage.service import LinkedFiles

_HEADERS: Final = {
    # The credential is in the address, so a page of anywhere that knows it may read the file.
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
}


def router(files: LinkedFiles) -> APIRouter:
    """The files that links lead to."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route(PATH + "{token}/{name:path}", methods=["GET", "HEAD"])
    async def file(request: Request, token: str, name: str) -> Response:
        """The file, or the part of it that was asked for."""
        opened = await files.open(token)
        linked = opened.linked
        return await send(
            request,
            partial(files.read, opened),
            opened.size,
            name=linked.name,
            content_type=linked.content_type,
            is_inline=linked.is_inline,
            headers=_HEADERS,
        )

    return routes
