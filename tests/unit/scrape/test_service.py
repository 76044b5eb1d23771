"""One-shot scrapes over real sessions, a real meter and a pretended browser: the bill, and what is left behind."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from noctule.browser.commands import CommandFailed, Goto, PageRead, ReadPage
from noctule.db.engine import Database
from noctule.extraction.errors import TooBusy
from noctule.extraction.extractor import Extractor
from noctule.extraction.markdown import Options
from noctule.kit.errors import BrowserFailed, InvalidRequest, Overloaded, Unavailable
from noctule.kit.paging import PageQuery
from noctule.kit.seal import Sealer
from noctule.llm.protocol import Payer
from noctule.page.service.scraping import ScrapePage, Scraping
from noctule.scrape.service import OneShot, ScrapeService, Sessions
from noctule.sessions.service import SessionService, SessionView, Starter, StartSession
from tests.support.clock import FrozenClock
from tests.support.llm import FakeLlm
from tests.support.units import read
from tests.unit.sessions.conftest import House, build

T = TypeVar("T")

URL = "https://example.org/bats"
STARTER = Starter("workspace-1", "key-1")
ACTION = {"type": "scrape"}
MINUTE_NANOS = 833_333
BATS = {"type": "object", "properties": {"bats": {"type": "integer"}}, "required": ["bats"]}
TREE = {"url": URL, "title": "", "root": ["body", None, None, ["h1", None, None, "Bats"]], "frames": []}
PAGE = PageRead(URL, "", "text/html", tree=json.dumps(TREE).encode())
HTML = [("https://example.org/", "<h1>Bats</h1><p><a href=/dusk>dusk</a>"), ("https://f.example.org/", "<p>In a frame")]


class Scrapes:
    """A scrape service in a house of sessions."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.llm = FakeLlm()
        self.extractor_waits = 64
        self.sessions_of_service: Sessions = house.sessions
        house.fleet.read = PAGE

    def ask(self, work: Callable[[ScrapeService], Awaitable[T]]) -> T:
        async def asked() -> T:
            extractor = Extractor(waiting_limit=self.extractor_waits)
            scraping = Scraping(
                sessions=self.house.sessions,
                run=self.house.fleet.run,
                over=None,  # type: ignore[arg-type]
                extractor=extractor,
                llm=self.llm,
                clock=self.house.clock,
            )
            service = ScrapeService(
                sessions=self.sessions_of_service, scraping=scraping, extractor=extractor, clock=self.house.clock
            )
            try:
                return await work(service)
            finally:
                await service.close()
                extractor.close()

        return asyncio.run(asked())

    def scrape(self, wish: ScrapePage | None = None, url: str = URL, start: StartSession | None = None) -> OneShot:
        return self.ask(
            lambda service: service.scrape(STARTER, start or StartSession(), url, wish or ScrapePage(), ACTION)
        )

    def sessions(self) -> list[tuple[str, str | None]]:
        """Status and reason of every session that there was."""
        found = asyncio.run(
            self.house.sessions.page(STARTER.workspace_id, PageQuery(1, 100), only_active=False, key_id=None)
        )
        return [(view.session.status.value, view.session.close_reason) for view in found.items]


@pytest.fixture
def scrapes(database: Database, tmp_path: Path) -> Scrapes:
    """On each engine."""
    house = build(database, FrozenClock(), Sealer.load(tmp_path / "keys"))
    database.submit(lambda connection: house.metering.open_account(connection, "workspace-1", "admin")).result(10)
    return Scrapes(house)


def test_a_scrape_is_a_session_of_one_minute_that_is_over(scrapes: Scrapes) -> None:
    done = scrapes.scrape(start=StartSession(tags=("nightly",), user_agent="Bat/1.0"))

    assert done.scraped.markdown == "# Bats"
    assert (done.cost_nanos, done.tags) == (MINUTE_NANOS, ("nightly",))
    assert scrapes.sessions() == [("closed", "manual")]
    fleet = scrapes.house.fleet
    assert [type(command) for _, command in fleet.commands] == [Goto, ReadPage]
    assert fleet.acquired == fleet.released == [done.session_id]
    usage = read(scrapes.house.database, scrapes.house.metering.usage, "workspace-1", None)
    assert usage.session_count == 1


