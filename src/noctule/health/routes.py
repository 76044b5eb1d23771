"""The routes of the health tag: no key, no body, no state."""

from fastapi import APIRouter, Response

from noctule.health.service import HealthService
from noctule.health.wire import Browsers, HealthResponse, ReadyResponse, Sandbox


def router(service: HealthService) -> APIRouter:
    """The health tag over ``service``."""
    routes = APIRouter(tags=["health"])

    @routes.get("/health", operation_id="health_check", summary="Health Check")
    async def health() -> HealthResponse:
        """Whether the server lives."""
        return HealthResponse()

    @routes.get(
        "/ready",
        operation_id="readiness_check",
        summary="Readiness Check",
        responses={503: {"model": ReadyResponse, "description": "Not ready"}},
    )
    async def ready(response: Response) -> ReadyResponse:
        """Whether sessions can be started: the database, the browsers and their sandbox."""
        found = await service.readiness()
        if not found.serves:
            response.status_code = 503
        return ReadyResponse(
            status=found.status,
            database=found.database,
            browsers=Browsers(
                live=found.capacity.live,
                limit=found.capacity.limit,
                warm=found.capacity.warm,
                warm_target=found.capacity.warm_target,
            ),
            sandbox=Sandbox(level=found.sandbox.level, explanation=found.sandbox.explanation),
        )

    return routes
