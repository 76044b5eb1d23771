"""The routes of the scrape tag: wire in, service, wire out."""

import json

from fastapi import APIRouter
from fastapi.responses import Response

from noctule.kit.money import decimal_dollars
from noctule.kit.web import CallerDep
from noctule.llm.protocol import Payer
from noctule.scrape.service import ScrapeService
from noctule.scrape.wire import (
    DataSpace,
    GlobalScrapeRequest,
    MaxCostHeader,
    ScrapeFromHtmlRequest,
    ScrapeSchemaResponse,
    TagsHeader,
    schema_reply,
    scrape_of,
    with_headers,
)
from noctule.sessions.service import Starter


def router(service: ScrapeService) -> APIRouter:
    """The scrape tag over ``service``."""
    routes = APIRouter(tags=["scrape"])

    @routes.post("/scrape", operation_id="scrape_webpage", summary="Scrape Webpage", response_model=DataSpace)
    async def scrape(
        caller: CallerDep, body: GlobalScrapeRequest, tags: TagsHeader = None, max_cost: MaxCostHeader = None
    ) -> Response:
        """Read one address in a session of its own, which is billed like any other and is over with the reply."""
        wish = scrape_of(body)
        start = with_headers(body.to_command(), tags, max_cost)
        # Without the key of a repeated request: a session that ended could not be scraped again.
        starter = Starter(caller.workspace_id, caller.key_id)
        done = await service.scrape(starter, start, body.url, wish, body.action())
        headers = {"x-noctule-session": done.session_id}
        if done.tags:
            headers["x-noctule-tags"] = ",".join(done.tags)
        return _reply(done.scraped.as_json(), done.cost_nanos, headers)

    @routes.post(
        "/scrape_from_html",
        operation_id="scrape_from_html",
        summary="Scrape From Html",
        response_model=ScrapeSchemaResponse,
    )
    async def from_html(caller: CallerDep, body: ScrapeFromHtmlRequest) -> Response:
        """Extract data from HTML that the caller has: the first frame is the page, the others stand in it."""
        payer = Payer(caller.workspace_id, api_key_id=caller.key_id)
        found = await service.scrape_html(payer, body.pages(), scrape_of(body))
        return _reply(schema_reply(found), found.scraped.cost_nanos, {})

    return routes


def _reply(body: dict[str, object], cost_nanos: int | None, headers: dict[str, str]) -> Response:
    if cost_nanos is not None:
        headers = {**headers, "x-noctule-cost": decimal_dollars(cost_nanos)}
    # Escaped: half a surrogate pair, which a page's text may hold, has no UTF-8.
    return Response(json.dumps(body), media_type="application/json", headers=headers)
