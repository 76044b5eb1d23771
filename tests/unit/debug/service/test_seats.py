"""A viewer's place: what reaches the page, what is refused, what is told."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from noctule.browser.commands import BrowserSpec, Goto
from noctule.browser.devtools import Resource
from noctule.browser.screen import Taker
from noctule.browser.steering import Input, Key, Mouse, OpenTab, View
from noctule.debug.service import Control, Seat
from noctule.debug.service.rooms import Room
from tests.support.clock import FrozenClock
from tests.support.fleet import FakeFleet

DOWN = Mouse("down", 1, 2, "left", 1, 1)
VIEW = View((OpenTab("T", 0, "Title", "https://example.com/"),), "T")


class _Pictures:
    """Pictures that never come."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.takers: list[Taker] = []
        self.asked = 0

    def join(self, taker: Taker) -> Callable[[], None]:
        self.takers.append(taker)
        return lambda: self.takers.remove(taker)

    def ready(self) -> None:
        self.asked += 1


class _Hand:
    """Keeps what it is given; ``problem`` is what it says to it."""

    def __init__(self) -> None:
        self.given: list[Input] = []
        self.problem: str | None = None

    def steer(self, given: Input) -> str | None:
        self.given.append(given)
        return self.problem

    async def look(self) -> View:
        return VIEW

    async def selection(self) -> str:
        return "chosen words"

    async def cursor(self, x: float, y: float) -> str:
        return "pointer"


class _Browsers:
    def __init__(self) -> None:
        self.touched = 0

    def screen(self, session_id: str) -> None:
        return None

    def steering(self, session_id: str) -> None:
        return None

    def touch(self, session_id: str) -> None:
        self.touched += 1

    async def front_end(self, session_id: str, path: str) -> Resource | None:
        return None

    def has_devtools(self, session_id: str) -> bool:
        return False


class _Stage:
    """A room in which seats are taken; ``empty`` counts how often it was left by the last."""

    def __init__(self) -> None:
        self.pictures, self.hand, self.browsers, self.fleet = _Pictures(), _Hand(), _Browsers(), FakeFleet()
        self.control = Control(FrozenClock(), come_back_seconds=0.05)
        self.empty = 0
        self.room = Room("s", self.pictures, self.hand, FrozenClock(), self._on_empty)
        self.control.on_change = lambda session_id: self.room.control_changed()

    def sit(self, *, interactive: bool = True) -> Seat:
        return Seat(self.room, interactive=interactive, control=self.control, browsers=self.browsers, runs=self.fleet)

    def _on_empty(self, room: Room) -> None:
        self.empty += 1


async def _told(seat: Seat) -> list[tuple[str, Any]]:
    """Everything that waits for the client."""
    found: list[tuple[str, Any]] = []
    while True:
        try:
            async with asyncio.timeout(0.1):
                item = await seat.watcher.next()
        except TimeoutError:
            return found
        if item is None:
            return found
        event = json.loads(str(item))
        found.append((event["type"], event["data"]))


