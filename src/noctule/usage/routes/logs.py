"""``GET /usage/logs``."""

from typing import Annotated

from fastapi import APIRouter, Query

from noctule.kit.paging import Page
from noctule.kit.web import CallerDep, PageParams, PaginatedResponse
from noctule.usage.service import UsageService
from noctule.usage.wire import UsageLog


def add(routes: APIRouter, service: UsageService) -> None:
    """The log of requests."""

    @routes.get("/usage/logs", operation_id="get_usage_logs", summary="Get Usage Logs")
    async def logs(
        caller: CallerDep,
        params: PageParams,
        endpoint: Annotated[str | None, Query(description="A part of the path, in any case: /sessions, say.")] = None,
    ) -> PaginatedResponse[UsageLog]:
        """The workspace's requests to this API, newest first.

        `only_current_token` keeps those of the calling key. Requests that are logged are over, so
        `only_active` changes nothing.
        """
        found = await service.logs(
            caller.workspace_id,
            params.query,
            endpoint=endpoint,
            key_id=caller.key_id if params.only_current_token else None,
        )
        items = tuple(UsageLog.of(line) for line in found.items)
        return PaginatedResponse[UsageLog].of(Page(items, found.page, found.page_size, found.has_next))
