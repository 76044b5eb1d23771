"""One viewer's place in a session: what it sees, and what the person at it does.

What must always hold: a viewer that may only look changes nothing, whatever it sends; one without control changes
nothing while another person has it; what a viewer holds down goes up when it leaves, and when another takes over.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from noctule.browser.commands import BrowserLost, Command, CommandFailed
from noctule.browser.steering import Input, Key, Mouse
from noctule.debug.service.control import Control
from noctule.debug.service.ports import Browsers, Runs
from noctule.debug.service.rooms import Room
from noctule.debug.service.watching import Watcher

log = logging.getLogger(__name__)

_MOST_COMMANDS_WAITING = 8
_COMMAND_SECONDS = 45.0
_SAME_NOTICE_SECONDS = 2.0
_CURSOR_SECONDS = 0.08
# Each change of control is told to everybody and kept.
_NEXT_TAKE_OVER_SECONDS = 0.25
_READ_ONLY = "This view is for looking only."
_ANOTHER_HAS_CONTROL = "Another person has control; take over to act here yourself."


class Watch:
    """A place that only sees. ``watcher`` says what is to be sent."""

    def __init__(self, room: Room, watcher: Watcher, leave: Callable[[], None]) -> None:
        self.watcher = watcher
        self._room = room
        self._leave = leave

    def sent(self) -> None:
        """What the watcher gave is on its way."""
        self.watcher.sent()
        self._room.ready()

    def received(self) -> None:
        """The client acknowledges a frame."""
        if self.watcher.received():
            self._room.ready()

    def leave(self) -> None:
        """The client is gone."""
        self._leave()


class Seat(Watch):
    """A viewer's place. ``who`` is what the person is called until they say who they are."""

    def __init__(
        self,
        room: Room,
        *,
        interactive: bool,
        control: Control,
        browsers: Browsers,
        runs: Runs,
    ) -> None:
        self.session_id = room.session_id
        self._interactive = interactive
        self._control = control
        self._browsers = browsers
        self._runs = runs
        self._who = secrets.token_urlsafe(12)
        self._pressed: dict[str, Mouse] = {}
        self._held: dict[str, Key] = {}
        self._commands = 0
        self._in_turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._notice = ("", 0.0)
        self._took_over_at = -_NEXT_TAKE_OVER_SECONDS
        self._cursor = ""
        self._cursor_at: tuple[float, float] | None = None
        self._cursor_task: asyncio.Task[None] | None = None
        watcher = Watcher(30.0)
        hello = {"session_id": self.session_id, "interactive": interactive}
        watcher.tell(room.event("hello", hello))
        super().__init__(room, watcher, room.join_viewer(watcher, self._control_changed))
        if interactive:
            control.come(self.session_id, self._who)
        self._tell_control()

    # -- what the person does ------------------------------------------------------------------------------

    def hello(self, who: str) -> None:
        """The person says who they are, and has again what they had."""
        former, self._who = self._who, who
        if self._interactive:
            self._control.come(self.session_id, who)
            self._control.leave(self.session_id, former)
        self._tell_control()

    def take_over(self) -> None:
        """The person wants control."""
        now = asyncio.get_running_loop().time()
        if not self._interactive:
            self.notice(_READ_ONLY)
        elif now - self._took_over_at >= _NEXT_TAKE_OVER_SECONDS:
            self._took_over_at = now
            self._browsers.touch(self.session_id)
            self._control.take(self.session_id, self._who)

    def hand_back(self) -> None:
        """The person gives control back."""
        if self._interactive:
            self._control.hand_back(self.session_id, self._who)

    def steer(self, given: Input) -> None:
        """Mouse, wheel, keys, text."""
        if (refusal := self._refusal()) is not None:
            # A mouse that only passes over is no attempt to act.
            if not (isinstance(given, Mouse) and given.kind == "move"):
                self.notice(refusal)
            return
        self._browsers.touch(self.session_id)
        self._remember(given)
        if (problem := self._room.hand.steer(given)) is not None:
            self.notice(problem)
        elif isinstance(given, Mouse) and given.kind == "move":
            self._look_at_cursor(given.x, given.y)
        else:
            self._room.look_soon()

    def ask(self, command: Command) -> None:
        """Addresses, history and tabs: commands, one after the other."""
        if (refusal := self._refusal()) is not None:
            self.notice(refusal)
        elif self._commands >= _MOST_COMMANDS_WAITING:
            self.notice("The browser is busy; this was not done.")
        else:
            self._commands += 1
            self._browsers.touch(self.session_id)
            self._spawn(self._carry_out(command))

    def copy(self) -> None:
        """The person wants the text that is selected."""
        if (refusal := self._refusal()) is not None:
            self.notice(refusal)
        elif len(self._tasks) < _MOST_COMMANDS_WAITING:
            self._spawn(self._copy())

    def notice(self, text: str) -> None:
        """Tell the person something, once in a while."""
        now = asyncio.get_running_loop().time()
        last, at = self._notice
        if text != last or now - at >= _SAME_NOTICE_SECONDS:
            self._notice = (text, now)
            self.watcher.tell(self._room.event("notice", text))

    def leave(self) -> None:
        self._let_go()
        for task in self._tasks:
            task.cancel()
        if self._interactive:
            self._control.leave(self.session_id, self._who)
        super().leave()

    # -- inside --------------------------------------------------------------------------------------------

    def _refusal(self) -> str | None:
        if not self._interactive:
            return _READ_ONLY
        holder = self._control.holder(self.session_id)
        return _ANOTHER_HAS_CONTROL if holder is not None and holder.who != self._who else None

    def _control_changed(self) -> None:
        if self._refusal() is not None:
            # From now on the hand's own "up" would be refused.
            self._let_go()
        self._tell_control()

    def _let_go(self) -> None:
        for pressed in self._pressed.values():
            self._room.hand.steer(replace(pressed, kind="up", buttons=0))
        for held in self._held.values():
            self._room.hand.steer(replace(held, kind="up", text="", is_repeat=False))
        self._pressed.clear()
        self._held.clear()

    def _tell_control(self) -> None:
        holder = self._control.holder(self.session_id)
        if holder is None:
            state: dict[str, str | None] = {"holder": None, "since": None}
        else:
            whose = "you" if holder.who == self._who and self._interactive else "other"
            state = {"holder": whose, "since": holder.since.isoformat()}
        self.watcher.tell(self._room.event("control", state))

    def _remember(self, given: Input) -> None:
        match given:
            case Mouse(kind="down"):
                self._pressed[given.button] = given
            case Mouse(kind="up"):
                self._pressed.pop(given.button, None)
            case Key(kind="down") if len(self._held) < _MOST_COMMANDS_WAITING:
                self._held[given.code or given.key] = given
            case Key(kind="up"):
                self._held.pop(given.code or given.key, None)
            case _:
                pass

    async def _carry_out(self, command: Command) -> None:
        try:
            async with self._in_turn, asyncio.timeout(_COMMAND_SECONDS):
                await self._runs.run(self.session_id, command)
        except TimeoutError:
            self.notice("The browser did not answer.")
        except CommandFailed as error:
            self.notice(error.message)
        except BrowserLost:
            return
        finally:
            self._commands -= 1
            self._room.look_soon()

    async def _copy(self) -> None:
        text = await self._room.hand.selection()
        self.watcher.tell(self._room.event("copied", text))

    def _look_at_cursor(self, x: float, y: float) -> None:
        self._cursor_at = (x, y)
        if self._cursor_task is None or self._cursor_task.done():
            self._cursor_task = self._spawn(self._follow_cursor())

    async def _follow_cursor(self) -> None:
        while self._cursor_at is not None:
            (x, y), self._cursor_at = self._cursor_at, None
            shape = await self._room.hand.cursor(x, y)
            if shape and shape != self._cursor:
                self._cursor = shape
                self.watcher.tell(self._room.event("cursor", shape))
            await asyncio.sleep(_CURSOR_SECONDS)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a viewer's wish for session %s failed", self.session_id, exc_info=error)
