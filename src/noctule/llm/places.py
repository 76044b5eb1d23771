"""Places for calls to models: so many at once in all and for one workspace, so many that wait, each only so long."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from noctule.llm.errors import ModelBusy


class Places:
    """The places of one server. A workspace never has all of them, so that its slow models hold up nobody else."""

    def __init__(self, at_once: int, of_a_workspace: int, waiting: int) -> None:
        self._all = asyncio.Semaphore(at_once)
        self._own: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(of_a_workspace))
        self._holders: dict[str, int] = defaultdict(int)
        self._may_wait = waiting
        self._waiting = 0

    @asynccontextmanager
    async def one(self, workspace_id: str, timeout_seconds: float) -> AsyncIterator[None]:
        """A place, for the length of the block. Raises ``ModelBusy``."""
        if self._waiting >= self._may_wait:
            raise ModelBusy("Too many calls to models wait already; try again in a moment.")
        own = self._own[workspace_id]
        self._holders[workspace_id] += 1
        try:
            self._waiting += 1
            try:
                async with asyncio.timeout(timeout_seconds):
                    await _both(own, self._all)
            except TimeoutError:
                raise ModelBusy(f"No call to a model could begin within {timeout_seconds:g} seconds.") from None
            finally:
                self._waiting -= 1
            try:
                yield
            finally:
                self._all.release()
                own.release()
        finally:
            self._holders[workspace_id] -= 1
            if not self._holders[workspace_id]:
                del self._holders[workspace_id], self._own[workspace_id]


async def _both(first: asyncio.Semaphore, second: asyncio.Semaphore) -> None:
    await first.acquire()
    try:
        await second.acquire()
    except BaseException:
        first.release()
        raise
