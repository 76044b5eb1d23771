"""Who has control, and how long programs wait for it."""

import asyncio
from typing import Any

import pytest

from noctule.debug.service import Control
from noctule.kit.errors import Conflict
from tests.support.clock import FrozenClock

ADA, BOB, SESSION = "ada-ada-ada", "bob-bob-bob", "s"


class _Notes:
    def __init__(self) -> None:
        self.kept: list[tuple[str, str, dict[str, Any]]] = []

    def note(self, session_id: str, kind: str, data: dict[str, Any]) -> None:
        self.kept.append((session_id, kind, data))


def _holder(control: Control) -> str | None:
    holder = control.holder(SESSION)
    return holder.who if holder else None


def test_programs_go_on_at_once_where_nobody_has_control() -> None:
    async def act() -> None:
        await asyncio.wait_for(Control(FrozenClock()).free(SESSION), 1)

    asyncio.run(act())


def test_programs_wait_for_the_hand_back_and_then_go_on() -> None:
    async def act() -> None:
        control = Control(FrozenClock())
        control.take(SESSION, ADA)
        waiting = asyncio.create_task(control.free(SESSION))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        control.hand_back(SESSION, BOB)
        await asyncio.sleep(0)
        assert _holder(control) == ADA
        control.hand_back(SESSION, ADA)
        await asyncio.wait_for(waiting, 1)

    asyncio.run(act())


def test_programs_are_refused_when_they_have_waited_for_long_and_nothing_else_is_held() -> None:
    async def act() -> None:
        control = Control(FrozenClock(), hold_seconds=0.02)
        control.take(SESSION, ADA)
        with pytest.raises(Conflict, match="A person has taken session s over") as refused:
            await control.free(SESSION)
        assert refused.value.headers["retry-after"] == "5"
        await control.free("another")
        # Whoever gave up waiting has not ended the wait of the next.
        waiting = asyncio.create_task(control.free(SESSION))
        await asyncio.sleep(0)
        control.hand_back(SESSION, ADA)
        await waiting

    asyncio.run(act())


def test_the_last_to_take_over_has_it_and_everybody_hears_of_it() -> None:
    async def act() -> None:
        control = Control(FrozenClock())
        heard: list[str | None] = []
        control.on_change = lambda session_id: heard.append(_holder(control))
        control.take(SESSION, ADA)
        control.take(SESSION, ADA)
        control.take(SESSION, BOB)
        control.hand_back(SESSION, ADA)
        control.hand_back(SESSION, BOB)
        assert heard == [ADA, BOB, None]

    asyncio.run(act())


def test_who_is_gone_has_it_for_a_moment_and_may_come_back() -> None:
    async def act() -> None:
        control = Control(FrozenClock(), come_back_seconds=0.05)
        control.take(SESSION, ADA)
        control.leave(SESSION, ADA)
        control.come(SESSION, ADA)
        await asyncio.sleep(0.1)
        assert _holder(control) == ADA
        control.leave(SESSION, BOB)
        control.leave(SESSION, ADA)
        assert _holder(control) == ADA
        await asyncio.sleep(0.1)
        assert _holder(control) is None

    asyncio.run(act())


def test_a_connection_that_broke_long_ago_takes_nothing_from_who_is_back_by_another() -> None:
    async def act() -> None:
        control = Control(FrozenClock(), come_back_seconds=0.02)
        control.come(SESSION, ADA)
        control.take(SESSION, ADA)
        control.come(SESSION, ADA)
        control.leave(SESSION, ADA)
        await asyncio.sleep(0.06)
        assert _holder(control) == ADA
        control.leave(SESSION, ADA)
        await asyncio.sleep(0.06)
        assert _holder(control) is None

    asyncio.run(act())


def test_the_end_of_the_session_ends_it_and_all_of_it_is_kept() -> None:
    async def act() -> None:
        notes, clock = _Notes(), FrozenClock()
        control = Control(clock, notes)
        control.take(SESSION, ADA)
        clock.advance(12.5)
        waiting = asyncio.create_task(control.free(SESSION))
        await asyncio.sleep(0)
        control.end(SESSION)
        control.end(SESSION)
        await waiting
        assert notes.kept == [
            (SESSION, "takeover", {"state": "begun"}),
            (SESSION, "takeover", {"state": "ended", "reason": "session ended", "seconds": 12.5}),
        ]

    asyncio.run(act())
