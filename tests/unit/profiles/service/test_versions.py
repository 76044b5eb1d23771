"""The sealed objects of profiles: their sizes, and what is left over of them."""

import asyncio
from datetime import timedelta

import pytest

from noctule.browser.commands import BrowserState, OriginItems
from noctule.kit.errors import Conflict
from noctule.profiles.domain import ABANDONED_AFTER
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
