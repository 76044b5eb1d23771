"""``GET /usage``."""

from fastapi import APIRouter

from noctule.kit.web import CallerDep
from noctule.usage.routes.params import Period
from noctule.usage.service import UsageService
from noctule.usage.wire import UsageResponse


def add(routes: APIRouter, service: UsageService) -> None:
    """The month's figures."""

    @routes.get("/usage", operation_id="get_usage", summary="Get Usage")
    async def usage(caller: CallerDep, period: Period = None) -> UsageResponse:
        """What the workspace used in a month, what that cost, and what it may still use."""
        return UsageResponse.of(await service.usage(caller.workspace_id, period))
