"""``GET /usage/forecast``."""

from fastapi import APIRouter

from noctule.kit.web import CallerDep
from noctule.usage.service.forecast import ForecastService
from noctule.usage.wire.forecast import ForecastResponse


def router(service: ForecastService) -> APIRouter:
    """The forecast over ``service``."""
    routes = APIRouter(tags=["usage"])

    @routes.get("/usage/forecast", operation_id="get_usage_forecast", summary="Get Usage Forecast")
    async def forecast(caller: CallerDep) -> ForecastResponse:
        """How long the workspace's credit lasts, what the month will cost, and which change would help."""
        return ForecastResponse.of(await service.forecast(caller.workspace_id))

    return routes
