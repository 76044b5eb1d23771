"""``GET /devtools/{token}/…``: Chromium's own DevTools, served from the session's browser.

What must always hold: the token decides whose browser is asked; what is served is a file of the browser's own program,
and runs under a policy that lets it speak to this server alone.
"""

from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from noctule.debug.service import DebugService

_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data:; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'none'; form-action 'none'"
    ),
    # The address holds the token, so nobody else may keep the file.
    "cache-control": "private, max-age=3600",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def add(routes: APIRouter, service: DebugService) -> None:
    """Add it."""

    @routes.get("/devtools/{token}/{path:path}")
    async def front_end(token: str, path: str) -> Response:
        """A file of DevTools."""
        found = await service.front_end(token, path)
        return Response(found.body, headers={**_HEADERS, "content-type": found.content_type})
