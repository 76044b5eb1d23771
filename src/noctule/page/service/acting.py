"""Carrying out one deed: what the browser has to do for it, and what it answers.

What must always hold: whatever an action needs that this server does not have is told before the page is touched; an
id is looked for in the very observation it came from, and only if that is over is its selector.
"""

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from noctule.browser.commands import (
    Acted,
    Command,
    CommandFailed,
    Done,
    Downloaded,
    DownloadFile,
    Evaluated,
    File,
    Goto,
    RemoteFile,
    Result,
    Target,
    UploadFile,
)
from noctule.kit.clock import Clock
from noctule.kit.errors import Conflict, NoctuleError, NotFound
from noctule.llm.protocol import Payer
from noctule.page.domain import AskForHelp, Complete, Found, ReadMessages, SolveCaptcha
from noctule.page.service.deeds import Deed, Sighted, Upload
from noctule.page.service.files import Files
from noctule.page.service.scraping import ScrapePage, Scraping
from noctule.page.service.sightings import Sightings

_INVALID = "InvalidActionError"
_FAILED = "ActionExecutionError"
_GONE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Effect:
    """What a deed came to; the fields are those of an ``Outcome``."""

    message: str
    data: Mapping[str, Any] | None = None
    found: Found | None = None
    cost_nanos: int | None = None
    is_secret: bool = False


class Executor:
    """Carries out deeds. ``run`` takes a command to the session's browser."""

    def __init__(
        self,
        *,
        run: Callable[[str, Command], Awaitable[Result]],
        sightings: Sightings,
        scraping: Scraping,
        clock: Clock,
        files: Files | None,
    ) -> None:
        self._run = run
        self._clock = clock
        self._sightings = sightings
        self._scraping = scraping
        self._files = files

    async def carry_out(self, payer: Payer, session_id: str, deed: Deed) -> Effect:
        """Do it.

        Raises ``CommandFailed`` for what could not be done, ``BrowserLost``, ``Conflict`` for an id before anything
        was observed and for what this server does not have, and what scraping raises.
        """
        command: Command
        key: str | None = None
        match deed:
            case Complete(success=success, answer=answer):
                return Effect(f"Task completed {'successfully' if success else 'unsuccessfully'}: {answer}")
            case AskForHelp(reason=reason):
                raise CommandFailed(_FAILED, f"Help is needed to go on: {reason}")
            case SolveCaptcha():
                raise CommandFailed(
                    _FAILED, "The captcha was not solved: no captcha solver is configured on this server."
                )
            case ReadMessages(kind=kind):
                raise Conflict(f"Session {session_id} has no persona, so there are no {kind} to read.")
            case ScrapePage():
                scraped = await self._scraping.read_and_extract(session_id, deed, payer)
                return Effect(scraped.message, scraped.as_json(), cost_nanos=scraped.cost_nanos)
            case Upload():
                command, key = await self._upload(payer.workspace_id, session_id, deed), deed.key
            case Sighted():
                command, key = deed.command, deed.key
            case _:
                command = deed
        if isinstance(command, DownloadFile):
            self._storage()
        try:
            result = await self._act(session_id, command, key)
        except CommandFailed as error:
            if isinstance(command, Goto) and error.context.get("download_url"):
                return Effect(
                    f"{error.context['download_url']} is a file, not a page, and the tab stays where it was. Scrape "
                    "reads it; download_file with the selector 'body' keeps it."
                )
            raise
        return await self._told(payer.workspace_id, session_id, command, result)

    async def _act(self, session_id: str, command: Command, key: str | None) -> Result:
        target = _target(command)
        if target is None or not target.id:
            return await self._run(session_id, command)
        if not target.selectors:
            if session_id not in self._sightings:
                raise Conflict(
                    f"Session {session_id} was not observed yet, so the id '{target.id}' means nothing: observe first, "
                    "or use a selector."
                )
            return await self._run(session_id, command)
        if key is not None and self._sightings.is_last(session_id, key):
            started = self._clock.monotonic()
            try:
                return await self._run(session_id, _aimed(command, Target(id=target.id)))
            except CommandFailed as error:
                # The element is gone; another one may have taken its place. One that went while it was waited for
                # has used up the time.
                if error.kind != _INVALID or self._clock.monotonic() - started > _GONE_SECONDS:
                    raise
        return await self._run(session_id, _aimed(command, replace(target, id="")))

    async def _told(self, workspace_id: str, session_id: str, command: Command, result: Result) -> Effect:
        match result:
            case Done(message=message):
                return Effect(message)
            case Evaluated(text=text):
                return Effect("Evaluated the JavaScript", {"markdown": text})
            case Acted():
                return _effect(result)
            case Downloaded(file=None, acted=acted, kept_as=name):
                return _effect(acted, f" It is kept as {name!r}.")
            case Downloaded(file=File() as file, acted=acted):
                try:
                    name = await self._storage().keep(workspace_id, session_id, file)
                except NoctuleError as error:
                    # The page was acted on, so this is an outcome like any other.
                    raise CommandFailed(_FAILED, f"{acted.message} It could not be kept: {error.message}") from error
                return _effect(acted, f" It is kept as {name!r}.")
            case other:
                raise TypeError(f"the fleet answered {type(command).__name__} with {type(other).__name__}")

    async def _upload(self, workspace_id: str, session_id: str, deed: Upload) -> UploadFile:
        file: File | RemoteFile
        if deed.file_id is None and deed.name.strip().lower().startswith(("http://", "https://")):
            file = RemoteFile(deed.name.strip())
        else:
            file = await self._fetched(workspace_id, session_id, deed)
        return UploadFile(deed.target, file, deed.press_enter, deed.timeout_seconds)

    async def _fetched(self, workspace_id: str, session_id: str, deed: Upload) -> File:
        files = self._storage()
        # A name may begin with a space, and more often one slipped in.
        for wanted in dict.fromkeys((deed.file_id, deed.name)):
            if wanted is not None:
                with contextlib.suppress(NotFound):
                    return await files.fetch(workspace_id, session_id, wanted)
        try:
            return await files.fetch(workspace_id, session_id, deed.name.strip())
        except NotFound as error:
            raise CommandFailed(_INVALID, error.message) from error

    def _storage(self) -> Files:
        if self._files is None:
            raise Conflict(
                "This server has no storage for files, so none can be uploaded to a page or downloaded from one."
            )
        return self._files


def _target(command: Command) -> Target | None:
    return getattr(command, "target", None)


def _aimed(command: Any, target: Target) -> Command:
    aimed: Command = replace(command, target=target)
    return aimed


def _effect(acted: Acted, note: str = "") -> Effect:
    found = Found(acted.selector, acted.label) if acted.selector or acted.label else None
    return Effect(acted.message + note, found=found, is_secret=acted.is_secret)
