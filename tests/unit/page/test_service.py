"""Deeds, outcomes, and sessions that cannot be used."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from noctule.browser.commands import BrowserSpec, CommandFailed, EvaluateJs, GoBack, Goto, Wait
from noctule.kit.errors import BrowserFailed, Conflict, NotFound
from noctule.page.domain import AskForHelp, Complete, NotSupported
from noctule.page.service import Deed, PageService
from tests.support.clock import FrozenClock
from tests.support.fleet import JPEG, FakeFleet
from tests.unit.page.sessions import FakeSessions

SID = "0b8a5d9e-0000-4000-8000-000000000001"


class House:
    """A page service with one live session ``SID`` of the workspace ``w``."""

    def __init__(self, deadline_seconds: float = 55.0) -> None:
        self.sessions = FakeSessions()
        self.fleet = FakeFleet()
        self.service = PageService(self.sessions, self.fleet, FrozenClock(), deadline_seconds)

    async def open(self) -> None:
        self.sessions.owners[SID] = "w"
        await self.fleet.acquire(BrowserSpec(SID), 1)

    def run(self, test: Callable[[], Awaitable[Any]]) -> Any:
        async def inside() -> Any:
            await self.open()
            return await test()

        return asyncio.run(inside())


def test_a_browser_command_goes_to_the_sessions_browser_and_its_message_comes_back() -> None:
    house = House()
    outcome = house.run(lambda: house.service.execute("w", SID, Goto("https://example.com"), {"type": "goto"}))
    assert (outcome.success, outcome.message, outcome.markdown) == (True, "Navigated to https://example.com", None)
    assert house.fleet.commands == [(SID, Goto("https://example.com"))]
    assert house.sessions.used == [SID]


def test_what_javascript_returned_is_the_outcomes_text() -> None:
    house = House()
    house.fleet.answers["1+1"] = "2"
    outcome = house.run(lambda: house.service.execute("w", SID, EvaluateJs("1+1"), {"type": "evaluate_js"}))
    assert (outcome.success, outcome.markdown) == (True, "2")


def test_javascript_that_returned_nothing_has_a_text_all_the_same() -> None:
    house = House()
    outcome = house.run(lambda: house.service.execute("w", SID, EvaluateJs("0"), {"type": "evaluate_js"}))
    assert outcome.markdown == "null"


def test_what_the_browser_could_not_do_is_an_outcome_and_a_step() -> None:
    house = House()
    outcome = house.run(lambda: house.service.execute("w", SID, GoBack(), {"type": "go_back"}))
    assert not outcome.success
    assert outcome.failure.kind == "ActionExecutionError"
    assert outcome.failure.message == outcome.message
    [(session_id, kind, value)] = house.sessions.steps
    assert (session_id, kind, value["success"], value["exception"]) == (
        SID,
        "execution_result",
        False,
        outcome.message,
    )


@pytest.mark.parametrize(
    ("deed", "success", "fragment"),
    [
        (Complete(True, "42"), True, "Task completed successfully: 42"),
        (Complete(False, "no luck"), True, "Task completed unsuccessfully: no luck"),
        (AskForHelp("a captcha"), False, "Help is needed to go on: a captcha"),
        (NotSupported("click"), False, "does not support the action 'click' yet"),
    ],
)
def test_deeds_without_a_browser_are_told_and_recorded(deed: Deed, success: bool, fragment: str) -> None:
    house = House()
    outcome = house.run(lambda: house.service.execute("w", SID, deed, {"type": "x"}))
    assert outcome.success is success
    assert fragment in outcome.message
    assert house.fleet.commands == []
    assert len(house.sessions.steps) == 1


def test_a_session_of_another_workspace_is_not_found_and_nothing_is_done() -> None:
    house = House()
    with pytest.raises(NotFound, match="not found"):
        house.run(lambda: house.service.execute("other", SID, Wait(0), {"type": "wait"}))
    assert house.fleet.commands == []
    assert house.sessions.steps == []


def test_a_closed_session_is_a_conflict() -> None:
    house = House()
    house.sessions.closed.add(SID)
    with pytest.raises(Conflict, match="is closed"):
        house.run(lambda: house.service.execute("w", SID, Wait(0), {"type": "wait"}))


@pytest.mark.parametrize("kind", ["execute", "screenshot"])
def test_a_browser_that_is_gone_ends_the_session_for_the_caller(kind: str) -> None:
    house = House()

    async def act() -> None:
        house.fleet.crash(SID)
        if kind == "execute":
            await house.service.execute("w", SID, Wait(0), {"type": "wait"})
        else:
            await house.service.screenshot("w", SID)

    with pytest.raises(Conflict, match="its browser is gone"):
        house.run(act)


@pytest.mark.parametrize("kind", ["execute", "screenshot"])
def test_what_is_under_way_when_its_session_ends_is_told_why(kind: str) -> None:
    house = House()
    house.fleet.run_delay_seconds = 0.05

    async def act() -> None:
        doing: Awaitable[Any] = (
            house.service.execute("w", SID, Wait(0), {"type": "wait"})
            if kind == "execute"
            else house.service.screenshot("w", SID)
        )
        under_way = asyncio.ensure_future(doing)
        await asyncio.sleep(0.01)
        house.sessions.closed.add(SID)
        await house.fleet.release(SID)
        await under_way

    with pytest.raises(Conflict, match=r"is closed$"):
        house.run(act)
    assert house.sessions.steps == []


def test_a_browser_that_never_answers_is_a_failure_inside_the_deadline() -> None:
    house = House(deadline_seconds=0.05)
    house.fleet.run_delay_seconds = 30
    outcome = house.run(lambda: house.service.execute("w", SID, Wait(0), {"type": "wait"}))
    assert not outcome.success
    assert "did not answer within 0.05 seconds" in outcome.message


def test_a_screenshot_is_the_browsers_picture_and_no_step() -> None:
    house = House()
    assert house.run(lambda: house.service.screenshot("w", SID)) == JPEG
    assert house.sessions.steps == []


def test_a_screenshot_that_failed_is_an_execution_error() -> None:
    house = House()
    house.fleet.run_error = CommandFailed("ActionExecutionError", "the page is frozen")
    with pytest.raises(BrowserFailed, match="the page is frozen") as raised:
        house.run(lambda: house.service.screenshot("w", SID))
    assert raised.value.headers == {"x-error-class": "NotteApiExecutionError"}
