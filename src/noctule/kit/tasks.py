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
        """Wait until every task is done, at most so long; what is left then is cancelled. Tasks that others of them
        begin meanwhile are among them."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while self._tasks:
            await asyncio.wait(self._tasks, timeout=max(0.0, deadline - loop.time()))
            if loop.time() >= deadline:
                break
        if late := set(self._tasks):
            for task in late:
                task.cancel()
            await asyncio.wait(late, timeout=1.0)
