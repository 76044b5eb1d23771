"""Tasks that go on although whoever asked for them has gone: each has an owner that waits for it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Owned:
    """Keeps tasks until they are done (asyncio itself would forget them)."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def busy(self) -> bool:
        """Whether any task is under way."""
        return bool(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run work as a task of this owner's."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Run work to its end even if the caller is cancelled meanwhile."""
        return await asyncio.shield(self.spawn(work))

    async def drain(self, timeout_seconds: float) -> None:
        """Wait until every task is done, at most so long; what is left then is cancelled."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout_seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)
