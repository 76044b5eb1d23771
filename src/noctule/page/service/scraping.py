"""Reading a page: its markdown, its images, and the data that a model finds in it.

What must always hold: whatever becomes of the model, the markdown is there, and what was asked of the model has an
answer with ``success`` or an ``error``; a page that cannot be read is a ``CommandFailed`` like any other deed. The
markdown is made off the event loop, and the browser is not needed any more once the page was read.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from noctule.browser.commands import BrowserLost, Command, CommandFailed, Done, Goto, PageRead, ReadPage, Result
from noctule.extraction import placeholders
from noctule.extraction.errors import UnreadableDocument
from noctule.extraction.extractor import Extracted, Extractor
from noctule.extraction.images import Image
from noctule.extraction.markdown import Options
from noctule.kit.clock import Clock
from noctule.kit.errors import BrowserFailed, Conflict
from noctule.llm.budget import Budget
from noctule.llm.protocol import Llm, Payer
from noctule.llm.schemas import AnswerSchema
from noctule.llm.structured import Structured, structured
from noctule.page.domain import Failure, Outcome, trajectory_value

T = TypeVar("T")

# Clients give up after 60 seconds, the impatient ones after 45 without a model.
_GOTO_SECONDS = 15.0
_READ_SECONDS = 20.0
_MODEL_SECONDS = 45.0
_IN_ALL_SECONDS = 52.0
_LEAST_MODEL_SECONDS = 5.0


class Sessions(Protocol):
    """What reading needs of sessions."""

    async def use(self, workspace_id: str, session_id: str) -> tuple[str, ...]:
        """Note that the session is being used; answers its tags.

        Raises ``NotFound``, or ``Conflict`` if it has ended.
        """
        ...

    async def record_steps(self, session_id: str, kind: str, values: Sequence[dict[str, Any]]) -> None:
        """Append JSON steps to the session's trajectory."""
        ...


@dataclass(frozen=True, slots=True)
class ScrapePage:
    """What to read of a page, and what to make of it.

    ``selector`` is what to read, the whole page if it is ``None``. ``only_images`` asks for the images instead of the
    text. With ``instructions`` or ``schema``, of JSON schema, a model extracts data; ``model`` is the one wished for.
    A schema that is none is an ``InvalidRequest`` here, before anything is done for it.
    """

    selector: str | None = None
    options: Options = field(default_factory=Options)
    only_images: bool = False
    instructions: str | None = None
    schema: Mapping[str, Any] | None = field(default=None, repr=False)
    model: str | None = None

    def __post_init__(self) -> None:
        if self.schema is not None:
            AnswerSchema(self.schema)

    @property
    def asks_a_model(self) -> bool:
        """Whether data is to be extracted."""
        return self.instructions is not None or self.schema is not None


@dataclass(frozen=True, slots=True)
class Scraped:
    """What was on a page. ``cost_nanos`` is what the model cost, ``None`` where none was called."""

    markdown: str
    images: tuple[Image, ...] | None = None
    structured: Structured | None = None
    cost_nanos: int | None = None

    @property
    def message(self) -> str:
        """What was done, for people."""
        if self.structured is not None and not self.structured.success:
            return f"Read the page, but could not extract data from it: {self.structured.error}"
        return "Read the page" if self.structured is None else "Read the page and extracted data from it"

    def as_json(self) -> dict[str, Any]:
        """The contract's ``DataSpace``."""
        found = self.structured
        return {
            "markdown": self.markdown,
            "images": None if self.images is None else [_image(image) for image in self.images],
            "structured": found and {"success": found.success, "error": found.error, "data": found.data},
        }