def _run(act: Callable[[_Stage], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(10):
            await act(_Stage())

    asyncio.run(bounded())


def test_a_viewer_is_told_what_it_may_do_who_has_control_and_which_tabs_there_are() -> None:
    async def act(stage: _Stage) -> None:
        told = await _told(stage.sit())
        assert told[:2] == [
            ("hello", {"session_id": "s", "interactive": True}),
            ("control", {"holder": None, "since": None}),
        ]
        kind, tabs = told[2]
        assert (kind, tabs["current"]) == ("tabs", "T")
        assert tabs["tabs"] == [{"id": "T", "title": "Title", "url": "https://example.com/"}]

    _run(act)


def test_input_reaches_the_page_and_counts_as_activity_and_looking_does_not() -> None:
    async def act(stage: _Stage) -> None:
        seat = stage.sit()
        await _told(seat)
        assert stage.browsers.touched == 0
        seat.steer(DOWN)
        assert stage.hand.given == [DOWN]
        assert stage.browsers.touched == 1

    _run(act)


def test_who_may_only_look_changes_nothing() -> None:
    async def act(stage: _Stage) -> None:
        await stage.fleet.acquire(BrowserSpec("s"), 1)
        seat = stage.sit(interactive=False)
        await _told(seat)
        seat.steer(DOWN)
        seat.steer(Key("down", "a", text="a"))
        seat.ask(Goto("https://example.com/"))
        seat.copy()
        seat.take_over()
        seat.hello("somebody-else")
        assert ("notice", "This view is for looking only.") in await _told(seat)
        assert stage.hand.given == []
        assert stage.fleet.commands == []
        assert stage.control.holder("s") is None
        assert stage.browsers.touched == 0

    _run(act)


def test_while_another_person_has_control_nothing_is_done_and_a_mouse_that_passes_is_no_attempt() -> None:
    async def act(stage: _Stage) -> None:
        first, second = stage.sit(), stage.sit()
        first.take_over()
        await _told(second)
        second.steer(Mouse("move", 1, 1))
        assert await _told(second) == []
        second.steer(DOWN)
        second.steer(DOWN)
        assert [kind for kind, _ in await _told(second)] == ["notice"]
        assert stage.hand.given == []
        first.steer(DOWN)
        assert stage.hand.given == [DOWN]
        second.take_over()
        assert ("control", "other") in [(k, d["holder"]) for k, d in await _told(first) if k == "control"]
        assert ("control", "you") in [(k, d["holder"]) for k, d in await _told(second) if k == "control"]

    _run(act)


def test_what_is_held_goes_up_when_the_viewer_leaves() -> None:
    async def act(stage: _Stage) -> None:
        seat = stage.sit()
        shift = Key("down", "Shift", "ShiftLeft", key_code=16)
        for given in (DOWN, shift, Key("down", "a", "KeyA", "a"), Key("up", "a", "KeyA")):
            seat.steer(given)
        seat.leave()
        assert stage.hand.given[4:] == [
            Mouse("up", 1, 2, "left", 0, 1),
            Key("up", "Shift", "ShiftLeft", key_code=16),
        ]
        assert stage.pictures.takers == []
        assert stage.empty == 1

    _run(act)


def test_what_is_held_goes_up_when_another_person_takes_over() -> None:
    async def act(stage: _Stage) -> None:
        first, second = stage.sit(), stage.sit()
        first.steer(DOWN)
        second.take_over()
        assert stage.hand.given == [DOWN, Mouse("up", 1, 2, "left", 0, 1)]
        first.leave()
        assert len(stage.hand.given) == 2

    _run(act)


def test_control_does_not_stay_with_a_name_that_the_person_has_given_up() -> None:
    async def act(stage: _Stage) -> None:
        seat = stage.sit()
        seat.hello("first-name")
        seat.take_over()
        seat.hello("second-name")
        assert stage.control.holder("s") is not None
        await stage.control.free("s")

    _run(act)


def test_who_comes_back_before_the_broken_connection_is_noticed_keeps_control() -> None:
    async def act(stage: _Stage) -> None:
        broken = stage.sit()
        broken.hello("ada-ada-ada")
        broken.take_over()
        back = stage.sit()
        back.hello("ada-ada-ada")
        broken.leave()
        await asyncio.sleep(0.15)
        assert stage.control.holder("s") is not None
        back.leave()
        await stage.control.free("s")

    _run(act)


def test_who_may_only_look_hands_nothing_back_under_whatever_name() -> None:
    async def act(stage: _Stage) -> None:
        seat, looking = stage.sit(), stage.sit(interactive=False)
        seat.hello("ada-ada-ada")
        seat.take_over()
        looking.hello("ada-ada-ada")
        looking.hand_back()
        looking.leave()
        await asyncio.sleep(0.15)
        assert stage.control.holder("s") is not None

    _run(act)


def test_taking_over_again_and_again_is_not_told_to_everybody_each_time() -> None:
    async def act(stage: _Stage) -> None:
        seat, other = stage.sit(), stage.sit()
        await _told(other)
        for _ in range(2000):
            seat.take_over()
            seat.hand_back()
        assert not other.watcher.is_overrun
        assert [kind for kind, _ in await _told(other)] == ["control", "control"]

    _run(act)


def test_commands_are_carried_out_one_after_the_other_and_their_failures_told() -> None:
    async def act(stage: _Stage) -> None:
        await stage.fleet.acquire(BrowserSpec("s"), 1)
        seat = stage.sit()
        seat.ask(Goto("https://example.com/"))
        seat.ask(Goto("ftp://example.com/"))
        told = await _told(seat)
        assert stage.fleet.url("s") == "https://example.com/"
        assert [data for kind, data in told if kind == "notice"] == [
            "ftp: addresses are refused; use https:// or http://"
        ]

    _run(act)


def test_receipts_for_nothing_ask_for_no_pictures() -> None:
    async def act(stage: _Stage) -> None:
        seat = stage.sit()
        for _ in range(1000):
            seat.received()
        assert stage.pictures.asked == 0

    _run(act)


def test_more_commands_than_can_wait_are_refused() -> None:
    async def act(stage: _Stage) -> None:
        await stage.fleet.acquire(BrowserSpec("s"), 1)
        stage.fleet.run_delay_seconds = 0.05
        seat = stage.sit()
        for _ in range(20):
            seat.ask(Goto("https://example.com/"))
        assert ("notice", "The browser is busy; this was not done.") in await _told(seat)
        await asyncio.sleep(0.6)
        assert len(stage.fleet.commands) == 8

    _run(act)


def test_what_is_selected_and_the_shape_of_the_mouse_are_told() -> None:
    async def act(stage: _Stage) -> None:
        seat = stage.sit()
        seat.copy()
        seat.steer(Mouse("move", 5, 5))
        told = await _told(seat)
        assert ("copied", "chosen words") in told
        assert ("cursor", "pointer") in told

    _run(act)


def test_the_end_of_the_session_is_the_last_that_is_told() -> None:
    async def act(stage: _Stage) -> None:
        seat = stage.sit()
        await _told(seat)
        stage.pictures.ended.set_result("The session was stopped.")
        assert await _told(seat) == [("error", "The session was stopped.")]
        late = stage.sit()
        assert (await _told(late))[-1] == ("error", "The session was stopped.")

    _run(act)
