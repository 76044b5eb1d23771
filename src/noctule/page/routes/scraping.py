"""The route that reads a page."""

import json
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from noctule.kit.money import decimal_dollars
from noctule.kit.web import CallerDep, LooseBool
from noctule.llm.protocol import Payer
from noctule.page.service import PageService
from noctule.page.service.scraping import Scraped
from noctule.page.wire.replies import DataSpace
from noctule.page.wire.scraping import ScrapeRequest, scrape_of

_UpdateMetadata = Annotated[LooseBool, Query(description="Accepted for older clients; changes nothing.")]


def add(routes: APIRouter, service: PageService) -> None:
    """Add ``POST /scrape`` to the routes of the page."""

    @routes.post("/scrape", operation_id="page_scrape", summary="Page Scrape", response_model=DataSpace)
    async def scrape(
        caller: CallerDep, session_id: str, body: ScrapeRequest, update_metadata: _UpdateMetadata = True
    ) -> Response:
        """The current page as markdown, its images, or the data that a model finds in it."""
        payer = Payer(caller.workspace_id, session_id=session_id, api_key_id=caller.key_id)
        return _reply(await service.scraping.scrape(session_id, scrape_of(body), payer, body.action()))


def _reply(scraped: Scraped) -> Response:
    """The contract's ``DataSpace``; what a model cost is in a header beside it."""
    headers = {} if scraped.cost_nanos is None else {"x-noctule-cost": decimal_dollars(scraped.cost_nanos)}
    # Escaped: half a surrogate pair, which a page's text may hold, has no UTF-8.
    return Response(json.dumps(scraped.as_json()), media_type="application/json", headers=headers)
