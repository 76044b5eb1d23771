"""The warm pool: things that are slow to make, made before somebody asks.

What must always hold:

- Who waits is served in the order of asking, whether by a thing from the pool or by a new one.
- At most ``concurrency`` are made at once, and never more than there is ``room`` for.
- A thing that died or grew stale while it waited is never handed out.
- When making fails again and again the attempts get rarer, up to one in ``_BACKOFF_MAX_SECONDS``.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

log = logging.getLogger(__name__)

_BACKOFF_FIRST_SECONDS = 0.2
_BACKOFF_MAX_SECONDS = 10.0
_CLOSE_SECONDS = 2.0
# Right after one was taken the processor belongs to whoever took it; the next is not needed that soon.
_REFILL_DELAY_SECONDS = 0.03


class Warm(Protocol):
    """What a pool can hold: ``gone`` is done, with the reason, when it is of no use any more."""

    @property
    def gone(self) -> "asyncio.Future[str]": ...


T = TypeVar("T", bound=Warm)


class WarmPool(Generic[T]):
    """Keeps ``target`` things ready. ``make`` must be bounded; ``discard`` takes what is not wanted any more;
    ``room`` says how many more may exist, besides those that the pool holds or makes."""

    def __init__(
        self,
        make: Callable[[], Awaitable[T]],
        discard: Callable[[T], None],
        *,
        target: int,
        concurrency: int,
        room: Callable[[], int],
        stale_seconds: float = 600.0,
    ) -> None:
        self.target = target
        self.last_failure: str | None = None
        self._make = make
        self._discard = discard
        self._concurrency = concurrency
        self._room = room
        self._stale_seconds = stale_seconds
        self._ready: deque[T] = deque()
        self._stale_timers: dict[int, asyncio.TimerHandle] = {}
        self._waiters: deque[asyncio.Future[T]] = deque()
        self._making: set[asyncio.Task[None]] = set()
        self._backoff_seconds = 0.0
        self._retry: asyncio.TimerHandle | None = None
        self._refill: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def ready(self) -> int:
        """How many could be taken at once."""
        return len(self._ready)

    @property
    def held(self) -> int:
        """How many the pool holds or is making."""
        return len(self._ready) + len(self._making)

    def start(self) -> None:
        """Begin to fill."""
        self.pump()

    async def take(self) -> T:
        """The next one; waits, in turn, as long as the caller does."""
        if self._closed:
            raise RuntimeError("the pool is closed")
        while self._ready and not self._waiters:
            thing = self._pop()
            if not thing.gone.done():
                self._refill_soon()
                return thing
            self._discard(thing)
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self.pump()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._hand_out(waiter.result())
            raise
        finally:
            if not waiter.done():
                waiter.cancel()
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def pump(self) -> None:
        """Start what is wanted and allowed. Call it whenever there is more room."""
        if self._closed or self._retry is not None:
            return
        wanted = self.target + len(self._waiters) - self.held
        allowed = min(self._concurrency - len(self._making), self._room() - self.held)
        for _ in range(min(wanted, allowed)):
            task = asyncio.create_task(self._make_one(), name="make a warm browser")
            self._making.add(task)
            task.add_done_callback(self._made)

    async def close(self) -> None:
        """Discard everything; waiters are refused."""
        self._closed = True
        for timer in (self._retry, self._refill, *self._stale_timers.values()):
            if timer is not None:
                timer.cancel()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(RuntimeError("the pool is closed"))
        for task in self._making:
            task.cancel()
        if self._making:
            await asyncio.wait(self._making, timeout=_CLOSE_SECONDS)
        while self._ready:
            self._discard(self._ready.popleft())

    # -- inside --------------------------------------------------------------------------------------------

    async def _make_one(self) -> None:
        try:
            thing = await self._make()
        except Exception as error:
            self.last_failure = str(error)
            self._backoff_seconds = min(_BACKOFF_MAX_SECONDS, max(_BACKOFF_FIRST_SECONDS, self._backoff_seconds * 2))
            log.warning("a browser could not be made, next try in %.1f s: %s", self._backoff_seconds, error)
            if self._retry is None and not self._closed:
                self._retry = asyncio.get_running_loop().call_later(self._backoff_seconds, self._try_again)
            return
        self._backoff_seconds = 0.0
        self.last_failure = None
        self._hand_out(thing)

    def _made(self, task: "asyncio.Task[None]") -> None:
        self._making.discard(task)
        self.pump()

    def _hand_out(self, thing: T) -> None:
        if self._closed or thing.gone.done():
            self._discard(thing)
            self.pump()
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(thing)
                return
        self._ready.append(thing)
        thing.gone.add_done_callback(lambda _: self._drop(thing, "died"))
        self._stale_timers[id(thing)] = asyncio.get_running_loop().call_later(
            self._stale_seconds, self._drop, thing, "grew stale"
        )

    def _pop(self) -> T:
        thing = self._ready.popleft()
        self._stale_timers.pop(id(thing)).cancel()
        return thing

    def _drop(self, thing: T, why: str) -> None:
        if thing not in self._ready:
            return
        log.info("a warm browser %s", why)
        self._ready.remove(thing)
        self._stale_timers.pop(id(thing)).cancel()
        self._discard(thing)
        self.pump()

    def _refill_soon(self) -> None:
        if self._refill is None:
            self._refill = asyncio.get_running_loop().call_later(_REFILL_DELAY_SECONDS, self._refill_now)

    def _refill_now(self) -> None:
        self._refill = None
        self.pump()

    def _try_again(self) -> None:
        self._retry = None
        self.pump()
