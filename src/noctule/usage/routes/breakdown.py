"""``GET /usage/breakdown``."""

from typing import Annotated

from fastapi import APIRouter, Query

from noctule.kit.paging import PageQuery
from noctule.kit.web import CallerDep
from noctule.metering.service import Meter
from noctule.usage.routes.params import Period
from noctule.usage.service import Dimension, Filters, UsageService
from noctule.usage.wire import BreakdownResponse

# An offset must fit a database integer.
_LAST_PAGE = 1_000_000_000
_LONGEST = 500


def add(routes: APIRouter, service: UsageService) -> None:
    """Where the money of a month went."""

    @routes.get("/usage/breakdown", operation_id="usage_breakdown", summary="Break Usage Down")
    async def breakdown(
        caller: CallerDep,
        period: Period = None,
        by: Annotated[Dimension, Query(description="What the rows are.")] = Dimension.SESSION,
        session: Annotated[str | None, Query(max_length=_LONGEST, description="Only this session.")] = None,
        key: Annotated[str | None, Query(max_length=_LONGEST, description="Only the API key with this id.")] = None,
        tag: Annotated[str | None, Query(max_length=_LONGEST, description="Only what has this tag.")] = None,
        meter: Annotated[Meter | None, Query(description="Only what this meter counted.")] = None,
        page: Annotated[int, Query(ge=1, le=_LAST_PAGE)] = 1,
        page_size: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> BreakdownResponse:
        """What each session, agent, function, model, key, day or tag cost in a month.

        What has none of it is a row of its own, with `key` null, so the rows of all pages add up to
        `total_cost` to the last digit. Only tags may overlap: a charge with two of them counts in both rows,
        and `overlaps` says so.
        """
        filters = Filters(session_id=session, api_key_id=key, tag=tag, meter=meter)
        found = await service.breakdown(caller.workspace_id, period, by, filters, PageQuery(page, page_size))
        return BreakdownResponse.of(found)
