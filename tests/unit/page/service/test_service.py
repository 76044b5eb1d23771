"""Outcomes, looks and pictures, and sessions that cannot be used."""

import asyncio
from collections.abc import Awaitable, Collection
from typing import Any

import pytest

from noctule.browser.commands import CommandFailed, EvaluateJs, Fill, GoBack, Goto, Target, Wait
from noctule.kit.errors import BrowserFailed, Conflict, NotFound
from tests.support.fleet import JPEG
from tests.unit.page.house import FORM, SID, House


def test_a_browser_command_goes_to_the_sessions_browser_and_its_message_comes_back() -> None:
    house = House()
    outcome = house.execute(Goto("https://example.com"))
    assert (outcome.success, outcome.message, outcome.data) == (True, "Navigated to https://example.com", None)
    assert house.fleet.commands == [(SID, Goto("https://example.com"))]
    assert house.sessions.used == [SID]


def test_what_javascript_returned_is_the_outcomes_text() -> None:
    house = House()
    house.fleet.answers["1+1"] = "2"
    outcome = house.execute(EvaluateJs("1+1"))
    assert (outcome.success, outcome.data) == (True, {"markdown": "2"})


def test_javascript_that_returned_nothing_has_a_text_all_the_same() -> None:
    assert House().execute(EvaluateJs("0")).data == {"markdown": "null"}


def test_what_the_browser_could_not_do_is_an_outcome_and_a_step() -> None:
    house = House()
    outcome = house.execute(GoBack())
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


def test_what_was_typed_into_a_password_field_is_in_no_step() -> None:
    house = House()
    house.fleet.page.nodes = FORM
    for selector in ("#email", "#secret", "#nowhere"):
        house.execute(
            Fill(Target(selectors=(selector,)), "hush"), {"type": "fill", "selector": selector, "value": "hush"}
        )
    values = [value["action"]["value"] for _, _, value in house.sessions.steps]
    assert values == ["hush", "********", "********"]


def test_a_session_of_another_workspace_is_not_found_and_nothing_is_done() -> None:
    house = House()
    for doing in (
        lambda: house.service.execute("other", SID, Wait(0), {"type": "wait"}),
        lambda: house.service.observe("other", SID),
        lambda: house.service.screenshot("other", SID),
    ):
        with pytest.raises(NotFound, match="not found"):
            house.run(doing)
    assert house.fleet.commands == []
    assert house.sessions.steps == []


def _doing(house: House, kind: str) -> Awaitable[Any]:
    match kind:
        case "execute":
            return house.service.execute("w", SID, Wait(0), {"type": "wait"})
        case "observe":
            return house.service.observe("w", SID)
        case _:
            return house.service.screenshot("w", SID)


KINDS = pytest.mark.parametrize("kind", ["execute", "observe", "screenshot"])


@KINDS
def test_a_closed_session_is_a_conflict(kind: str) -> None:
    house = House()
    house.sessions.closed.add(SID)
    with pytest.raises(Conflict, match="is closed"):
        house.run(lambda: _doing(house, kind))


@KINDS
def test_a_browser_that_is_gone_ends_the_session_for_the_caller(kind: str) -> None:
    house = House()

    async def act() -> None:
        house.fleet.crash(SID)
        await _doing(house, kind)

    with pytest.raises(Conflict, match="its browser is gone"):
        house.run(act)


@KINDS
def test_what_is_under_way_when_its_session_ends_is_told_why(kind: str) -> None:
    house = House()
    house.fleet.run_delay_seconds = 0.05

    async def act() -> None:
        under_way = asyncio.ensure_future(_doing(house, kind))
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
    outcome = house.execute(Wait(0))
    assert not outcome.success
    assert "did not answer within 0.05 seconds" in outcome.message


def test_a_screenshot_is_the_browsers_picture_and_no_step() -> None:
    house = House()
    assert house.run(lambda: house.service.screenshot("w", SID)) == JPEG
    assert house.sessions.steps == []


@pytest.mark.parametrize("kind", ["observe", "screenshot"])
def test_a_page_that_cannot_be_looked_at_is_an_execution_error(kind: str) -> None:
    house = House()
    house.fleet.run_error = CommandFailed("ActionExecutionError", "the page is frozen")
    with pytest.raises(BrowserFailed, match="the page is frozen") as raised:
        house.run(lambda: _doing(house, kind))
    assert raised.value.headers == {"x-error-class": "NotteApiExecutionError"}
    assert house.sessions.steps == []


class _Person:
    """Has control until ``goes``."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.goes = asyncio.Event()
        self._refuses = refuses

    async def free(self, session_id: str) -> None:
        if self._refuses:
            raise Conflict("A person has taken it over.")
        await self.goes.wait()


def test_an_action_waits_for_a_person_and_looking_does_not() -> None:
    person = _Person()
    house = House(control=person)
    house.fleet.page.nodes = FORM

    async def story() -> None:
        waiting = asyncio.create_task(house.service.execute("w", SID, Goto("https://example.com"), {"type": "x"}))
        await house.service.observe("w", SID)
        await house.service.screenshot("w", SID)
        assert not waiting.done()
        assert Goto("https://example.com") not in [command for _, command in house.fleet.commands]
        person.goes.set()
        assert (await waiting).success

    house.run(story)


def test_an_action_that_a_person_holds_for_too_long_is_refused_and_nothing_is_kept_of_it() -> None:
    house = House(control=_Person(refuses=True))
    with pytest.raises(Conflict, match="A person has taken it over"):
        house.execute(Goto("https://example.com"))
    assert house.fleet.commands == []
    assert house.sessions.steps == []


class _Keeper:
    """Who keeps what happens, and has been told to hide these."""

    def __init__(self) -> None:
        self.hidden: list[tuple[str, Collection[str]]] = []

    def hide(self, session_id: str, secrets: Collection[str]) -> None:
        self.hidden.append((session_id, secrets))


def test_what_was_put_into_a_field_for_secrets_is_hidden_wherever_the_session_is_kept() -> None:
    keeper = _Keeper()
    house = House(secrets=keeper)
    house.fleet.page.nodes = FORM
    for selector, value in (("#email", "me@example.com"), ("#secret", "hunter2")):
        house.execute(Fill(Target(selectors=(selector,)), value), {"type": "fill", "value": value})
    assert keeper.hidden == [(SID, {"hunter2"})]
