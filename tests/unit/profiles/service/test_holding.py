"""Who may change a profile, and what is left when a save comes to nothing."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest

from noctule.browser.commands import BrowserLost, CommandFailed, KeepProfile, KeptProfile
from noctule.kit.errors import BrowserFailed, Conflict, Deleted, NotFound, Unavailable
from noctule.profiles.domain import CHANGE_LASTS
from tests.unit.profiles.conftest import HOME, OTHER, House, cookie


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run one test's story."""
    asyncio.run(asyncio.wait_for(work, 30))


def _failing(error: Exception) -> Any:
    async def keep(wish: KeepProfile) -> KeptProfile:
        raise error

    return keep


def test_what_a_session_leaves_behind_is_there_for_the_next_one(house: House) -> None:
    async def story() -> None:
        new = await house.create()
        assert await house.holding.load(new) is None
        saved = await house.save(new, cookie("a"))
        assert saved.domains == ("example.com", "files.example")
        stored = await house.holding.load(saved)
        assert stored is not None
        assert [kept.cookie for kept in stored.state.cookies] == [cookie("a")]
        assert await house.files(saved) == b"hidden-files"
        assert not any(b"hidden" in each for each in (await house.all_objects()).values())

    run(story())


def test_a_second_holder_is_refused_and_told_who_is_the_first(house: House) -> None:
    async def story() -> None:
        profile = await house.create()
        await house.take(profile, "session-1")
        await house.take(profile, "session-1")
        with pytest.raises(Conflict, match="session-1"):
            await house.take(profile, "session-2")
        with pytest.raises(Conflict, match="session-1"):
            await house.reboot("elsewhere").take(profile, "session-2")
        await house.database.write(lambda connection: house.holding.let_go(connection, ["session-1"]))
        await house.take(profile, "session-2")

    run(story())


def test_a_crash_of_the_server_frees_what_its_sessions_held(house: House) -> None:
    async def story() -> None:
        profile = await house.create()
        await house.take(profile, "session-1")
        await house.reboot().take(profile, "session-2")

    run(story())


def test_whoever_lost_a_profile_cannot_change_it_any_more(house: House) -> None:
    async def story() -> None:
        profile = await house.create()
        lost = await house.take(profile, "session-1")
        later = house.reboot()
        await later.save(profile, cookie("later"), session_id="session-2")
        with pytest.raises(Conflict, match="not held any more"):
            await house.holding.keep(lost, "session-1", house.kept(cookie("earlier")), lets_go=True)
        assert await house.profiles.cookies(HOME, profile.id) == (cookie("later"),)

    run(story())


def test_a_start_waits_for_a_save_that_is_under_way(house: House) -> None:
    async def story() -> None:
        profile = await house.save(await house.create(), cookie("before"))
        profile = await house.take(profile)
        await house.database.write(lambda connection: house.holding.closing(connection, "session-1"))
        waiting = asyncio.create_task(house.holding.settled(HOME, profile.id))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await house.holding.keep(profile, "session-1", house.kept(cookie("after")), lets_go=True)
        stored = await house.holding.load(await waiting)
        assert stored is not None
        assert [kept.cookie.name for kept in stored.state.cookies] == ["after"]

    run(story())


def test_a_save_that_nobody_finishes_does_not_hold_a_profile_for_ever(house: House) -> None:
    async def story() -> None:
        profile = await house.take(await house.create())
        await house.database.write(lambda connection: house.holding.closing(connection, "session-1"))
        house.clock.advance(CHANGE_LASTS.total_seconds())
        elsewhere = house.reboot("elsewhere")
        await elsewhere.holding.settled(HOME, profile.id)
        await elsewhere.take(profile, "session-2")

    run(story())


