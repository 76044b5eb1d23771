"""Ends for want of money, and what is said about an end to the session's streams and to those who listen."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from noctule.kit.errors import Conflict, NoctuleError
from noctule.kit.outbox import Announcement
from noctule.metering.service import BudgetAction, BudgetPeriod, BudgetScope
from noctule.sessions.domain import CloseReason, Session, StartSession, Status
from noctule.sessions.service import Starter
from tests.unit.sessions.conftest import CALLER, House

MINUTE = 833_333
SECOND_MINUTE = 833_334
SPENT = "The budget 'nightly' ($0.0005 a month for the tag 'nightly') is used up."
NIGHTLY = StartSession(tags=("nightly", "team=a"))


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run one test's story."""
    asyncio.run(asyncio.wait_for(work, 30))


async def _budget(
    house: House,
    scope: BudgetScope = BudgetScope.TAG,
    subject: str = "nightly",
    *,
    limit_nanos: int = 500_000,
    action: BudgetAction = BudgetAction.STOP,
) -> str:
    """A budget that one minute uses up, unless said otherwise; its id."""

    def step(connection: Connection) -> str:
        return house.metering.add_budget(
            connection,
            "workspace-1",
            name="nightly",
            scope=scope,
            subject=subject,
            period=BudgetPeriod.MONTH,
            limit_nanos=limit_nanos,
            action=action,
        ).id

    return await house.database.write(step)


async def _pass(house: House, seconds: float) -> None:
    """Let time pass in beats of a second, as the workers do."""
    for _ in house.tick(seconds):
        await house.sessions.ends.end_overdue()
        await house.workers.beat()


async def _rename(house: House, table: str, name: str) -> None:
    """Take a table out of the way, which no transaction survives that needs it."""
    await house.database.write(lambda connection: connection.execute(text(f"ALTER TABLE {table} RENAME TO {name}")))


async def _seen(house: House, session_id: str) -> tuple[Session, int]:
    view = await house.sessions.get("workspace-1", session_id)
    return view.session, view.cost_nanos


def _ends(house: House) -> dict[str, Announcement]:
    """What was announced about ends, by session."""
    return {str(each.data["session_id"]): each for each in house.outbox.of_type("session.ended")}


def test_a_budget_ends_a_session_at_the_end_of_the_paid_minute_and_says_so_everywhere(house: House) -> None:
    async def story() -> None:
        await _budget(house)
        session_id = (await house.sessions.start(CALLER, NIGHTLY)).session.id
        other_id = (await house.sessions.start(CALLER, StartSession(tags=("team=a",)))).session.id
        await _pass(house, 60)
        assert (await _seen(house, session_id))[0].status is Status.ACTIVE
        await _pass(house, 2)
        session, cost_nanos = await _seen(house, session_id)
        assert (session.status, session.close_reason) == (Status.CLOSED, CloseReason.BUDGET_EXHAUSTED)
        assert (session.error, cost_nanos) == (SPENT, MINUTE)
        assert house.fleet.reasons == {session_id: SPENT}
        with pytest.raises(Conflict) as refused:
            await house.sessions.use("workspace-1", session_id)
        assert refused.value.message == f"Session {session_id} is not active: it is closed. {SPENT}"
        told = _ends(house)[session_id]
        assert (told.key, told.workspace_id) == (f"session.ended:{session_id}", "workspace-1")
        assert told.data == {
            "session_id": session_id,
            "status": "closed",
            "close_reason": "budget_exhausted",
            "error": SPENT,
            "tags": ["nightly", "team=a"],
            "minutes": 1,
            "cost": "0.000833333",
        }
        assert (await _seen(house, other_id))[0].status is Status.ACTIVE
        assert list(_ends(house)) == [session_id]

    run(story())


def test_what_a_late_beat_finds_is_not_billed(house: House) -> None:
    async def story() -> None:
        await _budget(house)
        session_id = (await house.sessions.start(CALLER, NIGHTLY)).session.id
        house.clock.advance(500)
        await house.workers.beat()
        session, cost_nanos = await _seen(house, session_id)
        assert (session.status, cost_nanos) == (Status.CLOSED, MINUTE)

    run(story())


