"""The beat of the server."""

import asyncio
from pathlib import Path

import pytest

from noctule.db.engine import Database
from noctule.kit.seal import Sealer
from noctule.sessions.domain import StartSession, Status
from noctule.workers.loops import Workers
from tests.support.clock import FrozenClock
from tests.unit.sessions.conftest import CALLER, House, build


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A house with one workspace, on each engine."""
    house = build(database, FrozenClock(), Sealer.load(tmp_path / "keys"))
    database.submit(lambda connection: house.metering.open_account(connection, "workspace-1", "admin")).result(10)
    return house


def test_a_beat_that_fails_does_not_stop_the_next_ones(house: House) -> None:
    beats = carried = 0

    async def chore() -> None:
        nonlocal beats
        beats += 1
        raise RuntimeError("no luck today")

    async def carry() -> None:
        nonlocal carried
        carried += 1
        raise RuntimeError("the post is closed")

    async def story() -> None:
        workers = Workers(
            database=house.database,
            fleet=house.fleet,
            metering=house.metering,
            sessions=house.sessions,
            deliver=carry,
            chores=(chore,),
        )
        view = await house.sessions.start(CALLER, StartSession(idle_timeout_minutes=1))
        house.fleet.set_idle(view.session.id, 60)
        workers.start()
        for _ in range(200):
            await asyncio.sleep(0.02)
            found = await house.sessions.get("workspace-1", view.session.id)
            if beats and found.session.status is Status.TIMED_OUT:
                break
        else:
            pytest.fail("the chore was not tried, or the idle session not ended")
        await workers.close()
        assert beats == 1
        assert carried

    asyncio.run(asyncio.wait_for(story(), 30))
