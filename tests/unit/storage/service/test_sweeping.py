"""What has expired goes, and what a crash left behind; what is young, foreign or in doubt stays."""

import asyncio
import logging
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from noctule.db.engine import Database
from noctule.objects.store import key
from noctule.storage.service.sweeping import YOUNG
from tests.support.clock import FrozenClock
from tests.unit.storage.house import HOME, OTHER, SID, House, given


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A house whose clock agrees with the folder's: objects are dated by the file system."""
    return House(database, tmp_path / "objects", clock=FrozenClock(datetime.now(UTC)))


def grow_old(house: House) -> None:
    house.clock.advance(YOUNG.total_seconds() + 60)


def test_bytes_without_a_row_go_once_they_are_old_and_no_others(house: House) -> None:
    async def body() -> None:
        kept = await house.storage.upload(HOME, SID, given("a.txt"))
        await house.objects.put(key("files", HOME, "orphan"), b"x")
        await house.objects.put(key("files", "a-workspace-of-another-database", "1"), b"x")
        await house.objects.put(key("replays", HOME, "1"), b"x")
        assert await house.storage.sweeper.compare() == (0, 0)
        grow_old(house)
        assert await house.storage.sweeper.compare() == (1, 0)
        assert await house.content(kept) == b"hello"
        assert len(house.on_disk()) == 3

    asyncio.run(body())


def test_a_row_without_bytes_goes_once_it_is_old(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        lost = await house.storage.upload(HOME, SID, given("a.txt"))
        kept = await house.storage.upload(OTHER, None, given("b.txt"))
        await house.objects.delete([key("files", HOME, lost.object_id)])
        assert await house.storage.sweeper.compare() == (0, 0)
        grow_old(house)
        with caplog.at_level(logging.ERROR):
            assert await house.storage.sweeper.compare() == (0, 1)
        assert "1 files were gone" in caplog.text
        assert (await house.storage.page(HOME, SID, None, limit=5, offset=0)).total == 0
        assert await house.storage.uploads(OTHER) == [kept]

    asyncio.run(body())


def test_a_store_without_any_bytes_is_taken_for_the_wrong_one(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        kept = await house.storage.upload(HOME, None, given("a.txt"))
        shutil.move(house.folder / "files", house.folder.parent / "elsewhere")
        grow_old(house)
        with caplog.at_level(logging.ERROR):
            assert await house.storage.sweeper.compare() == (0, 0)
        assert "is that the right place?" in caplog.text
        assert await house.storage.uploads(HOME) == [kept]

    asyncio.run(body())


def test_what_has_expired_goes_and_what_has_not_stays(house: House) -> None:
    async def body() -> None:
        await house.storage.upload(HOME, None, given("old.txt"))
        house.clock.advance(3600)
        young = await house.storage.upload(HOME, None, given("young.txt"))
        assert await house.storage.sweeper.expire(timedelta(hours=1)) == 1
        assert await house.storage.uploads(HOME) == [young]
        assert len(house.on_disk()) == 1

    asyncio.run(body())


def test_rows_and_bytes_are_compared_once_an_hour(house: House) -> None:
    async def body() -> None:
        sweeper = house.storage.sweeper
        await house.objects.put(key("files", HOME, "first"), b"x")
        grow_old(house)
        for _ in range(2):
            await sweeper.sweep()
            await sweeper.close()
        assert house.on_disk() == []
        await house.objects.put(key("files", HOME, "second"), b"x")
        await sweeper.sweep()
        await sweeper.close()
        assert len(house.on_disk()) == 1

    asyncio.run(body())
