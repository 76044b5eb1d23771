"""Steering: a person's input to the tab in view, and what a person needs to know of the tabs.

What must always hold:

- Inputs are carried out one after the other, in the order in which they came. None is carried out while a command
  acts on the page (a click is a move, a press and a release, and nothing may come in between).
- Nothing here waits for a page that does not answer for longer than a moment, and what waits is bounded: moves of the
  mouse and turns of the wheel are drawn together, and beyond a limit input is refused.
- Keys that full Chromium would take for shortcuts of its own window are refused, as they are to CDP clients
  (``relay/keys.py``), and addresses are opened by the commands that judge them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from noctule.browser.cdp import CdpError
from noctule.browser.commands import CommandFailed
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.tab import Tab
from noctule.browser.driver.tabs import Tabs
from noctule.browser.relay.keys import is_harmless
from noctule.browser.steering.inputs import Compose, Input, Key, Mouse, Text, Wheel

log = logging.getLogger(__name__)

_MOST_WAITING = 256
_MOST_UNANSWERED = 64
_ANSWER_SECONDS = 0.25
_CALL_SECONDS = 10.0
_LOOK_SECONDS = 2.0
_PAGE_SECONDS = 1.0
_MOST_COPIED_CHARACTERS = 1_000_000
_LONGEST_TITLE = 300
_LONGEST_URL = 4096
_LONGEST_SHAPE = 64
_MOST_WAITING_CHARACTERS = 2_000_000


@dataclass(frozen=True, slots=True)
class OpenTab:
    """An open tab. ``id`` is the browser's name for it, ``number`` its place in the order of opening."""

    id: str
    number: int
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class View:
    """The open tabs, and how it stands with the one in view."""

    tabs: tuple[OpenTab, ...]
    in_view: str = ""
    is_loading: bool = False
    can_go_back: bool = False
    can_go_forward: bool = False


