"""The routes of the debug tag: where a session is looked at, the viewer's page, DevTools, and the streams."""

from fastapi import APIRouter

from noctule.debug.routes import devtools, links, pages, sockets
from noctule.debug.service import DebugService


def router(service: DebugService) -> APIRouter:
    """The debug tag over ``service``."""
    routes = APIRouter(tags=["sessions", "debug"])
    links.add(routes, service)
    hidden = APIRouter(include_in_schema=False)
    sockets.add(hidden, service)
    pages.add(hidden, service)
    devtools.add(hidden, service)
    routes.include_router(hidden)
    return routes
