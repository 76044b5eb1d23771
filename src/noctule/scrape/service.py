"""One-shot scrapes: an address, a session of its own for it, and what was there; or HTML that the caller has.

What must always hold: a one-shot scrape is billed like any session and leaves none behind, whatever becomes of it and
of its caller; its browser goes back as soon as the page was read, before anything is made of it. Nothing is
billed for a request that is wrong in itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from noctule.browser.commands import BrowserLost, CommandFailed, PageRead
from noctule.browser.driver.urls import checked
from noctule.extraction.errors import TooBusy
from noctule.extraction.extractor import Extractor
from noctule.kit.clock import Clock
from noctule.kit.errors import BrowserFailed, InvalidRequest, NoctuleError
from noctule.kit.tasks import Owned
from noctule.llm.protocol import Payer
from noctule.page.service.scraping import Scraped, ScrapePage, Scraping
from noctule.scrape.domain import schema_of
from noctule.sessions.service import SessionView, Starter, StartSession

log = logging.getLogger(__name__)

# Clients give up after 60 seconds.
_IN_ALL_SECONDS = 52.0
# However long a browser took to be had, a page gets this long.
_LEAST_VISIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class OneShot:
    """What a one-shot scrape brought. ``cost_nanos`` is the whole of its bill, ``None`` if that is not known yet."""

    scraped: Scraped
    session_id: str
    tags: tuple[str, ...]
    cost_nanos: int | None


@dataclass(frozen=True, slots=True)
class FromHtml:
    """Data out of HTML. ``schema`` is what it is valid against, ``None`` where there is no data."""

    scraped: Scraped
    schema: dict[str, Any] | None


class Sessions(Protocol):
    """What this tag needs of sessions; ``SessionService`` has it."""

    async def start(self, starter: Starter, wish: StartSession) -> SessionView:
        """Start one; errors as of ``SessionService.start``."""
        ...

    async def stop(self, workspace_id: str, session_id: str) -> SessionView:
        """End one; one that is over stays as it is."""
        ...

    async def get(self, workspace_id: str, session_id: str) -> SessionView:
        """One with its cost so far."""
        ...


class ScrapeService:
    """Scrapes without a session of the caller's."""

    def __init__(self, *, sessions: Sessions, scraping: Scraping, extractor: Extractor, clock: Clock) -> None:
        self._sessions = sessions
        self._scraping = scraping
        self._extractor = extractor
        self._clock = clock
        self._tasks = Owned()

    async def scrape(
        self, starter: Starter, start: StartSession, url: str, wish: ScrapePage, action: Mapping[str, Any]
    ) -> OneShot:
        """Start a session, go to ``url``, read it, stop the session; ``action`` is the scrape for the trajectory.

        Raises what starting a session raises, ``InvalidRequest`` for an address that is none,
        ``BrowserFailed`` for a page that cannot be had or read, ``PaymentRequired`` where nothing is left for the
        model.
        """
        ends_at = self._clock.monotonic() + _IN_ALL_SECONDS
        url = _checked(url)
        view = await self._sessions.start(starter, replace(start, is_one_shot=True))
        session = view.session
        payer = Payer(starter.workspace_id, session_id=session.id, api_key_id=starter.key_id, tags=session.tags)
        try:
            read = await self._visit(session.id, url, wish, action, ends_at)
        except BaseException:
            await self._cost(asyncio.shield(self._stop(starter, session.id)))
            raise
        stopping = self._stop(starter, session.id)
        try:
            scraped = await self._scraping.extract(read, wish, payer, ends_at)
        except (CommandFailed, TooBusy) as error:
            # A page that was paid for is no reason to send the request again by itself, as clients do on a 529.
            raise BrowserFailed(error.message) from error
        finally:
            cost_nanos = await self._cost(asyncio.shield(stopping))
        if scraped.cost_nanos is not None and cost_nanos is not None:
            # The model may have answered after the session was closed.
            cost_nanos = await self._cost(self._sessions.get(starter.workspace_id, session.id))
        return OneShot(scraped, session.id, session.tags, cost_nanos)

    async def scrape_html(self, payer: Payer, pages: Sequence[tuple[str, str]], wish: ScrapePage) -> FromHtml:
        """Extract data from HTML: ``pages`` are addresses and HTML, first the page's and then those of its frames.

        Without a schema of the caller's the data has one of its own. Raises ``InvalidRequest`` for a
        selector that finds nothing, ``TooBusy``, ``UnreadableDocument``, ``PaymentRequired``.
        """
        ends_at = self._clock.monotonic() + _IN_ALL_SECONDS
        (url, html), *frames = pages
        extracted = await self._extractor.html(html, url, wish.selector, frames, wish.options)
        asking = replace(wish, instructions=wish.instructions or "", only_images=False)
        scraped = await self._scraping.scraped(extracted, asking, payer, ends_at)
        assert scraped.structured is not None
        if wish.schema is not None:
            return FromHtml(scraped, dict(wish.schema))
        return FromHtml(scraped, schema_of(scraped.structured.data) if scraped.structured.success else None)

    async def close(self) -> None:
        """Wait for the sessions that are being stopped; bounded."""
        await self._tasks.drain(2.0)

    async def _visit(
        self, session_id: str, url: str, wish: ScrapePage, action: Mapping[str, Any], ends_at: float
    ) -> PageRead:
        seconds = max(_LEAST_VISIT_SECONDS, ends_at - self._clock.monotonic())
        try:
            async with asyncio.timeout(seconds):
                return await self._scraping.visit(session_id, url, wish, action)
        except TimeoutError:
            raise BrowserFailed(f"{url[:200]} could not be read within {seconds:.0f} seconds") from None
        except CommandFailed as error:
            raise BrowserFailed(error.message) from error
        except BrowserLost as error:
            raise BrowserFailed(f"The browser ended while the page was being read: {error}") from error

    def _stop(self, starter: Starter, session_id: str) -> "asyncio.Task[SessionView]":
        return self._tasks.spawn(self._sessions.stop(starter.workspace_id, session_id))

    async def _cost(self, view: Awaitable[SessionView]) -> int | None:
        """What a session costs; ``None`` if that is not known yet. A stop that fails is tried again by the workers."""
        try:
            return (await view).cost_nanos
        except NoctuleError as error:
            log.warning("what a scrape costs is not known yet: %s", error)
            return None


def _checked(url: str) -> str:
    try:
        return checked(url)
    except CommandFailed as error:
        raise InvalidRequest.at(("body", "url"), error.message, url[:200]) from None
