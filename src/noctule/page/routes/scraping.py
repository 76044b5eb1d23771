"""The route that reads a page."""

from fastapi import APIRouter
from fastapi.responses import Response

from noctule.kit.web import CallerDep
from noctule.llm.protocol import Payer
from noctule.page.service import PageService
from noctule.page.wire import DataSpace, ScrapeRequest, json_reply, scrape_of
from noctule.page.wire.base import UpdateMetadata


def add(routes: APIRouter, service: PageService) -> None:
    """Add ``POST /scrape`` to the routes of the page."""

    @routes.post("/scrape", operation_id="page_scrape", summary="Page Scrape", response_model=DataSpace)
    async def scrape(
        caller: CallerDep, session_id: str, body: ScrapeRequest, update_metadata: UpdateMetadata = True
    ) -> Response:
        """The current page as markdown, its images, or the data that a model finds in it."""
        payer = Payer(caller.workspace_id, session_id=session_id, api_key_id=caller.key_id)
        scraped = await service.scraping.scrape(session_id, scrape_of(body), payer, body.action())
        return json_reply(scraped.as_json(), scraped.cost_nanos)
