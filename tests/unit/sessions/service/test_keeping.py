"""Sessions with profiles: when they are saved, and who holds them meanwhile."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from sqlalchemy import Connection

from noctule.browser.commands import BrowserCookie, CommandFailed, SetCookies
from noctule.kit.errors import BrowserFailed, Conflict, NotFound, Overloaded
from noctule.kit.paging import PageQuery
from noctule.profiles import store
from noctule.profiles.service import Profile
from noctule.sessions.domain import CloseReason, StartSession
from tests.unit.sessions.conftest import CALLER, House

COOKIE = BrowserCookie("sid", "hidden-thing", "example.com")


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run one test's story."""
    asyncio.run(asyncio.wait_for(work, 30))


async def _profile(house: House) -> Profile:
    return await house.profiles.create(CALLER.workspace_id, CALLER.key_id, "mine")


async def _start(house: House, profile: Profile, *, persists: bool = True) -> str:
    wish = StartSession(profile_id=profile.id, profile_persist=persists)
    return (await house.sessions.start(CALLER, wish)).session.id


async def _names(house: House, profile: Profile) -> list[str]:
    """The cookies that are kept, once no save is under way."""
    return [cookie.name for cookie in await house.profiles.cookies(CALLER.workspace_id, profile.id)]


@pytest.mark.parametrize(
    "reason",
    [
        CloseReason.MANUAL,
        CloseReason.IDLE_TIMEOUT,
        CloseReason.MAX_DURATION,
        CloseReason.CREDITS_EXHAUSTED,
        CloseReason.BUDGET_EXHAUSTED,
        CloseReason.SERVER_STOPPED,
    ],
)
def test_whatever_ends_a_session_but_a_crash_its_profile_is_saved(reason: CloseReason, house: House) -> None:
    async def story() -> None:
        profile = await _profile(house)
        session_id = await _start(house, profile)
        await house.fleet.run(session_id, SetCookies((COOKIE,)))
        house.fleet.files[session_id] = b"files"
        await house.sessions.ends.end(session_id, reason)
        assert await _names(house, profile) == ["sid"]
        later = await _start(house, profile)
        assert house.fleet.files[later] == b"files"
        spec = house.fleet.specs[later].profile
        assert spec is not None
        assert [kept.cookie for kept in spec.state.cookies] == [COOKIE]

    run(story())


def test_a_browser_that_died_leaves_its_profile_free_and_as_it_was(house: House) -> None:
    async def story() -> None:
        profile = await _profile(house)
        session_id = await _start(house, profile)
        await house.fleet.run(session_id, SetCookies((COOKIE,)))
        house.fleet.crash(session_id)
        async with asyncio.timeout(10):
            while (await house.sessions.get(CALLER.workspace_id, session_id)).session.closed_at is None:
                await asyncio.sleep(0.01)
        assert await _names(house, profile) == []
        await _start(house, profile)

    run(story())


def test_without_persist_nothing_is_saved_and_nothing_held(house: House) -> None:
    async def story() -> None:
        profile = await _profile(house)
        first, second = await _start(house, profile, persists=False), await _start(house, profile, persists=False)
        await house.fleet.run(first, SetCookies((COOKIE,)))
        writer = await _start(house, profile)
        for session_id in (first, second, writer):
            await house.sessions.stop(CALLER.workspace_id, session_id)
        assert await _names(house, profile) == []

    run(story())


def test_a_second_writer_starts_nothing_and_pays_nothing(house: House) -> None:
    async def story() -> None:
        profile = await _profile(house)
        first = await _start(house, profile)
        with pytest.raises(Conflict, match=first):
            await _start(house, profile)
        with pytest.raises(NotFound):
            await house.sessions.start(CALLER, StartSession(profile_id="notte-profile-0123456789abcdef"))
        assert house.fleet.acquired == [first]
        paid = await house.sessions.page(CALLER.workspace_id, PageQuery(), only_active=False, key_id=None)
        assert [view.session.id for view in paid.items] == [first]

    run(story())


def test_of_many_writers_that_start_at_once_one_does(house: House) -> None:
    async def story() -> None:
        profile = await _profile(house)
        results = await asyncio.gather(*(_start(house, profile) for _ in range(6)), return_exceptions=True)
        assert len([each for each in results if isinstance(each, str)]) == 1
        assert all(isinstance(each, str | Conflict) for each in results)
        assert len(house.fleet.acquired) == 1

    run(story())