@pytest.mark.parametrize(
    ("scope", "subject"), [(BudgetScope.WORKSPACE, ""), (BudgetScope.KEY, "key-1"), (BudgetScope.TAG, "team=a")]
)
def test_every_session_that_a_budget_covers_ends_and_no_other(house: House, scope: BudgetScope, subject: str) -> None:
    async def story() -> None:
        await house.sessions.start(CALLER, NIGHTLY)
        await house.sessions.start(CALLER, NIGHTLY)
        stranger = await house.sessions.start(Starter("workspace-1", "key-2"), StartSession(tags=("else",)))
        await _budget(house, scope, subject)
        await _pass(house, 62)
        expected = 3 if scope is BudgetScope.WORKSPACE else 2
        assert len(_ends(house)) == expected
        assert (stranger.session.id in _ends(house)) == (scope is BudgetScope.WORKSPACE)
        assert {each.data["minutes"] for each in _ends(house).values()} == {1}

    run(story())


def test_the_most_that_a_session_may_cost_ends_it_alone(house: House) -> None:
    async def story() -> None:
        # More than one minute and less than two: the second is admitted and paid in full.
        limited = await house.sessions.start(CALLER, StartSession(max_cost_nanos=1_000_000))
        free = await house.sessions.start(CALLER, StartSession())
        await _pass(house, 62)
        assert (await _seen(house, limited.session.id))[0].status is Status.ACTIVE
        await _pass(house, 60)
        session, cost_nanos = await _seen(house, limited.session.id)
        assert (session.close_reason, cost_nanos) == (CloseReason.BUDGET_EXHAUSTED, MINUTE + SECOND_MINUTE)
        assert session.error == (
            f"The budget 'max cost of session {session.id}' ($0.001 in all for this session) is used up."
        )
        assert (await _seen(house, free.session.id))[0].status is Status.ACTIVE

    run(story())


def test_a_warning_ends_nothing(house: House) -> None:
    async def story() -> None:
        await _budget(house, action=BudgetAction.WARN)
        session_id = (await house.sessions.start(CALLER, NIGHTLY)).session.id
        await _pass(house, 62)
        session, cost_nanos = await _seen(house, session_id)
        assert (session.status, cost_nanos) == (Status.ACTIVE, MINUTE + SECOND_MINUTE)
        assert [each.data["percent"] for each in house.outbox.of_type("usage.budget")] == [50, 80, 100]

    run(story())


@pytest.mark.parametrize("change", ["raised", "warns", "removed"])
def test_a_budget_that_gives_way_in_time_ends_nothing(house: House, change: str) -> None:
    async def story() -> None:
        budget_id = await _budget(house)
        session_id = (await house.sessions.start(CALLER, NIGHTLY)).session.id
        await _pass(house, 59)

        def step(connection: Connection) -> None:
            if change == "raised":
                house.metering.change_budget(connection, "workspace-1", budget_id, limit_nanos=10**9)
            elif change == "warns":
                house.metering.change_budget(connection, "workspace-1", budget_id, action=BudgetAction.WARN)
            else:
                house.metering.remove_budget(connection, "workspace-1", budget_id)

        await house.database.write(step)
        await _pass(house, 10)
        assert (await _seen(house, session_id))[0].status is Status.ACTIVE

    run(story())


def test_an_end_that_cannot_be_committed_keeps_its_reason_and_is_announced_once(house: House) -> None:
    async def story() -> None:
        await _budget(house)
        session_id = (await house.sessions.start(CALLER, NIGHTLY)).session.id
        house.clock.advance(61)
        await _rename(house, "session", "away")
        try:
            with pytest.raises((NoctuleError, SQLAlchemyError)):
                await house.workers.beat()
        finally:
            await _rename(house, "away", "session")
        with pytest.raises(Conflict) as refused:
            await house.sessions.use("workspace-1", session_id)
        assert refused.value.message == f"Session {session_id} is not active: it is closing. {SPENT}"
        assert _ends(house) == {}
        house.clock.advance(300)
        await house.sessions.ends.retry_endings()
        session, cost_nanos = await _seen(house, session_id)
        assert (session.close_reason, session.error, cost_nanos) == (CloseReason.BUDGET_EXHAUSTED, SPENT, MINUTE)
        assert house.fleet.released == [session_id]
        assert list(_ends(house)) == [session_id]

    run(story())


