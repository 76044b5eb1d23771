"""Acting on the page of a session, and looking at it.

What must always hold: an action that the browser could not carry out is an ``Outcome``, not an error; a
session that is missing, closed, or whose browser is gone is an error, not an ``Outcome``. Every action
that was tried is in the session's trajectory. Every wait on a browser is bounded.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from noctule.browser.commands import BrowserLost, Command, CommandFailed, Picture, Result, Screenshot
from noctule.extraction.extractor import Extractor
from noctule.fleet.protocol import Fleet
from noctule.kit.clock import Clock
from noctule.kit.errors import BrowserFailed, Conflict
from noctule.llm.budget import Budget
from noctule.llm.protocol import Llm, Payer
from noctule.page.domain import Failure, Outcome, secrets_of, trajectory_value
from noctule.page.service import scraping
from noctule.page.service.acting import Effect, Executor
from noctule.page.service.deeds import Deed
from noctule.page.service.files import Files
from noctule.page.service.perceiving import Perceiver, Sight
from noctule.page.service.scraping import Scraping
from noctule.page.service.sightings import Sightings

# Commands bound themselves more tightly. This is the last line: clients give up after 60 seconds.
_LAST_LINE_SECONDS = 55.0


class Sessions(scraping.Sessions, Protocol):
    """What this tag needs of sessions."""

    async def record_step(self, session_id: str, kind: str, value: dict[str, Any]) -> None:
        """Append one JSON step to the session's trajectory."""
        ...


class Control(Protocol):
    """Whether a person has taken a session over."""

    async def free(self, session_id: str) -> None:
        """Wait until no person has control of the session. Raises ``Conflict`` if one keeps it for too long."""
        ...


class Secrets(Protocol):
    """Who keeps what happens in a session, and must know what is to be masked in it."""

    def hide(self, session_id: str, secrets: Collection[str]) -> None:
        """These texts were given to the session and must not be kept of it."""
        ...


class PageService:
    """Carries out actions, looks at pages, reads them, and takes pictures.

    ``scraping`` reads pages. Without ``files`` nothing can be uploaded to a page or downloaded from one.
    ``control`` holds actions while a person has taken the session over; looking and reading go on. ``secrets`` hears
    of the passwords and codes that actions put into pages.
    """

    def __init__(
        self,
        sessions: Sessions,
        fleet: Fleet,
        clock: Clock,
        *,
        llm: Llm,
        extractor: Extractor,
        new_budget: Callable[[], Budget] = Budget,
        files: Files | None = None,
        control: Control | None = None,
        secrets: Secrets | None = None,
        deadline_seconds: float = _LAST_LINE_SECONDS,
    ) -> None:
        self._sessions = sessions
        self._fleet = fleet
        self._clock = clock
        self._deadline_seconds = deadline_seconds
        self._sightings = Sightings()
        self._control = control
        self._secrets = secrets
        self.scraping = Scraping(
            sessions=sessions,
            run=self._run,
            over=self._over,
            extractor=extractor,
            llm=llm,
            clock=clock,
            new_budget=new_budget,
        )
        self._executor = Executor(
            run=self._run, sightings=self._sightings, scraping=self.scraping, clock=clock, files=files
        )
        self._perceiver = Perceiver(
            run=self._run, sightings=self._sightings, llm=llm, clock=clock, new_budget=new_budget
        )

    async def execute(
        self,
        workspace_id: str,
        session_id: str,
        deed: Deed,
        action: Mapping[str, Any],
        *,
        api_key_id: str | None = None,
        record: bool = True,
    ) -> Outcome:
        """Do ``deed`` and keep it in the trajectory, unless told not to; ``action`` is the caller's own JSON for it.

        Raises ``NotFound`` or ``Conflict`` for a session that cannot be used, ``Conflict`` for what was not tried
        because this server does not have what it takes, because an id was given before anything was observed, or
        because a person has taken the session over and does not hand it back.
        """
        tags = await self._sessions.use(workspace_id, session_id)
        payer = Payer(workspace_id, session_id=session_id, api_key_id=api_key_id, tags=tags)
        if self._control is not None:
            await self._control.free(session_id)
        started_at = self._clock.now()
        failure: Failure | None = None
        try:
            effect = await self._executor.carry_out(payer, session_id, deed)
        except CommandFailed as error:
            effect = Effect(error.message)
            failure = Failure(error.kind, error.message)
        except BrowserLost as error:
            raise await self._over(workspace_id, session_id) from error
        outcome = Outcome(
            started_at,
            self._clock.now(),
            effect.message,
            effect.data,
            failure,
            effect.found,
            effect.cost_nanos,
            is_secret=effect.is_secret,
        )
        if self._secrets is not None and (texts := secrets_of(action, outcome)):
            self._secrets.hide(session_id, texts)
        if record:
            await self._sessions.record_step(session_id, "execution_result", trajectory_value(action, outcome))
        return outcome

    async def observe(
        self,
        workspace_id: str,
        session_id: str,
        instructions: str | None = None,
        *,
        api_key_id: str | None = None,
    ) -> Sight:
        """Look at the current tab. With instructions what they mean is chosen, and no step is kept.

        Raises ``NotFound`` or ``Conflict`` for a session that cannot be used, ``BrowserFailed`` for a page that
        cannot be looked at, ``PaymentRequired`` where nothing is left for the model.
        """
        tags = await self._sessions.use(workspace_id, session_id)
        payer = Payer(workspace_id, session_id=session_id, api_key_id=api_key_id, tags=tags)
        try:
            sight = await self._perceiver.look(payer, session_id, instructions)
        except CommandFailed as error:
            raise BrowserFailed(f"The page could not be observed: {error.message}") from error
        except BrowserLost as error:
            raise await self._over(workspace_id, session_id) from error
        if sight.chosen is None:
            await self._sessions.record_step(session_id, "observation", sight.as_step())
        return sight

    async def screenshot(self, workspace_id: str, session_id: str) -> bytes:
        """A JPEG of the current tab.

        Raises ``NotFound`` or ``Conflict`` for a session that cannot be used, ``BrowserFailed`` if no
        picture could be taken.
        """
        await self._sessions.use(workspace_id, session_id)
        try:
            result = await self._run(session_id, Screenshot())
        except CommandFailed as error:
            raise BrowserFailed(f"The screenshot failed: {error.message}") from error
        except BrowserLost as error:
            raise await self._over(workspace_id, session_id) from error
        if not isinstance(result, Picture):
            raise TypeError(f"the fleet answered a screenshot with {type(result).__name__}")
        return result.jpeg

    async def _run(self, session_id: str, command: Command) -> Result:
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await self._fleet.run(session_id, command)
        except TimeoutError as error:
            raise CommandFailed(
                "ActionExecutionError", f"The browser did not answer within {self._deadline_seconds:g} seconds."
            ) from error

    async def _over(self, workspace_id: str, session_id: str) -> Conflict:
        """Why the session has no browser any more: its end, if it has one, or else its browser's."""
        self._sightings.forget(session_id)
        try:
            await self._sessions.use(workspace_id, session_id)
        except Conflict as ended:
            return ended
        return Conflict(f"Session {session_id} is closed: its browser is gone.")
