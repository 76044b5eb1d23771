"""The warm pool, with things that are made of nothing."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from noctule.browser.warm import WarmPool


class Thing:
    """A thing with a number."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()


class Workshop:
    """Makes things, as slowly and as badly as it is told to."""

    def __init__(
        self,
        *,
        target: int = 2,
        concurrency: int = 2,
        room: int = 100,
        seconds: float = 0.0,
        stale_seconds: float = 600,
    ) -> None:
        self.made = 0
        self.discarded: list[int] = []
        self.at_once = 0
        self.most_at_once = 0
        self.failing = False
        self.seconds = seconds
        self.room = room
        self.pool: WarmPool[Thing] = WarmPool(
            self._make,
            lambda thing: self.discarded.append(thing.number),
            target=target,
            concurrency=concurrency,
            room=lambda: self.room,
            stale_seconds=stale_seconds,
        )

    async def _make(self) -> Thing:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.seconds)
            if self.failing:
                raise OSError("no more of that")
            self.made += 1
            return Thing(self.made)
        finally:
            self.at_once -= 1


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


def _run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(bounded())


def test_it_fills_up_to_its_target_and_again_after_a_take() -> None:
    async def test() -> None:
        workshop = Workshop(target=3)
        workshop.pool.start()
        await _until(lambda: workshop.pool.ready == 3)
        assert (await workshop.pool.take()).number == 1
        assert workshop.pool.ready == 2
        await _until(lambda: workshop.pool.ready == 3)
        assert workshop.made == 4
        await workshop.pool.close()

    _run(test)


def test_who_waits_is_served_in_the_order_of_asking() -> None:
    async def test() -> None:
        workshop = Workshop(target=1, concurrency=2, seconds=0.01)
        order: list[int] = []

        async def take(number: int) -> None:
            await workshop.pool.take()
            order.append(number)

        await asyncio.gather(*(take(number) for number in range(12)))
        assert order == list(range(12))
        assert workshop.most_at_once <= 2
        await workshop.pool.close()

    _run(test)


def test_waiters_get_new_ones_made_even_without_a_pool() -> None:
    async def test() -> None:
        workshop = Workshop(target=0, concurrency=4, seconds=0.02)
        workshop.pool.start()
        await asyncio.sleep(0.05)
        assert workshop.made == 0
        await asyncio.gather(*(workshop.pool.take() for _ in range(4)))
        assert workshop.made == 4
        await workshop.pool.close()

    _run(test)


def test_there_are_never_more_than_there_is_room_for() -> None:
    async def test() -> None:
        workshop = Workshop(target=5, room=2)
        workshop.pool.start()
        await _until(lambda: workshop.pool.ready == 2)
        await asyncio.sleep(0.05)
        assert workshop.made == 2
        workshop.room = 4
        workshop.pool.pump()
        await _until(lambda: workshop.pool.ready == 4)
        await workshop.pool.close()

    _run(test)


def test_one_that_died_while_waiting_is_replaced_and_never_handed_out() -> None:
    async def test() -> None:
        workshop = Workshop(target=1)
        workshop.pool.start()
        await _until(lambda: workshop.pool.ready == 1)
        thing = await workshop.pool.take()
        await _until(lambda: workshop.pool.ready == 1)
        thing.gone.set_result("of no interest to the pool any more")
        workshop.pool._ready[0].gone.set_result("killed")
        assert (await workshop.pool.take()).number == 3
        assert workshop.discarded == [2]
        await workshop.pool.close()

    _run(test)


def test_one_that_waited_too_long_is_replaced() -> None:
    async def test() -> None:
        workshop = Workshop(target=1, stale_seconds=0.05)
        workshop.pool.start()
        await _until(lambda: workshop.discarded[:2] == [1, 2])
        await workshop.pool.close()

    _run(test)


def test_a_waiter_that_gives_up_costs_nobody_a_thing() -> None:
    async def test() -> None:
        workshop = Workshop(target=0, seconds=0.05)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await workshop.pool.take()
        assert (await workshop.pool.take()).number == 1
        assert workshop.pool.ready == 0
        await workshop.pool.close()

    _run(test)


def test_failures_are_tried_again_ever_more_rarely_and_told() -> None:
    async def test() -> None:
        workshop = Workshop(target=1, concurrency=1)
        workshop.failing = True
        workshop.pool.start()
        await _until(lambda: workshop.pool.last_failure == "no more of that")
        taking = asyncio.create_task(workshop.pool.take())
        await asyncio.sleep(0.05)
        assert not taking.done()
        workshop.failing = False
        assert (await asyncio.wait_for(taking, 2)).number == 1
        assert workshop.pool.last_failure is None
        await workshop.pool.close()

    _run(test)


def test_closing_discards_what_is_ready_and_refuses_who_waits() -> None:
    async def test() -> None:
        workshop = Workshop(target=2)
        workshop.pool.start()
        await _until(lambda: workshop.pool.ready == 2)
        workshop.seconds = 10
        for _ in range(2):
            await workshop.pool.take()
        waiting = asyncio.create_task(workshop.pool.take())
        await asyncio.sleep(0.05)
        await workshop.pool.close()
        with pytest.raises(RuntimeError):
            await waiting
        assert workshop.at_once == 0
        with pytest.raises(RuntimeError):
            await workshop.pool.take()

    _run(test)
