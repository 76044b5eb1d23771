"""Tasks with an owner."""

import asyncio

import pytest

from noctule.kit.tasks import Owned


def test_work_goes_on_although_its_caller_is_cancelled() -> None:
    async def story() -> None:
        owned, done = Owned(), asyncio.Event()

        async def work() -> None:
            await asyncio.sleep(0.05)
            done.set()

        caller = asyncio.create_task(owned.finish(work()))
        await asyncio.sleep(0.01)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert owned.busy
        await owned.drain(1.0)
        assert done.is_set()
        assert not owned.busy

    asyncio.run(story())


def test_draining_is_bounded_and_cancels_what_is_left() -> None:
    async def story() -> None:
        owned = Owned()
        task = owned.spawn(asyncio.sleep(60))
        await owned.drain(0.05)
        assert task.cancelled()

    asyncio.run(story())


def test_what_is_begun_while_it_drains_is_waited_for_or_cancelled_too() -> None:
    async def story(seconds: float) -> "asyncio.Task[None]":
        owned = Owned()
        begun: list[asyncio.Task[None]] = []

        async def first() -> None:
            await asyncio.sleep(0.02)
            begun.append(owned.spawn(asyncio.sleep(seconds)))

        owned.spawn(first())
        await owned.drain(0.3)
        return begun[0]

    for seconds, is_cancelled in ((0.1, False), (60.0, True)):
        task = asyncio.run(story(seconds))
        assert task.done()
        assert task.cancelled() is is_cancelled
