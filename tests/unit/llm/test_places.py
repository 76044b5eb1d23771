"""Places for calls, shared fairly."""

import asyncio

import pytest

from noctule.llm.errors import ModelBusy
from noctule.llm.places import Places


async def _hold(places: Places, workspace_id: str, until: asyncio.Event, timeout_seconds: float = 30.0) -> str:
    async with places.one(workspace_id, timeout_seconds):
        await until.wait()
    return workspace_id


async def _settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_workspace_never_has_every_place() -> None:
    async def story() -> None:
        places, end = Places(at_once=3, of_a_workspace=2, waiting=10), asyncio.Event()
        greedy = [asyncio.create_task(_hold(places, "a", end)) for _ in range(5)]
        await _settled()
        async with places.one("b", 30):
            assert not any(task.done() for task in greedy)
        end.set()
        assert await asyncio.gather(*greedy) == ["a"] * 5

    asyncio.run(story())


def test_who_waits_too_long_or_with_too_many_is_turned_away() -> None:
    async def story() -> None:
        places, end = Places(at_once=1, of_a_workspace=1, waiting=1), asyncio.Event()
        first = asyncio.create_task(_hold(places, "a", end))
        await _settled()
        with pytest.raises(ModelBusy, match="could begin within"):
            await _hold(places, "b", end, 0.01)
        waiting = asyncio.create_task(_hold(places, "b", end))
        await _settled()
        with pytest.raises(ModelBusy, match="wait already"):
            await _hold(places, "c", end)
        end.set()
        assert list(await asyncio.gather(first, waiting)) == ["a", "b"]

    asyncio.run(story())


def test_who_goes_away_leaves_no_place_taken() -> None:
    async def story() -> None:
        places, end = Places(at_once=1, of_a_workspace=1, waiting=5), asyncio.Event()
        first = asyncio.create_task(_hold(places, "a", end))
        await _settled()
        waiting = [asyncio.create_task(_hold(places, name, end)) for name in ("a", "b")]
        await _settled()
        for task in (*waiting, first):
            task.cancel()
        await asyncio.gather(first, *waiting, return_exceptions=True)
        async with places.one("c", 1):
            pass
        assert not places._own
        assert not places._holders

    asyncio.run(story())
