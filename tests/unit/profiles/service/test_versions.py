"""The sealed objects of profiles: their sizes, and what is left over of them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from noctule.browser.commands import BrowserState, OriginItems
from noctule.db.engine import Database, Step
from noctule.kit.errors import Conflict, Unavailable
from noctule.profiles.domain import ABANDONED_AFTER, REPLACED_AFTER
from noctule.profiles.service import Profile
from noctule.profiles.service.states import StoredState
from noctule.profiles.service.versions import MOST_STATE_BYTES
from tests.unit.profiles.conftest import HOME, House, cookie


def test_a_state_that_is_too_large_is_refused(house: House) -> None:
    async def story() -> None:
        state_key, _ = await house.profiles.archives.begin(HOME, "notte-profile-0123456789abcdef")
        items = (("key", "x" * MOST_STATE_BYTES),)
        with pytest.raises(Conflict, match="64 MiB"):
            await house.profiles.archives.write_state(
                state_key, StoredState(BrowserState((), (OriginItems("https://a.test", items),)))
            )
        assert await house.all_objects() == {}

    asyncio.run(story())


def test_what_a_killed_save_has_left_is_swept_and_nothing_else(house: House) -> None:
    async def story() -> None:
        profile = await house.save(await house.create(), cookie("a"))
        state_key, _ = await house.profiles.archives.begin(HOME, profile.id)
        await house.profiles.archives.write_state(state_key, StoredState())
        later = house.reboot()
        later.clock.advance((ABANDONED_AFTER - timedelta(seconds=1)).total_seconds())
        await later.profiles.purge()
        assert state_key in await house.all_objects()
        later.clock.advance(1)
        await later.profiles.purge()
        assert set(await house.all_objects()) == set(profile.objects)

    asyncio.run(story())


class Forgetful:
    """A database that makes a version a profile's, and never says so."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, step: Step[Any]) -> Any:
        """As it is."""
        return await self._database.read(step)

    async def write(self, step: Step[Any]) -> Any:
        """Done, and then the connection is lost."""
        result = await self._database.write(step)
        if isinstance(result, Profile) and result.state_key is not None:
            raise Unavailable("The database has gone.")
        return result


@pytest.mark.parametrize("is_import", [True, False], ids=["import", "save"])
def test_a_version_whose_commit_was_not_confirmed_stays(is_import: bool, house: House) -> None:
    async def story() -> None:
        profile = await house.create()
        there: Any = Forgetful(house.database)
        unsure = House(there, house.clock, house.sealer, house.objects)
        imported = unsure.profiles.set_cookies(HOME, profile.id, (cookie("a"),), "replace")
        saved = unsure.save(profile, cookie("a"))
        wanted, other = (imported, saved) if is_import else (saved, imported)
        other.close()
        with pytest.raises(Unavailable):
            await wanted
        house.clock.advance((ABANDONED_AFTER + REPLACED_AFTER).total_seconds())
        await house.profiles.purge()
        assert await house.profiles.cookies(HOME, profile.id) == (cookie("a"),)

    asyncio.run(story())


def test_a_copy_that_comes_to_nothing_leaves_nothing(house: House) -> None:
    async def story() -> None:
        profile = await house.save(await house.create(), cookie("a"))
        assert profile.archive_key is not None
        await house.objects.put(profile.archive_key, (await house.objects.get(profile.archive_key))[:-1])
        with pytest.raises(Conflict, match="key file"):
            await house.profiles.duplicate(HOME, "key-1", profile.id, None)
        await house.profiles.purge()
        assert set(await house.all_objects()) == set(profile.objects)

    asyncio.run(story())
