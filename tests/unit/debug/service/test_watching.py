"""One client's queue: the newest frame, all events, and the pace that the client sets."""

import asyncio
from collections.abc import Awaitable, Callable

from noctule.browser.screen import Frame
from noctule.debug.service import Watcher
from noctule.debug.service.watching import MOST_EVENTS_WAITING


def _frame(number: int) -> Frame:
    return Frame(b"", float(number), "T", 1280, 720, 1.0, 0.0, 0.0, 0.0)


def _run(act: Callable[[Watcher], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(5):
            await act(Watcher(30.0))

    asyncio.run(bounded())


def test_events_come_first_and_all_of_them_and_frames_one_at_a_time() -> None:
    async def act(watcher: Watcher) -> None:
        assert watcher.wants()
        watcher.take(_frame(1))
        assert not watcher.wants()
        for number in range(3):
            watcher.tell(str(number))
        assert [await watcher.next() for _ in range(4)] == ["0", "1", "2", _frame(1)]
        assert not watcher.wants()
        watcher.sent()
        assert watcher.wants()

    _run(act)


def test_a_client_that_acknowledges_has_no_more_than_two_frames_on_their_way() -> None:
    async def act(watcher: Watcher) -> None:
        async def pump() -> int:
            count = 0
            while watcher.wants() and count < 10:
                watcher.take(_frame(count))
                assert isinstance(await watcher.next(), Frame)
                watcher.sent()
                count += 1
            return count

        watcher.take(_frame(0))
        await watcher.next()
        watcher.sent()
        assert watcher.received()
        assert await pump() == 2
        assert watcher.received()
        assert await pump() == 1
        # A receipt for nothing is no credit.
        for _ in range(5):
            watcher.received()
        assert await pump() == 2

    _run(act)


def test_a_client_that_never_acknowledges_is_paced_by_its_connection_alone() -> None:
    async def act(watcher: Watcher) -> None:
        for number in range(20):
            assert watcher.wants()
            watcher.take(_frame(number))
            await watcher.next()
            assert not watcher.wants()
            watcher.sent()
        assert watcher.received()

    _run(act)


def test_after_the_end_there_is_the_last_event_and_nothing_more() -> None:
    async def act(watcher: Watcher) -> None:
        watcher.take(_frame(1))
        watcher.tell("one")
        watcher.end("the end")
        watcher.tell("too late")
        assert not watcher.wants()
        assert [await watcher.next(), await watcher.next(), await watcher.next()] == ["one", "the end", None]
        assert not watcher.is_overrun

    _run(act)


def test_a_client_that_lets_events_wait_without_end_is_let_go() -> None:
    async def act(watcher: Watcher) -> None:
        for number in range(MOST_EVENTS_WAITING + 1):
            watcher.tell(str(number))
        assert await watcher.next() is None
        assert watcher.is_overrun

    _run(act)


def test_many_bytes_are_bounded_as_many_events_are() -> None:
    async def act(watcher: Watcher) -> None:
        for _ in range(20):
            watcher.tell("x" * (1 << 20))
        assert await watcher.next() is None
        assert watcher.is_overrun

    _run(act)
