"""The routes of the usage tag: wire in, service, wire out. One module for each thing that can be asked."""

from fastapi import APIRouter

from noctule.usage.routes import breakdown, export, logs, month
from noctule.usage.service import UsageService


def router(service: UsageService) -> APIRouter:
    """The usage tag over ``service``."""
    routes = APIRouter(tags=["usage"])
    for part in (month, breakdown, export, logs):
        part.add(routes, service)
    return routes
