"""The routes of the page tag: wire in, service, wire out. One module for each thing that can be asked."""

from fastapi import APIRouter

from noctule.page.routes import acting, files, scraping
from noctule.page.routes.deeds import deed_of
from noctule.page.service import PageService

__all__ = ["deed_of", "router"]


def router(service: PageService) -> APIRouter:
    """The page tag over ``service``."""
    routes = APIRouter(prefix="/sessions/{session_id}/page", tags=["sessions", "page"])
    for part in (acting, files, scraping):
        part.add(routes, service)
    return routes
