"""The routes of the scrape tag: wire in, service, wire out."""

from fastapi import APIRouter
from fastapi.responses import Response

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
    json_reply,
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
        response = json_reply(done.scraped.as_json(), done.cost_nanos)
        response.headers["x-noctule-session"] = done.session_id
        if done.tags:
            response.headers["x-noctule-tags"] = ",".join(done.tags)
        return response

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
        return json_reply(schema_reply(found), found.scraped.cost_nanos)

    return routes