@pytest.mark.parametrize(
    ("how", "reason", "told"),
    [
        ("stop", CloseReason.MANUAL, "The session was stopped."),
        ("idle", CloseReason.IDLE_TIMEOUT, "The session was idle for too long."),
        ("old", CloseReason.MAX_DURATION, "The session has lived as long as it may."),
        ("server", CloseReason.SERVER_STOPPED, "The server is stopping."),
        ("crash", CloseReason.ERROR, "It ended with signal 11."),
    ],
)
def test_streams_and_listeners_hear_of_every_end(house: House, how: str, reason: CloseReason, told: str) -> None:
    async def story() -> None:
        wish = StartSession(tags=("t",), idle_timeout_minutes=1, max_duration_minutes=2)
        session_id = (await house.sessions.start(CALLER, wish)).session.id
        house.fleet.set_idle(session_id, 60 if how == "idle" else 0)
        match how:
            case "stop":
                await house.sessions.stop("workspace-1", session_id)
                await house.sessions.stop("workspace-1", session_id)
            case "idle":
                await house.sessions.ends.end_overdue()
            case "old":
                await _pass(house, 121)
            case "server":
                await house.sessions.close()
            case _:
                house.fleet.crash(session_id, told)
        while house.sessions.ends.busy:
            await asyncio.sleep(0.005)
        assert house.fleet.reasons == {session_id: told}
        announced = _ends(house)[session_id].data
        assert (announced["close_reason"], announced["tags"]) == (reason.value, ["t"])
        assert announced["minutes"] == (2 if how == "old" else 1)
        assert announced["error"] == (told if how == "crash" else None)

    run(story())


@pytest.mark.parametrize("is_noticed", [True, False])
def test_a_session_pays_its_whole_life_and_no_more_however_late_its_end_comes(house: House, is_noticed: bool) -> None:
    async def story() -> None:
        session_id = (await house.sessions.start(CALLER, StartSession(max_duration_minutes=3))).session.id
        house.fleet.set_idle(session_id, 0)
        house.clock.advance(200)
        if is_noticed:
            await house.workers.beat()
        await house.sessions.stop("workspace-1", session_id)
        session, cost_nanos = await _seen(house, session_id)
        assert session.status is (Status.TIMED_OUT if is_noticed else Status.CLOSED)
        assert cost_nanos == 2_500_000

    run(story())


def test_what_a_crash_left_open_is_announced_by_the_next_run_and_bills_nothing(house: House) -> None:
    async def story() -> None:
        session_id = (await house.sessions.start(CALLER, StartSession(max_cost_nanos=1, tags=("t",)))).session.id
        house.clock.advance(45)
        later = house.reboot()
        assert await later.sessions.ends.recover() == 1
        told = _ends(later)[session_id].data
        assert (told["status"], told["close_reason"], told["minutes"]) == ("error", "error", 1)
        assert told["cost"] == "0.000833333"
        assert "unexpectedly" in told["error"]
        assert await later.sessions.ends.recover() == 0
        statuses = await later.database.read(lambda connection: later.metering.budgets(connection, "workspace-1"))
        assert statuses == []

    run(story())


def test_a_start_that_failed_unpaid_is_not_announced(house: House) -> None:
    async def story() -> None:
        house.fleet.acquire_delay_seconds = 60
        with pytest.raises(Exception, match="as many browsers"):
            await house.sessions.start(CALLER, NIGHTLY)
        assert house.outbox.by_key == {}

    run(story())
