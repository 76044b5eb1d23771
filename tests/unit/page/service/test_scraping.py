"""Reading a page: what the browser sends becomes markdown, images and data, or one failure in words."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from noctule.browser.commands import BrowserLost, Command, CommandFailed, Goto, PageRead, ReadPage, Result
from noctule.extraction.extractor import Extractor
from noctule.extraction.markdown import Options
from noctule.kit.errors import BrowserFailed, Conflict, InvalidRequest, NotFound, PaymentRequired
from noctule.llm.errors import ModelTimedOut
from noctule.llm.protocol import Payer
from noctule.page.service.scraping import Scraped, ScrapePage, Scraping
from tests.support.clock import FrozenClock
from tests.support.llm import FakeLlm
from tests.unit.page.sessions import FakeSessions

T = TypeVar("T")

SID = "0b8a5d9e-0000-4000-8000-000000000001"
PAYER = Payer("w", session_id=SID, api_key_id="k")
ACTION = {"type": "scrape"}
BATS = {"type": "object", "properties": {"bats": {"type": "integer"}}, "required": ["bats"]}
TREE = {
    "url": "https://example.org/",
    "title": "Bats",
    "root": [
        "body",
        None,
        None,
        ["h1", None, None, "Bats"],
        ["p", None, None, "Forty ", ["a", {"href": "/dusk"}, None, "at dusk"], "."],
        ["img", {"src": "/bat.png", "alt": "A bat"}, [0, 0, 300, 300]],
    ],
    "frames": [],
}


class Browsers:
    """One browser, that answers with ``answer`` whatever it is asked to read."""

    def __init__(self, answer: Result | Exception | None = None) -> None:
        self.answer = answer or PageRead("https://example.org/", "Bats", "text/html", tree=json.dumps(TREE).encode())
        self.goto: Exception | None = None
        self.commands: list[Command] = []

    async def run(self, session_id: str, command: Command) -> Result:
        self.commands.append(command)
        answer = self.goto if isinstance(command, Goto) else self.answer
        if isinstance(answer, Exception):
            raise answer
        return answer or self.answer  # type: ignore[return-value]


async def _over(workspace_id: str, session_id: str) -> Conflict:
    return Conflict("the session is over")


class House:
    """A session of the workspace ``w``, its browser, and a model."""

    def __init__(self, answer: Result | Exception | None = None, *answers: Any) -> None:
        self.sessions = FakeSessions()
        self.sessions.owners[SID] = "w"
        self.browsers = Browsers(answer)
        self.llm = FakeLlm(*answers)

    def ask(self, work: Callable[[Scraping], Awaitable[T]]) -> T:
        async def asked() -> T:
            extractor = Extractor()
            scraping = Scraping(
                sessions=self.sessions,
                run=self.browsers.run,
                over=_over,
                extractor=extractor,
                llm=self.llm,
                clock=FrozenClock(),
            )
            try:
                return await work(scraping)
            finally:
                extractor.close()

        return asyncio.run(asked())

    def scrape(self, wish: ScrapePage | None = None, payer: Payer = PAYER) -> Scraped:
        return self.ask(lambda scraping: scraping.scrape(SID, wish or ScrapePage(), payer, ACTION))


def _answer(data: Any, *, success: bool = True, error: str | None = None) -> dict[str, Any]:
    return {"success": success, "error": error, "data": data}


def test_a_page_becomes_markdown_and_nothing_else() -> None:
    house = House()

    assert house.scrape(ScrapePage(options=Options(images=False))).as_json() == {
        "markdown": "# Bats\n\nForty [at dusk](https://example.org/dusk).",
        "images": None,
        "structured": None,
    }
    assert house.llm.requests == []


def test_the_selector_goes_to_the_browser() -> None:
    house = House()
    house.scrape(ScrapePage(selector="main >> nth=0"))

    [command] = house.browsers.commands
    assert isinstance(command, ReadPage)
    assert command.selector == "main >> nth=0"


@pytest.mark.parametrize(
    ("content_type", "body", "markdown"),
    [
        ("application/json", b'{"bats": 40}', '```json\n{\n  "bats": 40\n}\n```'),
        ("text/plain", b"Forty bats", "Forty bats"),
        ("text/csv", b"bats,hour\n40,dusk", "| bats | hour |\n| --- | --- |\n| 40 | dusk |"),
    ],
)
def test_a_file_becomes_markdown_by_its_type(content_type: str, body: bytes, markdown: str) -> None:
    house = House(PageRead("https://example.org/file", "", content_type, body=body))

    assert house.scrape().markdown == markdown


def test_a_file_that_is_no_text_is_an_execution_error_that_names_its_type() -> None:
    house = House(PageRead("https://example.org/bat.png", "", "image/png", body=b"\x89PNG"))

    with pytest.raises(BrowserFailed, match="image/png") as raised:
        house.scrape()
    assert raised.value.headers == {"x-error-class": "NotteApiExecutionError"}
    [(_, kind, step)] = house.sessions.steps
    assert (kind, step["success"], step["exception"]) == ("execution_result", False, raised.value.message)


def test_only_images_leaves_the_text_out() -> None:
    scraped = House().scrape(ScrapePage(only_images=True))

    assert scraped.as_json() == {
        "markdown": "",
        "images": [{"url": "https://example.org/bat.png", "category": "content_image", "description": "A bat"}],
        "structured": None,
    }


def test_a_schema_is_answered_by_a_model_with_what_it_cost() -> None:
    house = House(None, _answer({"bats": 40}))
    house.sessions.tags = ("team-a",)
    house.llm.cost_nanos = 7
    scraped = house.scrape(ScrapePage(instructions="How many?", schema=BATS, model="fake/other"))

    assert scraped.as_json()["structured"] == {"success": True, "error": None, "data": {"bats": 40}}
    assert scraped.markdown.startswith("# Bats")
    assert scraped.cost_nanos == 7
    [request] = house.llm.requests
    # What the session is tagged with, what it spends is.
    assert request.payer == replace(PAYER, tags=("team-a",))
    assert (request.model, request.purpose) == ("fake/other", "extract")
    assert request.deadline_seconds is not None
    assert request.deadline_seconds <= 45


def test_instructions_that_say_nothing_still_get_an_answer() -> None:
    scraped = House(None, _answer({"title": "Bats"})).scrape(ScrapePage(instructions=""))

    assert scraped.structured is not None
    assert scraped.structured.data == {"title": "Bats"}


def test_without_a_model_the_markdown_is_there_and_the_data_says_why_it_is_not() -> None:
    house = House()
    house.llm.model = None
    scraped = house.scrape(ScrapePage(schema=BATS))

    assert scraped.markdown.startswith("# Bats")
    assert scraped.structured is not None
    assert (scraped.structured.success, scraped.structured.data) == (False, None)
    assert "model" in str(scraped.structured.error)
    assert scraped.cost_nanos is None


@pytest.mark.parametrize(
    ("answers", "error", "cost_nanos"),
    [
        ((ModelTimedOut("The model was not done in time."),), "not done in time", 7),
        (("no JSON", "none either"), "not of the schema", 14),
        ((_answer(None, success=False, error="No bats."),), "No bats.", 7),
    ],
)
def test_a_model_that_fails_is_no_failure_of_the_scrape(answers: Any, error: str, cost_nanos: int) -> None:
    house = House(None, *answers)
    house.llm.cost_nanos = 7
    scraped = house.scrape(ScrapePage(schema=BATS))

    assert scraped.structured is not None
    assert not scraped.structured.success
    assert error in str(scraped.structured.error)
    assert error in scraped.message
    assert scraped.cost_nanos == cost_nanos


def test_nothing_left_to_pay_with_is_an_error_of_its_own() -> None:
    with pytest.raises(PaymentRequired):
        House(None, PaymentRequired("Nothing is left.")).scrape(ScrapePage(schema=BATS))


def test_a_schema_that_is_none_is_refused_before_anything_is_done() -> None:
    house = House()

    with pytest.raises(InvalidRequest):
        house.scrape(ScrapePage(schema={"type": "bat"}))
    assert house.browsers.commands == []
    assert house.sessions.used == []


def test_placeholders_stay_in_the_markdown() -> None:
    wish = ScrapePage(options=Options(images=True, placeholders=True))

    assert House().scrape(wish).markdown == "# Bats\n\nForty [at dusk](link1).\n\n![A bat](img1.png)"


def test_addresses_are_put_back_where_a_model_answered() -> None:
    house = House(None, _answer({"links": ["link1"], "picture": "see img1.png"}))
    wish = ScrapePage(options=Options(images=True, placeholders=True), instructions="All links")
    scraped = house.scrape(wish)

    assert scraped.structured is not None
    assert scraped.structured.data == {
        "links": ["https://example.org/dusk"],
        "picture": "see https://example.org/bat.png",
    }
    assert "(https://example.org/dusk)" in scraped.markdown
    [asked] = house.llm.conversations
    assert "link1" in str(asked[1].parts)


def test_a_scrape_is_a_step_of_the_trajectory() -> None:
    house = House()
    house.scrape()

    [(session_id, kind, step)] = house.sessions.steps
    assert (session_id, kind, step["action"], step["success"]) == (SID, "execution_result", ACTION, True)
    assert step["data"]["markdown"].startswith("# Bats")


def test_what_the_browser_cannot_read_is_an_execution_error_and_a_step() -> None:
    house = House(CommandFailed("InvalidLocatorRuntimeError", "Nothing matches #bat."))

    with pytest.raises(BrowserFailed, match="Nothing matches #bat"):
        house.scrape()
    assert house.sessions.steps[0][2]["exception"] == "Nothing matches #bat."


def test_a_browser_that_is_gone_ends_the_session_for_the_caller() -> None:
    house = House(BrowserLost("gone"))

    with pytest.raises(Conflict, match="the session is over"):
        house.scrape()
    assert house.sessions.steps == []


def test_a_session_of_another_workspace_is_not_found_and_not_read() -> None:
    house = House()

    with pytest.raises(NotFound):
        house.scrape(payer=Payer("other", session_id=SID))
    assert house.browsers.commands == []


def test_a_visit_goes_to_the_address_and_reads_it() -> None:
    house = House()
    read = house.ask(lambda scraping: scraping.visit(SID, "https://example.org/", ScrapePage(), ACTION))

    assert read.title == "Bats"
    assert [type(command) for command in house.browsers.commands] == [Goto, ReadPage]


def test_a_visit_to_a_file_reads_the_file() -> None:
    house = House(PageRead("https://example.org/f", "", "text/plain", body=b"x"))
    house.browsers.goto = CommandFailed("PageLoadingError", "a download", download_url="https://example.org/f")
    read = house.ask(lambda scraping: scraping.visit(SID, "https://example.org/f", ScrapePage(), ACTION))

    assert read.body == b"x"


def test_a_visit_to_an_address_without_an_answer_fails() -> None:
    house = House()
    house.browsers.goto = CommandFailed("PageLoadingError", "did not answer")

    with pytest.raises(CommandFailed, match="did not answer"):
        house.ask(lambda scraping: scraping.visit(SID, "https://example.org/", ScrapePage(), ACTION))
    assert len(house.browsers.commands) == 1