def test_what_was_done_is_in_the_sessions_trajectory(scrapes: Scrapes) -> None:
    done = scrapes.scrape()
    view = asyncio.run(scrapes.house.sessions.get("workspace-1", done.session_id))

    assert [(step.kind, step.value["action"]["type"]) for step in view.steps] == [
        ("execution_result", "goto"),
        ("execution_result", "scrape"),
    ]


def test_a_model_is_charged_to_the_session_that_the_page_was_read_in(scrapes: Scrapes) -> None:
    scrapes.llm.then({"success": True, "error": None, "data": {"bats": 40}})
    scrapes.llm.cost_nanos = 5
    done = scrapes.scrape(ScrapePage(schema=BATS), start=StartSession(tags=("nightly",)))

    assert done.scraped.structured is not None
    assert done.scraped.structured.data == {"bats": 40}
    [request] = scrapes.llm.requests
    assert request.payer == Payer("workspace-1", done.session_id, api_key_id="key-1", tags=("nightly",))


@pytest.mark.parametrize("url", ["", "nothing", "file:///etc/passwd", "chrome://version", "https://", "javascript:1"])
def test_an_address_that_is_none_is_refused_and_nothing_is_billed(scrapes: Scrapes, url: str) -> None:
    with pytest.raises(InvalidRequest, match="url"):
        scrapes.scrape(url=url)
    assert scrapes.sessions() == []


def test_a_schema_that_is_none_is_refused_and_nothing_is_billed(scrapes: Scrapes) -> None:
    with pytest.raises(InvalidRequest):
        scrapes.scrape(ScrapePage(schema={"type": "bat"}))
    assert scrapes.sessions() == []


def test_a_machine_that_is_full_is_told_before_anything_was_done(scrapes: Scrapes) -> None:
    scrapes.house.fleet.limit = 0
    with pytest.raises(Overloaded):
        scrapes.scrape()
    assert scrapes.sessions() == []


def test_a_page_that_cannot_be_had_is_an_execution_error_and_leaves_no_session(scrapes: Scrapes) -> None:
    scrapes.house.fleet.run_error = CommandFailed("PageLoadingError", "example.org did not answer")
    with pytest.raises(BrowserFailed, match="did not answer"):
        scrapes.scrape()
    assert scrapes.sessions() == [("closed", "manual")]
    assert scrapes.house.fleet.specs == {}


def test_a_page_that_cannot_be_read_as_text_leaves_no_session(scrapes: Scrapes) -> None:
    scrapes.house.fleet.read = PageRead(URL, "", "image/png", body=b"\x89PNG")
    with pytest.raises(BrowserFailed, match="image/png"):
        scrapes.scrape()
    assert scrapes.sessions() == [("closed", "manual")]


def test_a_browser_that_crashes_is_an_execution_error_and_the_session_says_so(scrapes: Scrapes) -> None:
    fleet = scrapes.house.fleet
    fleet.run_delay_seconds = 0.05

    async def work(service: ScrapeService) -> None:
        scraping = asyncio.ensure_future(service.scrape(STARTER, StartSession(), URL, ScrapePage(), ACTION))
        while not fleet.commands:
            await asyncio.sleep(0.005)
        fleet.crash(fleet.acquired[0])
        await scraping

    with pytest.raises(BrowserFailed, match="The browser ended"):
        scrapes.ask(work)
    assert scrapes.sessions() == [("error", "error")]


