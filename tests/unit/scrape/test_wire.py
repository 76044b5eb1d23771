"""Requests of the scrape tag: a session's fields beside a scrape's, and documents of the caller's."""

from typing import Any

import pytest
from pydantic import ValidationError

from noctule.kit.errors import InvalidRequest
from noctule.llm.structured import Structured
from noctule.page.service.scraping import Scraped
from noctule.scrape.service import FromHtml
from noctule.scrape.wire import GlobalScrapeRequest, ScrapeFromHtmlRequest, schema_reply, scrape_of


def test_one_body_says_which_session_and_which_scrape() -> None:
    body = GlobalScrapeRequest.model_validate(
        {
            "url": "https://example.org",
            "user_agent": "Bat/1.0",
            "timeout_minutes": 2,
            "block_ads": True,
            "selector": "main",
            "model": None,
        }
    )

    assert (body.to_command().user_agent, body.to_command().idle_timeout_minutes) == ("Bat/1.0", 2)
    assert scrape_of(body).selector == "main"
    assert body.action() == {"type": "scrape", "selector": "main", "model": None}


@pytest.mark.parametrize(
    ("body", "place"),
    [({}, "url"), ({"url": None}, "url"), ({"url": "https://a", "colour": 1}, "colour"), ({"url": 1}, "url")],
)
def test_a_body_that_is_wrong_says_where(body: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError, match=place):
        GlobalScrapeRequest.model_validate(body)


def test_the_first_frame_is_the_page() -> None:
    frames = [{"frameUrl": "https://a", "frameData": "<p>a"}, {"frameUrl": "https://b", "frameData": "<p>b"}]

    assert ScrapeFromHtmlRequest.model_validate({"frames": frames}).pages() == [
        ("https://a", "<p>a"),
        ("https://b", "<p>b"),
    ]


@pytest.mark.parametrize("frames", [None, [], [{"frameUrl": "https://a", "frameData": ""}] * 201])
def test_no_page_or_too_many_are_refused(frames: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"body\.frames"):
        ScrapeFromHtmlRequest.model_validate({"frames": frames}).pages()


def test_data_and_its_schema_come_as_they_are() -> None:
    schema = {"type": "object"}
    found = FromHtml(Scraped("", None, Structured(True, None, {"bats": [1]})), schema)

    assert schema_reply(found) == {
        "model_schema": {"success": True, "model_schema": schema, "error": None},
        "scrape": {"success": True, "error": None, "data": {"bats": [1]}},
    }


def test_without_data_both_say_why() -> None:
    found = FromHtml(Scraped("", None, Structured(False, "No bats.", None)), None)

    assert schema_reply(found) == {
        "model_schema": {"success": False, "model_schema": None, "error": "No bats."},
        "scrape": {"success": False, "error": "No bats.", "data": None},
    }