class Steering:
    """A person's hand on one browser. ``acting`` is what the command that acts on the page right now ends with."""

    def __init__(
        self, tabs: Tabs, acting: Callable[[], "asyncio.Future[None] | None"], *, has_window: Callable[[], bool]
    ) -> None:
        self._tabs = tabs
        self._acting = acting
        self._has_window = has_window
        self._waiting: deque[Input] = deque()
        self._unanswered: dict[asyncio.Task[None], Input] = {}
        self._worker: asyncio.Task[None] | None = None
        self._is_closed = False

    def steer(self, given: Input) -> str | None:
        """Take one input in; answers ``None``, or why it will not be carried out, in a sentence."""
        if self._is_closed:
            return "The session is over."
        if isinstance(given, Key) and self._has_window() and not is_harmless(given.call()[1]):
            return "This key would be a shortcut of the remote browser's own window, so it was not pressed."
        if self._drawn_together(given):
            return None
        if (
            len(self._waiting) >= _MOST_WAITING
            or len(self._unanswered) >= _MOST_UNANSWERED
            or self._is_too_much_text(given)
        ):
            self._waiting.clear()
            return "The page does not answer; what was typed and clicked meanwhile is lost."
        self._waiting.append(given)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work(), name="steer a page")
        return None

    def close(self) -> None:
        """The session is over."""
        self._is_closed = True
        self._waiting.clear()
        for task in (self._worker, *self._unanswered):
            if task is not None:
                task.cancel()

    async def look(self) -> View:
        """The tabs as they are now. It asks the browser and no page, so that none can hold it up. Raises
        ``CdpError``."""
        try:
            return await self._look()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # Somebody else's browser may answer in other forms.
            raise CdpError(f"the browser tells of its tabs in a form that is not understood: {error!r}") from error

    async def _look(self) -> View:
        in_view = self._tabs.in_view
        found = await self._tabs.infos(timeout_seconds=_LOOK_SECONDS)
        tabs = [tab for tab in self._tabs.all if not tab.closed]
        opened = tuple(
            OpenTab(
                tab.target_id,
                number,
                _sendable(str(found.get(tab.target_id, {}).get("title", ""))[:_LONGEST_TITLE]),
                _sendable(tab.url[:_LONGEST_URL]),
            )
            for number, tab in enumerate(tabs)
        )
        if in_view is None or in_view.closed:
            return View(opened)
        history = await in_view.call("Page.getNavigationHistory", timeout_seconds=_LOOK_SECONDS)
        index, last = int(history["currentIndex"]), len(history["entries"]) - 1
        return View(opened, in_view.target_id, in_view.loading, can_go_back=index > 0, can_go_forward=index < last)

    async def selection(self) -> str:
        """The text that is selected in the tab in view; empty for none, and where the page does not say."""
        return _sendable(str(await self._ask("steering.selection", _MOST_COPIED_CHARACTERS)))

    async def cursor(self, x: float, y: float) -> str:
        """The shape that the mouse has at a place, in the words of CSS; empty where the page does not say."""
        return _sendable(str(await self._ask("steering.cursor", x, y))[:_LONGEST_SHAPE])

    # -- inside --------------------------------------------------------------------------------------------

    async def _ask(self, function: str, *arguments: object) -> object:
        if not await self._quiet():
            return ""
        tab = self._tabs.in_view
        if tab is None or tab.closed or tab.crashed:
            return ""
        try:
            return await tab.world.run(("steer",), function, *arguments, deadline=Deadline(_PAGE_SECONDS)) or ""
        except (CdpError, CommandFailed):
            return ""

    async def _quiet(self) -> bool:
        """Wait, for a moment, until the inputs that came before are done; says whether they are."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _PAGE_SECONDS
        while self._unanswered or self._waiting:
            pending = {task for task in (self._worker, *self._unanswered) if task is not None and not task.done()}
            left = until - loop.time()
            if left <= 0 or not pending:
                return False
            await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        return True

    def _is_too_much_text(self, given: Input) -> bool:
        if not isinstance(given, Text | Compose):
            return False
        texts = (one.text for one in (*self._waiting, *self._unanswered.values()) if isinstance(one, Text | Compose))
        return len(given.text) + sum(map(len, texts)) > _MOST_WAITING_CHARACTERS

    def _drawn_together(self, given: Input) -> bool:
        """Whether the input could be made part of the one that waits last."""
        last = self._waiting[-1] if self._waiting else None
        match last, given:
            case Mouse(kind="move"), Mouse(kind="move") if (last.buttons, last.modifiers) == (
                given.buttons,
                given.modifiers,
            ):
                self._waiting[-1] = given
            case Wheel(), Wheel() if last.modifiers == given.modifiers:
                self._waiting[-1] = replace(
                    given, delta_x=last.delta_x + given.delta_x, delta_y=last.delta_y + given.delta_y
                )
            case _:
                return False
        return True

    async def _work(self) -> None:
        while self._waiting:
            acting = self._acting()
            if acting is not None:
                await asyncio.wait((acting,))
                continue
            tab = self._tabs.in_view
            if tab is None or tab.closed:
                self._waiting.clear()
                return
            given = self._waiting.popleft()
            task = asyncio.get_running_loop().create_task(self._dispatch(tab, given), name="dispatch an input")
            self._unanswered[task] = given
            task.add_done_callback(self._unanswered.pop)
            # The next one waits for this one's answer only as long as a page in good health needs. The browser keeps
            # the order of inputs to a page by itself; what it does not is that of the mouse and the keyboard.
            busy = len(self._unanswered) > 1
            await asyncio.wait((task,), timeout=0 if busy else _ANSWER_SECONDS)
            if busy:
                await asyncio.sleep(0)

    async def _dispatch(self, tab: Tab, given: Input) -> None:
        method, params = given.call()
        try:
            await tab.call(method, params, timeout_seconds=_CALL_SECONDS)
        except CdpError as error:
            # A page that goes away over a click does not answer it.
            log.debug("an input was not answered: %s", error)


def _sendable(text: str) -> str:
    """The text without halves of surrogate pairs, which a page can put anywhere and no message can carry."""
    return text.encode("utf-8", "replace").decode("utf-8")