def test_a_caller_that_goes_away_leaves_no_session(scrapes: Scrapes) -> None:
    fleet = scrapes.house.fleet
    fleet.run_delay_seconds = 10

    async def work(service: ScrapeService) -> None:
        scraping = asyncio.ensure_future(service.scrape(STARTER, StartSession(), URL, ScrapePage(), ACTION))
        while not fleet.commands:
            await asyncio.sleep(0.005)
        scraping.cancel()
        await asyncio.wait([scraping])

    scrapes.ask(work)
    assert scrapes.sessions() == [("closed", "manual")]


def test_a_page_that_was_paid_for_is_not_asked_for_again_by_the_client_itself(scrapes: Scrapes) -> None:
    scrapes.extractor_waits = -2
    with pytest.raises(BrowserFailed) as raised:
        scrapes.scrape()
    assert isinstance(raised.value.__cause__, TooBusy)


def test_a_session_that_cannot_be_closed_now_does_not_take_the_page_away(scrapes: Scrapes) -> None:
    scrapes.sessions_of_service = _Unclosable(scrapes.house.sessions)
    done = scrapes.scrape()

    assert (done.scraped.markdown, done.cost_nanos) == ("# Bats", None)


class _Unclosable:
    """Real sessions on a database that is away just when they end."""

    def __init__(self, sessions: SessionService) -> None:
        self.start, self.get = sessions.start, sessions.get

    async def stop(self, workspace_id: str, session_id: str) -> SessionView:
        raise Unavailable("The database is away.")


def test_a_cost_that_cannot_be_read_does_not_take_the_data_away(scrapes: Scrapes) -> None:
    scrapes.llm.then({"success": True, "error": None, "data": {"bats": 40}})
    scrapes.sessions_of_service = _Unreadable(scrapes.house.sessions)
    done = scrapes.scrape(ScrapePage(schema=BATS))

    assert done.scraped.structured is not None
    assert (done.scraped.structured.data, done.cost_nanos) == ({"bats": 40}, None)


class _Unreadable:
    """Real sessions on a database that is away once they have ended."""

    def __init__(self, sessions: SessionService) -> None:
        self.start, self.stop = sessions.start, sessions.stop

    async def get(self, workspace_id: str, session_id: str) -> SessionView:
        raise Unavailable("The database is away.")


def test_html_gives_data_and_a_schema_of_it(scrapes: Scrapes) -> None:
    scrapes.llm.then({"success": True, "error": None, "data": {"bats": [{"name": "noctule"}]}})
    found = scrapes.ask(lambda service: service.scrape_html(Payer("workspace-1"), HTML, ScrapePage()))

    assert found.scraped.structured is not None
    assert found.scraped.structured.data == {"bats": [{"name": "noctule"}]}
    assert found.schema is not None
    assert found.schema["properties"]["bats"]["items"]["properties"] == {"name": {"type": "string"}}
    asked = str(scrapes.llm.conversations[0][1].parts)
    assert "# Bats" in asked
    assert "IFRAME https://f.example.org/:" in asked
    assert scrapes.sessions() == []


def test_html_with_a_schema_of_the_callers_keeps_that(scrapes: Scrapes) -> None:
    scrapes.llm.then({"success": True, "error": None, "data": {"bats": 1}})
    wish = ScrapePage(schema=BATS, selector="h1", options=Options(frames=False))
    found = scrapes.ask(lambda service: service.scrape_html(Payer("workspace-1"), HTML, wish))

    assert found.schema == BATS
    asked = str(scrapes.llm.conversations[0][1].parts)
    assert "dusk" not in asked
    assert "IFRAME" not in asked


def test_html_without_a_model_says_so(scrapes: Scrapes) -> None:
    scrapes.llm.model = None
    found = scrapes.ask(lambda service: service.scrape_html(Payer("workspace-1"), HTML, ScrapePage()))

    assert found.schema is None
    assert found.scraped.structured is not None
    assert not found.scraped.structured.success


def test_a_selector_that_finds_nothing_in_html_is_refused(scrapes: Scrapes) -> None:
    with pytest.raises(InvalidRequest, match="selector"):
        scrapes.ask(lambda service: service.scrape_html(Payer("workspace-1"), HTML, ScrapePage(selector="#missing")))
