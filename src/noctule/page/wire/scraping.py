"""Body of ``POST /sessions/{session_id}/page/scrape``, and what the fields of a scrape mean wherever they stand."""

from typing import Any

from pydantic import field_validator
from pydantic.json_schema import SkipJsonSchema

from noctule.extraction.markdown import Options
from noctule.kit.errors import InvalidRequest
from noctule.kit.tolerance import TolerantRequest
from noctule.page.service.scraping import ScrapePage
from noctule.page.wire.actions import ScrapeAction
from noctule.page.wire.base import LONGEST_INSTRUCTIONS, check_length

_LONGEST_SELECTOR = 10_000
_LONGEST_MODEL = 200
_MOST_TAGS = 200
_LONGEST_TAG = 100


class ScrapeFields(TolerantRequest):
    """What every request for a scrape may say.

    ``selector`` is in Playwright's syntax. ``response_format`` is a JSON schema; with it or with ``instructions`` a
    model extracts data.
    """

    selector: str | None = None
    scrape_links: bool = True
    scrape_images: bool = False
    ignored_tags: list[str] | None = None
    only_main_content: bool = False
    only_images: bool = False
    response_format: Any | None = None
    instructions: str | None = None
    use_link_placeholders: bool = False
    # Newer clients send it; the published contract does not have it.
    model: SkipJsonSchema[str | None] = None

    @field_validator("response_format")
    @classmethod
    def _response_format(cls, value: Any) -> Any:
        if value is not None and not isinstance(value, dict):
            raise ValueError("a response format is a JSON schema: an object such as {'type': 'object'}")
        return value

    def action(self) -> dict[str, Any]:
        """The action of a trajectory that says the same: what was sent of a scrape's fields."""
        names = self.model_fields_set & ScrapeFields.model_fields.keys()
        return {"type": "scrape", **self.model_dump(include=names)}


class ScrapeRequest(ScrapeFields):
    """Body of ``POST /sessions/{session_id}/page/scrape``."""


def scrape_of(fields: ScrapeFields | ScrapeAction) -> ScrapePage:
    """The wish that a request or an action for a scrape stands for.

    Raises ``InvalidRequest`` for a schema that is none, and for what is too long to be meant.
    """
    # Fields that the action does not have.
    model, placeholders = (
        (fields.model, fields.use_link_placeholders) if isinstance(fields, ScrapeFields) else ("", False)
    )
    check_length("selector", fields.selector, _LONGEST_SELECTOR)
    check_length("instructions", fields.instructions, LONGEST_INSTRUCTIONS)
    check_length("model", model, _LONGEST_MODEL)
    tags = tuple(fields.ignored_tags or ())
    if len(tags) > _MOST_TAGS or any(len(tag) > _LONGEST_TAG for tag in tags):
        allowed = f"at most {_MOST_TAGS} names of at most {_LONGEST_TAG} characters are allowed"
        raise InvalidRequest.at(("body", "ignored_tags"), allowed, f"{len(tags)} names")
    selector = (fields.selector or "").strip() or None
    return ScrapePage(
        selector=selector,
        options=Options(
            links=fields.scrape_links,
            images=fields.scrape_images,
            ignored_tags=tags,
            placeholders=placeholders,
            main_only=fields.only_main_content,
            frames=selector is None,
        ),
        only_images=fields.only_images,
        instructions=fields.instructions,
        schema=fields.response_format,
        model=(model or "").strip() or None,
    )