@pytest.mark.parametrize(
    ("error", "seen", "words"),
    [
        (CommandFailed("ProfileTooLarge", "It has 3 MiB"), Conflict, "It has 3 MiB"),
        (CommandFailed("ProfileError", "no answer"), BrowserFailed, "no answer"),
        (BrowserLost("gone"), BrowserFailed, "gone"),
        (Unavailable("The store is away"), Unavailable, "store is away"),
        (RuntimeError("/secret/path"), BrowserFailed, "could not be saved"),
    ],
    ids=["too large", "failed", "lost", "away", "unexpected"],
)
def test_a_failed_save_changes_nothing_but_says_why(
    error: Exception, seen: type[Exception], words: str, house: House
) -> None:
    async def story() -> None:
        profile = await house.save(await house.create(), cookie("before"))
        before = await house.all_objects()
        await house.take(profile)
        with pytest.raises(seen, match=words):
            await house.holding.keep(profile, "session-1", _failing(error), lets_go=True)
        after = await house.profiles.get(HOME, profile.id)
        assert words in (after.save_error or "")
        assert "/secret" not in (after.save_error or "")
        assert (after.state_key, after.archive_key, after.holder) == (profile.state_key, profile.archive_key, None)
        await house.profiles.purge()
        assert await house.all_objects() == before
        await house.save(profile, cookie("after"))
        assert (await house.profiles.get(HOME, profile.id)).save_error is None

    run(story())


def test_the_objects_of_a_replaced_version_go_a_while_after_it(house: House) -> None:
    async def story() -> None:
        first = await house.save(await house.create(), cookie("1"))
        second = await house.save(first, cookie("2"))
        await house.profiles.purge()
        assert set(await house.all_objects()) == {*first.objects, *second.objects}
        # Whoever has read the row before gets what is there now.
        house.clock.advance(timedelta(minutes=6).total_seconds())
        await house.profiles.purge()
        assert set(await house.all_objects()) == set(second.objects)
        stored = await house.holding.load(first)
        assert stored is not None
        assert stored.archive == second.archive_key

    run(story())


def test_a_save_without_files_and_one_with_more_are_both_whole(house: House) -> None:
    async def story() -> None:
        profile = await house.save(await house.create(), cookie("1"))
        profile = await house.take(profile)
        profile = await house.holding.keep(profile, "session-1", house.kept(cookie("2"), files=b""), lets_go=True)
        assert profile.archive_key is None
        await house.profiles.purge()
        profile = await house.take(profile)
        big = bytes(range(256)) * 20_000
        profile = await house.holding.keep(profile, "session-1", house.kept(files=big), lets_go=True)
        assert await house.files(profile) == big

    run(story())


def test_objects_of_another_profile_or_another_key_do_not_open(house: House) -> None:
    async def story() -> None:
        one = await house.save(await house.create(), cookie("1"))
        other = await house.save(await house.create(), cookie("2"))
        assert one.state_key is not None
        assert other.state_key is not None
        assert other.archive_key is not None
        await house.objects.put(other.state_key, await house.objects.get(one.state_key))
        with pytest.raises(Conflict, match="key file"):
            await house.holding.load(other)
        await house.objects.put(other.archive_key, (await house.objects.get(other.archive_key))[:-1])
        with pytest.raises(Conflict, match="key file"):
            [chunk async for chunk in house.profiles.archives.read(other.archive_key)]

    run(story())


def test_profiles_of_others_unknown_and_deleted_ones_are_told_apart_from_ones_own_alone(house: House) -> None:
    async def story() -> None:
        profile = await house.create()
        for workspace_id, profile_id in ((OTHER, profile.id), (HOME, "notte-profile-0123456789abcdef"), (HOME, "\x00")):
            with pytest.raises(NotFound):
                await house.holding.settled(workspace_id, profile_id)
        await house.profiles.delete(HOME, profile.id)
        with pytest.raises(Deleted):
            await house.holding.settled(HOME, profile.id)
        with pytest.raises(NotFound):
            await house.holding.settled(OTHER, profile.id)

    run(story())
