"""One tab as our connection sees it: where it is, how far it has loaded, whether it lives.

The state is kept by events alone, so that looking at it costs nothing and a wait is a wait for the next event.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from noctule.browser.cdp import CdpClosed, CdpConnection, CdpError, CdpTimeout
from noctule.browser.commands import CommandFailed
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.frames import Frames
from noctule.browser.driver.world import World

_PROBE_SECONDS = 0.5
_REMEMBERED_LOADERS = 16
_REMEMBERED_DIALOGS = 8
_MOST_ORIGINS = 200
_MAX_DIALOG_CHARACTERS = 300

CRASHED = "The page crashed; navigate again to go on"
_STUCK = "The page does not answer any more; navigate again to go on"


@dataclass(frozen=True, slots=True)
class Dialog:
    """A native dialog that was open. ``number`` counts those of its tab."""

    number: int
    kind: str
    text: str
    accepted: bool


class Tab:
    """A page target that we are attached to.

    ``seen`` says in which world each id of the last observation lives. ``navigations`` counts those that the page or
    a person asked for, whether they come to anything or not, and ``windows`` the new windows that it asked for.
    ``origins`` are those that it has been at, first to last.
    ``download_url`` is the file that the last navigation led to instead of a page, if it did.
    """

    def __init__(
        self, connection: CdpConnection, target_id: str, session_id: str, dialog_grace_seconds: Callable[[], float]
    ) -> None:
        self.target_id = target_id
        self.session_id = session_id
        self.url = "about:blank"
        self.unreachable_url: str | None = None
        self.crashed = False
        self.stuck = False
        self.closed = False
        self.opener_id = ""
        self.loader_id = ""
        self.loading = False
        self.navigations = 0
        self.same_document_navigations = 0
        self.starts = 0
        self.stops = 0
        self.windows = 0
        self.window_url = ""
        self.opened_for = ""
        self.choosers: deque[int] = deque(maxlen=1)
        self.download_url = ""
        self.dialogs: deque[Dialog] = deque(maxlen=_REMEMBERED_DIALOGS)
        self.origins: dict[str, None] = {}
        self.on_paused: Callable[[Tab, dict[str, Any]], None] | None = None
        self.seen: dict[str, World] = {}
        self.world = World(connection, session_id, target_id)
        self.frames = Frames(connection, self.world)
        self._connection = connection
        self._dialog_grace_seconds = dialog_grace_seconds
        self._dialog: asyncio.TimerHandle | None = None
        self._open_dialog: Dialog | None = None
        self._loaders: deque[str] = deque(maxlen=_REMEMBERED_LOADERS)
        self._reached: set[str] = set()
        self._changed: asyncio.Future[None] | None = None

    async def call(
        self, method: str, params: dict[str, Any] | None = None, *, timeout_seconds: float = 10.0
    ) -> dict[str, Any]:
        """Call a method of this tab; errors as of ``CdpConnection.call``."""
        return await self._connection.call(method, params, session_id=self.session_id, timeout_seconds=timeout_seconds)

    def post(self, method: str, params: dict[str, Any] | None = None) -> None:
        """Call a method of this tab without waiting for it."""
        self._connection.post(method, params, session_id=self.session_id)

    def must_live(self) -> None:
        """Raise ``CommandFailed`` where no renderer can answer."""
        if self.crashed:
            raise CommandFailed("ActionExecutionError", CRASHED)
        if self.stuck:
            raise CommandFailed("ActionExecutionError", _STUCK)

    async def until(self, condition: Callable[[], bool], deadline: Deadline) -> bool:
        """Wait until an event makes the condition true; ``False`` if the deadline came first.

        Raises ``CdpClosed`` when the tab is closed or crashes meanwhile.
        """
        loop = asyncio.get_running_loop()
        while not condition():
            if self.closed:
                raise CdpClosed("the tab was closed")
            if self.crashed:
                raise CdpClosed(CRASHED)
            if self._changed is None or self._changed.done():
                self._changed = loop.create_future()
            left = deadline.at - loop.time()
            if left <= 0:
                return False
            await asyncio.wait((self._changed,), timeout=left)
        return True

    def has_reached(self, event: str, loader_id: str) -> bool:
        """Whether that document, or one that replaced it, has come to a lifecycle event."""
        return loader_id in self._loaders and event in self._reached

    def has_new_document(self, event: str, previous_loader_id: str) -> bool:
        """Whether a document other than that one has come to a lifecycle event."""
        return self.loader_id != previous_loader_id and event in self._reached

    @asynccontextmanager
    async def stopping_scripts(self) -> AsyncIterator[None]:
        """What is done inside, and times out because a script of the page does not end, fails with words about that
        once the script was stopped. Raises ``CommandFailed``."""
        try:
            yield
        except CdpTimeout:
            if not await self.unstick():
                raise
            raise CommandFailed(
                "ActionExecutionError", "The page did not answer in time: a script of it did not end, and was stopped"
            ) from None

    async def unstick(self) -> bool:
        """End a script that keeps the page from answering; says whether there was one.

        A page that does not come back even then (its script holds up a navigation that has half begun, say)
        is ``stuck``: only another tab helps.
        """
        if await self._answers():
            self.stuck = False
            return False
        self.post("Runtime.terminateExecution")
        self.stuck = not await self._answers()
        return True

    async def _answers(self) -> bool:
        if self.crashed or self.closed:
            return True
        try:
            await self.call("Runtime.evaluate", {"expression": "0"}, timeout_seconds=_PROBE_SECONDS)
        except CdpTimeout:
            return False
        except CdpError:
            pass
        return True

    def mark_closed(self) -> None:
        """The target is gone."""
        self.closed = True
        self._cancel_dialog()
        self._connection.fail_session(self.session_id, "the tab was closed")
        self._pulse()

    def on_event(self, method: str, params: dict[str, Any]) -> None:
        """Take one event of this tab in."""
        handler = _HANDLERS.get(method)
        if handler is not None:
            handler(self, params)
            self._pulse()

    # -- events --------------------------------------------------------------------------------------------

    def _lifecycle(self, params: dict[str, Any]) -> None:
        if params["frameId"] != self.target_id:
            return
        loader_id, name = params["loaderId"], params["name"]
        if name == "commit" or (name == "init" and loader_id != self.loader_id):
            self._enter(loader_id)
        if loader_id == self.loader_id:
            self._reached.add(name)

    def _navigated(self, params: dict[str, Any]) -> None:
        frame = params["frame"]
        if frame.get("parentId"):
            return
        self.crashed = False
        self._enter(frame["loaderId"])
        self._reached.add("commit")
        if len(self.origins) < _MOST_ORIGINS:
            self.origins[frame.get("securityOrigin", "")] = None
        if params.get("type") == "BackForwardCacheRestore":
            self._reached |= {"DOMContentLoaded", "load", "networkIdle"}
        self.url = frame["url"] + frame.get("urlFragment", "")
        self.unreachable_url = frame.get("unreachableUrl")

    def _navigated_within_document(self, params: dict[str, Any]) -> None:
        if params["frameId"] == self.target_id:
            self.url = params["url"]
            self.same_document_navigations += 1

    def _enter(self, loader_id: str) -> None:
        if loader_id != self.loader_id:
            self.loader_id = loader_id
            self._loaders.append(loader_id)
            self.download_url = ""
            self.stuck = False
            self._reached = set()
            self.world.forget()

    def _dialog_opening(self, params: dict[str, Any]) -> None:
        """Nobody is there to answer a native dialog, and until somebody does the page stands still.

        A client of the session may have a handler of its own, so it gets a moment to be first.
        """
        self._cancel_dialog()
        leaving = params.get("type") == "beforeunload"
        answer = {"accept": leaving}
        number = self.dialogs[-1].number + 1 if self.dialogs else 1
        text = str(params.get("message", ""))[:_MAX_DIALOG_CHARACTERS]
        self._open_dialog = Dialog(number, str(params.get("type", "")), text, leaving)
        grace = self._dialog_grace_seconds()
        if grace <= 0:
            self.post("Page.handleJavaScriptDialog", answer)
        else:
            loop = asyncio.get_running_loop()
            self._dialog = loop.call_later(grace, self.post, "Page.handleJavaScriptDialog", answer)

    def _dialog_closed(self, params: dict[str, Any]) -> None:
        self._cancel_dialog()
        if self._open_dialog is not None:
            self.dialogs.append(replace(self._open_dialog, accepted=bool(params.get("result"))))
            self._open_dialog = None

    def _requested(self, params: dict[str, Any]) -> None:
        leads_elsewhere = params.get("disposition", "currentTab") != "currentTab"
        within = params.get("navigationType", "") in _WITHIN_DOCUMENT
        if params["frameId"] == self.target_id and not leads_elsewhere and not within:
            self.navigations += 1

    def _started(self, params: dict[str, Any]) -> None:
        if params["frameId"] == self.target_id:
            self.loading = True
            self.starts += 1

    def _stopped(self, params: dict[str, Any]) -> None:
        if params["frameId"] == self.target_id:
            self.loading = False
            self.stops += 1

    def _window_opened(self, params: dict[str, Any]) -> None:
        self.windows += 1
        self.window_url = str(params.get("url", ""))

    def _crashed(self, params: dict[str, Any]) -> None:
        self.crashed = True
        self.loading = False
        self._cancel_dialog()
        self._connection.fail_session(self.session_id, CRASHED)

    def _reloaded(self, params: dict[str, Any]) -> None:
        self.crashed = False

    def _chooser_opened(self, params: dict[str, Any]) -> None:
        self.choosers.append(int(params.get("backendNodeId", 0)))

    def _paused(self, params: dict[str, Any]) -> None:
        if self.on_paused is not None:
            self.on_paused(self, params)

    def _cancel_dialog(self) -> None:
        if self._dialog is not None:
            self._dialog.cancel()
            self._dialog = None

    def _pulse(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)


_WITHIN_DOCUMENT = ("sameDocument", "historySameDocument")

_HANDLERS: dict[str, Callable[[Tab, dict[str, Any]], None]] = {
    "Page.lifecycleEvent": Tab._lifecycle,
    "Page.frameNavigated": Tab._navigated,
    "Page.navigatedWithinDocument": Tab._navigated_within_document,
    "Page.frameRequestedNavigation": Tab._requested,
    "Page.frameStartedNavigating": Tab._requested,
    "Page.frameStartedLoading": Tab._started,
    "Page.frameStoppedLoading": Tab._stopped,
    "Page.windowOpen": Tab._window_opened,
    "Page.fileChooserOpened": Tab._chooser_opened,
    "Page.javascriptDialogOpening": Tab._dialog_opening,
    "Page.javascriptDialogClosed": Tab._dialog_closed,
    "Fetch.requestPaused": Tab._paused,
    "Inspector.targetCrashed": Tab._crashed,
    "Inspector.targetReloadedAfterCrash": Tab._reloaded,
}
