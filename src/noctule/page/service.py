"""Acting on the page of a session.

What must always hold: an action that the browser could not carry out is an ``Outcome``, not an error; a
session that is missing, closed, or whose browser is gone is an error, not an ``Outcome``. Every action
that was tried is in the session's trajectory. Every wait on a browser is bounded.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from noctule.browser.commands import (
    BrowserLost,
    Command,
    CommandFailed,
    Done,
    Evaluated,
    EvaluateJs,
    GoBack,
    GoForward,
    Goto,
    Picture,
    Reload,
    Result,
    Screenshot,
    Wait,
)
from noctule.fleet.protocol import Fleet
from noctule.kit.clock import Clock
from noctule.kit.errors import BrowserFailed, Conflict
from noctule.page.domain import AskForHelp, Complete, Failure, NotSupported, Outcome, trajectory_value

# Commands bound themselves more tightly. This is the last line: clients give up after 60 seconds.
_LAST_LINE_SECONDS = 55.0

BrowserDeed = Goto | GoBack | GoForward | Reload | Wait | EvaluateJs
Deed = BrowserDeed | Complete | AskForHelp | NotSupported


class Sessions(Protocol):
    """What this tag needs of sessions."""

    async def use(self, workspace_id: str, session_id: str) -> None:
        """Note that the session is being used. Raises ``NotFound``, or ``Conflict`` if it has ended."""
        ...

    async def record_step(self, session_id: str, kind: str, value: dict[str, Any]) -> None:
        """Append one JSON step to the session's trajectory."""
        ...


class PageService:
    """Carries out actions and takes pictures."""

    def __init__(
        self, sessions: Sessions, fleet: Fleet, clock: Clock, deadline_seconds: float = _LAST_LINE_SECONDS
    ) -> None:
        self._sessions = sessions
        self._fleet = fleet
        self._clock = clock
        self._deadline_seconds = deadline_seconds

    async def execute(self, workspace_id: str, session_id: str, deed: Deed, action: Mapping[str, Any]) -> Outcome:
        """Do ``deed`` and keep it in the trajectory; ``action`` is the caller's own JSON for it.

        Raises ``NotFound`` or ``Conflict`` for a session that cannot be used.
        """
        await self._sessions.use(workspace_id, session_id)
        started_at = self._clock.now()
        markdown: str | None = None
        failure: Failure | None = None
        message = ""
        try:
            message, markdown = await self._do(session_id, deed)
        except CommandFailed as error:
            message = error.message
            failure = Failure(error.kind, error.message)
        except BrowserLost as error:
            raise await self._over(workspace_id, session_id) from error
        outcome = Outcome(started_at, self._clock.now(), message, markdown, failure)
        await self._sessions.record_step(session_id, "execution_result", trajectory_value(action, outcome))
        return outcome

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

    async def _do(self, session_id: str, deed: Deed) -> tuple[str, str | None]:
        """The message for people and the text brought back. Raises ``CommandFailed``, ``BrowserLost``."""
        match deed:
            case Complete(success=success, answer=answer):
                return f"Task completed {'successfully' if success else 'unsuccessfully'}: {answer}", None
            case AskForHelp(reason=reason):
                raise CommandFailed("ActionExecutionError", f"Help is needed to go on: {reason}")
            case NotSupported(action_type=action_type):
                raise CommandFailed(
                    "ActionExecutionError", f"This version of Noctule does not support the action '{action_type}' yet."
                )
        match await self._run(session_id, deed):
            case Done(message=message):
                return message, None
            case Evaluated(text=text):
                return "Evaluated the JavaScript", text
            case other:
                raise TypeError(f"the fleet answered {type(deed).__name__} with {type(other).__name__}")

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
        try:
            await self._sessions.use(workspace_id, session_id)
        except Conflict as ended:
            return ended
        return Conflict(f"Session {session_id} is closed: its browser is gone.")
