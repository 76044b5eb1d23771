"""What the fields of a scrape mean, in a request and in an action."""

from typing import Any

import pytest
from pydantic import ValidationError

from noctule.extraction.markdown import Options
from noctule.kit.errors import InvalidRequest
from noctule.page.service.scraping import ScrapePage
from noctule.page.wire.actions import ScrapeAction
from noctule.page.wire.scraping import ScrapeRequest, scrape_of

# As both SDKs send a scrape without wishes.
SDK_1_8 = {
    "scrape_links": True,
    "scrape_images": False,
    "only_main_content": False,
    "only_images": False,
    "use_link_placeholders": False,
}
SCHEMA = {"type": "object", "properties": {"bats": {"$ref": "#/$defs/N"}}, "$defs": {"N": {"type": "integer"}}}


def _wish(**fields: Any) -> ScrapePage:
    return scrape_of(ScrapeRequest.model_validate(fields))


@pytest.mark.parametrize("body", [{}, SDK_1_8, {"instructions": None, "only_images": None, "model": None}])
def test_a_scrape_without_wishes(body: dict[str, Any]) -> None:
    assert _wish(**body) == ScrapePage(options=Options(images=False))


def test_every_field_of_a_request() -> None:
    wish = _wish(
        selector=" main ",
        scrape_links=False,
        scrape_images=True,
        ignored_tags=["nav"],
        only_main_content=True,
        only_images=True,
        response_format=SCHEMA,
        instructions="How many?",
        use_link_placeholders=True,
        model="openai/gpt-5",
    )

    assert wish == ScrapePage(
        selector="main",
        options=Options(
            links=False, images=True, ignored_tags=("nav",), placeholders=True, main_only=True, frames=False
        ),
        only_images=True,
        instructions="How many?",
        schema=SCHEMA,
        model="openai/gpt-5",
    )
    assert wish.asks_a_model


def test_an_action_reads_the_main_content_unless_it_says_otherwise() -> None:
    assert scrape_of(ScrapeAction()).options.main_only
    assert not scrape_of(ScrapeAction(only_main_content=False)).options.main_only
    assert scrape_of(ScrapeAction(response_format=SCHEMA)).schema == SCHEMA


def test_blanks_are_no_wish() -> None:
    wish = _wish(selector="  ", model=" ")

    assert (wish.selector, wish.model) == (None, None)


def test_instructions_that_say_nothing_still_ask() -> None:
    assert _wish(instructions="").asks_a_model
    assert not _wish(instructions=None).asks_a_model


@pytest.mark.parametrize("response_format", ["a bat", 1, [], [{}], True])
def test_a_response_format_that_is_no_schema_is_refused(response_format: Any) -> None:
    with pytest.raises(ValidationError, match="a response format is a JSON schema"):
        ScrapeRequest(response_format=response_format)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"response_format": {"type": "bat"}}, "bat"),
        ({"selector": "x" * 10_001}, "body.selector"),
        ({"instructions": "x" * 20_001}, "body.instructions"),
        ({"model": "x" * 201}, "body.model"),
        ({"ignored_tags": ["a"] * 201}, "body.ignored_tags"),
        ({"ignored_tags": ["a" * 101]}, "body.ignored_tags"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidRequest, match=place) as raised:
        _wish(**fields)
    assert len(raised.value.message) < 500


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        ScrapeRequest.model_validate({"selektor": "main"})


def test_a_trajectory_keeps_what_was_sent() -> None:
    assert ScrapeRequest.model_validate({"selector": "main", "scrape_links": True}).action() == {
        "type": "scrape",
        "selector": "main",
        "scrape_links": True,
    }