def test_a_start_that_fails_lets_its_profile_go(house: House) -> None:
    async def story() -> None:
        profile = await _profile(house)
        house.fleet.limit = 1
        house.fleet.acquire_delay_seconds = 5
        with pytest.raises(Overloaded):
            await _start(house, profile)
        house.fleet.acquire_delay_seconds = 0
        await _start(house, profile)

    run(story())


def test_a_stop_answers_before_the_save_and_the_next_start_waits_for_it(house: House) -> None:
    async def story() -> None:
        profile = await _profile(house)
        session_id = await _start(house, profile)
        await house.fleet.run(session_id, SetCookies((COOKIE,)))
        house.fleet.run_delay_seconds = 0.3
        await house.sessions.stop(CALLER.workspace_id, session_id)
        assert (await house.profiles.get(CALLER.workspace_id, profile.id)).state_key is None
        later = await _start(house, profile)
        spec = house.fleet.specs[later].profile
        assert spec is not None
        assert len(spec.state.cookies) == 1

    run(story())


def test_a_save_that_fails_lets_the_profile_go_and_says_why(house: House) -> None:
    async def story() -> None:
        profile = await _profile(house)
        session_id = await _start(house, profile)
        house.fleet.keep_error = CommandFailed("ProfileTooLarge", "It has 3 MiB and may have 1 MiB")
        await house.sessions.stop(CALLER.workspace_id, session_id)
        assert await _names(house, profile) == []
        assert "3 MiB" in ((await house.profiles.get(CALLER.workspace_id, profile.id)).save_error or "")
        await _start(house, profile)

    run(story())


def test_a_session_saves_in_between_into_its_own_another_or_a_new_profile(house: House) -> None:
    async def story() -> None:
        mine, other = await _profile(house), await _profile(house)
        session_id = await _start(house, mine)
        await house.fleet.run(session_id, SetCookies((COOKIE,)))

        async def save(profile_id: str | None = None, name: str | None = None) -> Profile:
            return await house.sessions.save_profile(CALLER.workspace_id, CALLER.key_id, session_id, profile_id, name)

        assert (await save()).id == mine.id
        assert (await save(profile_id=other.id)).domains == ("example.com",)
        new = await save(name="new")
        assert (new.name, await _names(house, new)) == ("new", ["sid"])
        # Its own stays its own, the others are free.
        with pytest.raises(Conflict, match=session_id):
            await _start(house, mine)
        for profile in (other, new):
            await _start(house, profile)
        with pytest.raises(Conflict):
            await save(profile_id=other.id)
        theirs = await house.profiles.create("workspace-2", "key-2", "theirs")
        with pytest.raises(NotFound):
            await save(profile_id=theirs.id)
        assert (await house.profiles.get("workspace-2", theirs.id)).save_error is None
        with pytest.raises(NotFound):
            await house.sessions.save_profile("workspace-2", "key-2", session_id, theirs.id, None)

    run(story())


def test_a_save_in_between_that_fails_leaves_no_new_profile(house: House) -> None:
    async def story() -> None:
        session_id = (await house.sessions.start(CALLER, StartSession())).session.id
        house.fleet.keep_error = CommandFailed("ProfileError", "no")
        for where, error in (((None, None), Conflict), ((None, "new"), BrowserFailed)):
            with pytest.raises(error):
                await house.sessions.save_profile(CALLER.workspace_id, CALLER.key_id, session_id, *where)
        assert await house.database.read(_count) == 0

    run(story())


def test_a_save_whose_caller_went_away_comes_to_its_end_before_the_next_one(house: House) -> None:
    async def story() -> None:
        profile, other = await _profile(house), await _profile(house)
        session_id = await _start(house, profile)
        await house.fleet.run(session_id, SetCookies((COOKIE,)))
        house.fleet.run_delay_seconds = 0.3
        saving = asyncio.create_task(
            house.sessions.save_profile(CALLER.workspace_id, CALLER.key_id, session_id, other.id, None)
        )
        await asyncio.sleep(0.15)
        saving.cancel()
        await house.sessions.stop(CALLER.workspace_id, session_id)
        assert [await _names(house, each) for each in (other, profile)] == [["sid"], ["sid"]]
        assert (await house.profiles.get(CALLER.workspace_id, profile.id)).save_error is None

    run(story())


def _count(connection: Connection) -> int:
    return store.count(connection, CALLER.workspace_id)


def test_a_killed_server_s_sessions_let_their_profiles_go(house: House) -> None:
    async def story() -> None:
        profile = await _profile(house)
        await _start(house, profile)
        later = house.reboot()
        await later.sessions.ends.recover()
        assert (await later.profiles.get(CALLER.workspace_id, profile.id)).holder is None
        await _start(later, profile)

    run(story())
