"""The API's request and response models of the scrape tag."""

from typing import Any

from pydantic import ConfigDict, Field

from noctule.kit.errors import InvalidRequest
from noctule.kit.web import WireRequest, WireResponse
from noctule.page.wire.base import publish_open
from noctule.page.wire.replies import DataSpace, StructuredData, json_reply
from noctule.page.wire.scraping import ScrapeFields, scrape_of
from noctule.scrape.service import FromHtml
from noctule.sessions.wire import ApiSessionStartRequest, MaxCostHeader, TagsHeader, with_headers

__all__ = [
    "DataSpace",
    "FrameData",
    "GlobalScrapeRequest",
    "MaxCostHeader",
    "ScrapeFromHtmlRequest",
    "ScrapeSchemaResponse",
    "TagsHeader",
    "json_reply",
    "schema_reply",
    "scrape_of",
    "with_headers",
]

_MOST_FRAMES = 200


class GlobalScrapeRequest(ApiSessionStartRequest, ScrapeFields):
    """Body of ``POST /scrape``: an address, the session to read it in, and what to make of it."""

    url: str


class FrameData(WireRequest):
    """One document: its address and its HTML."""

    # The contract publishes it as an open object, although unknown names are refused.
    model_config = ConfigDict(json_schema_extra=publish_open)

    frame_url: str = Field(alias="frameUrl")
    frame_data: str = Field(alias="frameData")


class ScrapeFromHtmlRequest(ScrapeFields):
    """Body of ``POST /scrape_from_html``: the HTML of a page and, after it, of its frames."""

    frames: list[FrameData] | None = None

    def pages(self) -> list[tuple[str, str]]:
        """Addresses and HTML, the page's first. Raises ``InvalidRequest`` where there is none, or too many."""
        frames = self.frames or []
        if not 0 < len(frames) <= _MOST_FRAMES:
            needed = f"the page's HTML is the first of 1 to {_MOST_FRAMES} frames"
            raise InvalidRequest.at(("body", "frames"), needed, f"{len(frames)} frames")
        return [(frame.frame_url, frame.frame_data) for frame in frames]


class SchemaGenerationResponse(WireResponse):
    """The JSON schema that the data is of, or why there is none."""

    success: bool
    model_schema: dict[str, Any] | None = None
    error: str | None = None


class ScrapeSchemaResponse(WireResponse):
    """What was extracted from HTML, and its schema."""

    model_schema: SchemaGenerationResponse
    scrape: StructuredData


def schema_reply(found: FromHtml) -> dict[str, Any]:
    """The JSON of a ``ScrapeSchemaResponse``; a model would drop the fields of the data."""
    structured = found.scraped.as_json()["structured"]
    error = None if found.schema is not None else structured["error"]
    schema = SchemaGenerationResponse(success=found.schema is not None, model_schema=found.schema, error=error)
    return {"model_schema": schema.model_dump(), "scrape": structured}