class Scraping:
    """Reads the pages of sessions. ``run`` carries a command to a session's browser; ``over`` says why there is none.

    ``new_budget`` makes the budget of one question to a model; the server's caps are in it.
    """

    def __init__(
        self,
        *,
        sessions: Sessions,
        run: Callable[[str, Command], Awaitable[Result]],
        over: Callable[[str, str], Awaitable[Conflict]],
        extractor: Extractor,
        llm: Llm,
        clock: Clock,
        new_budget: Callable[[], Budget] = Budget,
    ) -> None:
        self._sessions = sessions
        self._run = run
        self._over = over
        self._extractor = extractor
        self._llm = llm
        self._clock = clock
        self._new_budget = new_budget

    async def scrape(self, session_id: str, wish: ScrapePage, payer: Payer, action: Mapping[str, Any]) -> Scraped:
        """Read the current tab of a session and keep that in its trajectory, as the action ``action``.

        Raises ``NotFound`` or ``Conflict`` for a session that cannot be used, ``BrowserFailed`` for a page that cannot
        be read, ``TooBusy``, ``PaymentRequired`` where nothing is left for the model.
        """
        payer = replace(payer, tags=await self._sessions.use(payer.workspace_id, session_id))
        steps: list[dict[str, Any]] = []
        try:
            return await self._kept(
                steps,
                action,
                self.read_and_extract(session_id, wish, payer),
                lambda scraped: (scraped.message, scraped.as_json()),
            )
        except CommandFailed as error:
            raise BrowserFailed(error.message) from error
        except BrowserLost as error:
            raise await self._over(payer.workspace_id, session_id) from error
        finally:
            if steps:
                await self._sessions.record_steps(session_id, "execution_result", steps)

    async def read_and_extract(self, session_id: str, wish: ScrapePage, payer: Payer) -> Scraped:
        """Read the current tab of a session.

        Raises ``CommandFailed``, ``BrowserLost``, ``TooBusy``, ``PaymentRequired``.
        """
        ends_at = self._clock.monotonic() + _IN_ALL_SECONDS
        return await self.extract(await self.read(session_id, wish), wish, payer, ends_at)

    async def visit(self, session_id: str, url: str, wish: ScrapePage, action: Mapping[str, Any]) -> PageRead:
        """Go to an address and read what is there, a page or a file; both are kept in the trajectory.

        ``action`` is the scrape. Raises ``CommandFailed``, ``BrowserLost``.
        """
        steps: list[dict[str, Any]] = []
        try:
            going = {"type": "goto", "url": url}
            await self._kept(steps, going, self._go(session_id, url), lambda message: (message, None))
            # At once: a page that was read before it is painted need not be painted.
            return await self._kept(steps, action, self.read(session_id, wish), lambda _: ("Read the page", None))
        finally:
            await self._sessions.record_steps(session_id, "execution_result", steps)

    async def _go(self, session_id: str, url: str) -> str:
        try:
            # Reading waits for the page to come to rest by itself, and longer than a navigation may take.
            done = await self._run(session_id, Goto(url, "domcontentloaded", _GOTO_SECONDS))
        except CommandFailed as error:
            # A file, or a page that is still waiting for something: what is there can be read.
            if not error.context.keys() & {"download_url", "shown_url"}:
                raise
            return error.message
        return done.message if isinstance(done, Done) else ""

    async def read(self, session_id: str, wish: ScrapePage) -> PageRead:
        """The document of the session's current tab. Raises ``CommandFailed``, ``BrowserLost``."""
        read = await self._run(session_id, ReadPage(wish.selector, _READ_SECONDS))
        if not isinstance(read, PageRead):
            raise TypeError(f"the fleet answered a reading with {type(read).__name__}")
        return read

    async def extract(self, read: PageRead, wish: ScrapePage, payer: Payer, ends_at: float) -> Scraped:
        """What ``wish`` asks for out of a document, by ``ends_at`` of the monotonic clock.

        Raises as ``read_and_extract``.
        """
        try:
            if read.tree:
                extracted = await self._extractor.page(read.tree, wish.options, with_images=wish.only_images)
            else:
                extracted = await self._extractor.file(read.content_type, read.body, read.url, wish.options)
        except UnreadableDocument as error:
            raise CommandFailed("ActionExecutionError", error.message) from error
        return await self.scraped(extracted, wish, payer, ends_at)

    async def _kept(
        self,
        steps: list[dict[str, Any]],
        action: Mapping[str, Any],
        work: Awaitable[T],
        telling: Callable[[T], tuple[str, Mapping[str, Any] | None]],
    ) -> T:
        """Do ``work`` and add to ``steps`` what came of it: ``telling`` has the words and the data for it."""
        started_at = self._clock.now()
        try:
            done = await work
        except CommandFailed as error:
            failure = Failure(error.kind, error.message)
            outcome = Outcome(started_at, self._clock.now(), error.message, failure=failure)
            steps.append(trajectory_value(action, outcome))
            raise
        message, data = telling(done)
        steps.append(trajectory_value(action, Outcome(started_at, self._clock.now(), message, data)))
        return done

    async def scraped(self, extracted: Extracted, wish: ScrapePage, payer: Payer, ends_at: float) -> Scraped:
        """The reply to ``wish``, once the markdown is there. Raises ``PaymentRequired``."""
        markdown = "" if wish.only_images else extracted.markdown
        images = extracted.images if wish.only_images else None
        if not wish.asks_a_model:
            return Scraped(markdown, images)
        budget = self._new_budget()
        left_seconds = ends_at - self._clock.monotonic()
        found = await structured(
            self._llm,
            payer,
            extracted.markdown,
            instructions=wish.instructions or None,
            schema=wish.schema,
            model=wish.model,
            budget=budget,
            deadline_seconds=max(_LEAST_MODEL_SECONDS, min(_MODEL_SECONDS, left_seconds)),
        )
        mapping = extracted.placeholders
        if mapping:
            data = placeholders.restore(found.data, mapping)
            found = Structured(found.success, found.error, data, found.completed)
            markdown = placeholders.restore(markdown, mapping)
        was_called = found.completed is not None or budget.spent_nanos > 0
        return Scraped(markdown, images, found, budget.spent_nanos if was_called else None)


def _image(image: Image) -> dict[str, Any]:
    return {"url": image.url, "category": image.category.value, "description": image.description}
