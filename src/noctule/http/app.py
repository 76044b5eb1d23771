"""The FastAPI application: the tags' routers behind the gate, and every error in the one shape."""

from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, Response
from starlette.routing import Match
from starlette.websockets import WebSocket, WebSocketState

from noctule import API_VERSION
from noctule.http.gate import Gate, Gatekeeping
from noctule.http.reference import ICON, page
from noctule.http.replies import error_reply, reply_to
from noctule.http.validation import described
from noctule.kit.errors import NoctuleError
from noctule.kit.openapi import Application
from noctule.settings import Settings

_DESCRIPTION = (
    "Noctule is the browser cloud you run yourself: real browsers behind the Notte REST API, every minute and byte "
    "metered. Send `Authorization: Bearer <key>`; `noctule keys create` makes a key."
)
_TAGS = {
    "sessions": "Browser sessions: start, watch, stop, cookies.",
    "page": "What a session's page does: execute an action, take a picture.",
    "storage": "Files: given to sessions, and brought by them.",
    "usage": "What was used and what it cost.",
    "webhooks": "Signed messages to one's own servers: credit and budgets that are spent, sessions that ended.",
    "operator": "Every workspace, its plan and its credit; with a key of the operator's scope.",
    "debug": "Live view, DevTools and streams of a session.",
    "health": "Whether the server lives and is ready.",
}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def build_app(*, settings: Settings, routers: Sequence[APIRouter], gate: Gatekeeping) -> FastAPI:
    """The application. ``settings.public_url`` stands for the address that clients use, if it is set."""
    used = {tag for router in routers for tag in router.tags}
    app = Application(
        title="Noctule",
        version=API_VERSION,
        description=_DESCRIPTION,
        openapi_tags=[{"name": name, "description": text} for name, text in _TAGS.items() if name in used],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # The gate has taken the slash away already; a redirect would lose bodies and headers on the way.
        redirect_slashes=False,
        # A body without a type is JSON: nothing else is spoken here.
        strict_content_type=False,
    )
    for router in routers:
        app.include_router(router)
    app.include_router(_own_routes(app))
    app.add_exception_handler(NoctuleError, _on_our_error)
    app.add_exception_handler(RequestValidationError, _on_bad_payload)
    app.add_exception_handler(WebSocketRequestValidationError, _on_bad_payload)
    app.add_exception_handler(HTTPException, _on_framework_error)
    app.add_middleware(Gate, keeping=gate, public_url=settings.public_url)
    return app


def _own_routes(app: FastAPI) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    made: dict[str, bytes] = {}

    @routes.get("/openapi.json")
    async def openapi() -> Response:
        if "openapi" not in made:
            made["openapi"] = msgspec.json.encode(app.openapi())
        return Response(made["openapi"], media_type="application/json")

    @routes.get("/docs")
    async def docs() -> Response:
        if "docs" not in made:
            made["docs"] = page(app.openapi()).encode()
        headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'"}
        return HTMLResponse(made["docs"], headers=headers)

    @routes.get("/favicon.ico")
    async def icon() -> Response:
        return Response(ICON, media_type="image/svg+xml", headers={"cache-control": "max-age=86400"})

    return routes


async def _on_our_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, NoctuleError)
    reply = reply_to(error, request.scope["path"])
    await _deny(request, reply)
    return reply


async def _on_bad_payload(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError | WebSocketRequestValidationError)
    message, detail = described(error.errors())
    reply = error_reply(422, message, request.scope["path"], detail)
    await _deny(request, reply)
    return reply


async def _deny(connection: HTTPConnection, reply: Response) -> None:
    """Answer a websocket that was not accepted yet as its request would have been answered."""
    if isinstance(connection, WebSocket) and connection.application_state is WebSocketState.CONNECTING:
        await connection.send_denial_response(reply)


async def _on_framework_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path: str = request.scope["path"]
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return error_reply(404, f"There is nothing at {path} on this server.", path)
    if error.status_code == 405:
        allowed = ", ".join(_allowed_methods(request))
        return error_reply(
            405, f"{request.method} is not possible here; {allowed} is.", path, headers={"allow": allowed}
        )
    if error.status_code == 400 and isinstance(error.__cause__, ValueError | RecursionError):
        return error_reply(422, "body: it cannot be read as what its Content-Type says", path)
    return error_reply(error.status_code, str(error.detail), path, headers=headers)


def _allowed_methods(request: Request) -> list[str]:
    app: Any = request.app

    def serves(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in app.router.routes)

    return [method for method in _METHODS if serves(method)]
