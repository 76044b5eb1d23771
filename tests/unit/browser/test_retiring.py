"""Browsers whose sessions are over wait for their profiles to be kept, and for nothing else."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from noctule.browser.commands import BrowserLost, BrowserState, KeepProfile, KeptProfile
from noctule.browser.retiring import Retired

SESSION = "11111111-2222-4333-8444-555555555555"
WISH, KEPT = KeepProfile("profiles/1", 1), KeptProfile(BrowserState(), None, (), is_clean=True)


class _Browser:
    """What is left of a browser."""

    def __init__(self) -> None:
        self.is_retired = self.is_destroyed = False

    async def retire(self) -> None:
        self.is_retired = True

    async def destroy(self) -> None:
        self.is_destroyed = True


class _Keeper:
    """Keeps profiles when it is let."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.found: list[bool] = []

    async def keep_last(self, browser: _Browser, wish: KeepProfile) -> KeptProfile:
        await self.may_end.wait()
        self.found.append(not browser.is_destroyed)
        return KEPT


class _House:
    def __init__(self, patience_seconds: float) -> None:
        self.browser, self.keeper = _Browser(), _Keeper()
        self.work: list[asyncio.Task[None]] = []
        self.retired = Retired(self.keeper, self._supervise, patience_seconds)  # type: ignore[arg-type]
        self.last_look = asyncio.get_running_loop().create_future()
        self.retired.add(SESSION, self.browser, self.last_look)  # type: ignore[arg-type]

    def _supervise(self, work: Any) -> None:
        self.work.append(asyncio.get_running_loop().create_task(work))

    async def ended(self) -> bool:
        """Whether its browser is gone when all work is done."""
        await asyncio.wait_for(asyncio.gather(*self.work), 10)
        return self.browser.is_destroyed


def _run(act: Callable[[_House], Awaitable[None]], patience_seconds: float = 60.0) -> None:
    async def body() -> None:
        await act(_House(patience_seconds))

    asyncio.run(body())


def test_it_is_there_until_its_profile_is_kept_and_its_last_look_is_over() -> None:
    async def act(house: _House) -> None:
        keeping = asyncio.ensure_future(house.retired.keep(SESSION, WISH))
        await asyncio.sleep(0.01)
        assert (house.browser.is_retired, house.keeper.found) == (True, [])
        house.last_look.set_result(None)
        assert await keeping == KEPT
        assert house.keeper.found == [True]
        assert await house.ended()

    _run(act)


def test_one_that_nobody_comes_for_is_destroyed() -> None:
    async def act(house: _House) -> None:
        assert await house.ended()
        with pytest.raises(BrowserLost):
            await house.retired.keep(SESSION, WISH)

    _run(act, patience_seconds=0.05)


def test_one_comes_for_it_and_no_second() -> None:
    async def act(house: _House) -> None:
        house.last_look.set_result(None)
        house.keeper.may_end.clear()
        keeping = asyncio.ensure_future(house.retired.keep(SESSION, WISH))
        await asyncio.sleep(0.01)
        with pytest.raises(BrowserLost):
            await house.retired.keep(SESSION, WISH)
        assert not house.browser.is_destroyed
        house.keeper.may_end.set()
        await keeping
        assert await house.ended()

    _run(act)


def test_the_end_of_the_server_waits_for_nobody() -> None:
    async def act(house: _House) -> None:
        house.retired.close()
        assert await house.ended()

    _run(act)
