"""How long batches are kept, and what a killed server leaves behind."""

import asyncio

from sqlalchemy import Connection, delete

from noctule.timeline import store
from tests.unit.timeline.house import House, exchange

DAY = 24 * 3600


async def _told(house: House) -> str:
    session = await house.start()
    house.tell(session, ("console", {"text": "a"}), exchange("http://a/"), is_last=True)
    await house.written(session)
    return session


def test_batches_are_removed_when_their_time_is_over(house: House) -> None:
    async def main() -> None:
        old = await _told(house)
        house.clock.advance(6 * DAY)
        young = await _told(house)
        house.clock.advance(1.5 * DAY)
        await house.timelines.sweep()
        assert "console" not in await house.kinds(old)
        assert "console" in await house.kinds(young)

    asyncio.run(main())
    assert len(house.files()) == 2


def test_an_object_without_a_row_is_removed_when_its_row_cannot_come_any_more(house: House) -> None:
    async def main() -> None:
        await _told(house)
        stray = await _told(house)

        def forget(connection: Connection) -> None:
            connection.execute(delete(store.batch).where(store.batch.c.session_id == stray))

        await house.database.write(forget)
        await house.timelines._sweep_strays()
        assert len(house.files()) == 4
        house.clock.advance(2 * 3600)
        await house.timelines._sweep_strays()

    asyncio.run(main())
    assert len(house.files()) == 2


def test_another_servers_objects_in_the_same_bucket_are_left_alone(house: House) -> None:
    async def main() -> None:
        await _told(house)
        for path in house.files():
            foreign = path.parent.with_name("5f0c8a4e-0000-4000-8000-000000000000") / path.name
            foreign.parent.mkdir()
            path.rename(foreign)
        house.clock.advance(2 * 3600)
        await house.timelines._sweep_strays()

    asyncio.run(main())
    assert len(house.files()) == 2


def test_a_batch_whose_objects_are_gone_is_empty(house: House) -> None:
    async def main() -> None:
        session = await _told(house)
        for path in house.files():
            path.unlink()
        assert await house.kinds(session) == ["session", "cost"]

    asyncio.run(main())
