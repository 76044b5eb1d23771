"""``RequestLog`` stands between the requests and their table: never waits, never grows without end."""

import asyncio
import logging
from collections import deque
from datetime import timedelta

from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.errors import NoctuleError, Unavailable
from noctule.kit.tasks import Owned
from noctule.usage import store
from noctule.usage.domain import LogLine

_log = logging.getLogger(__name__)

_LONGEST_QUEUE = 10_000
_BATCH = 200
_FLUSH_EVERY_SECONDS = 0.25
_WRITE_TIMEOUT_SECONDS = 10.0
_CLOSE_TIMEOUT_SECONDS = 3.0
_KEPT_FOR = timedelta(days=30)
_PURGE_EVERY_SECONDS = 3600.0
_PURGE_BATCH = 1000


class RequestLog:
    """Lines on their way to the database: taken at once, written in batches, bounded in number."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: deque[LogLine] = deque()
        self._dropped = 0
        self._full = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._writes = Owned()
        self._task: asyncio.Task[None] | None = None
        self._purged_at = clock.monotonic()

    async def start(self) -> None:
        """Begin to write behind the requests."""
        self._task = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Write what is waiting, in bounded time, and stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
                await self.flush()
        except (NoctuleError, TimeoutError) as error:
            _log.warning("%d lines of the request log are lost: %s", len(self._waiting), error)
        await self._writes.drain(0)

    @property
    def waiting(self) -> int:
        """Lines that are not written yet."""
        return len(self._waiting)

    def record(self, line: LogLine) -> None:
        """Take a line; never waits. Over 10,000 waiting lines push the oldest out."""
        if len(self._waiting) >= _LONGEST_QUEUE:
            self._waiting.popleft()
            self._dropped += 1
        self._waiting.append(line)
        if len(self._waiting) >= _BATCH:
            self._full.set()

    async def flush(self) -> None:
        """Write every line that is waiting now. Raises ``Unavailable``; the lines stay then.

        A caller that is cancelled does not cut a write in two, which would book its lines again.
        """
        await self._writes.finish(self._flush())

    async def _flush(self) -> None:
        async with self._flushing:
            left = len(self._waiting)
            while left > 0 and self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(_BATCH, left, len(self._waiting)))]
                left -= len(batch)
                try:
                    await self._write(batch)
                except BaseException:
                    room = max(0, _LONGEST_QUEUE - len(self._waiting))
                    kept = batch[len(batch) - room :] if room < len(batch) else batch
                    self._waiting.extendleft(reversed(kept))
                    self._dropped += len(batch) - len(kept)
                    raise
            if self._dropped:
                _log.warning("%d lines of the request log were dropped: the database did not keep up", self._dropped)
                self._dropped = 0

    async def _write(self, batch: list[LogLine]) -> None:
        try:
            async with asyncio.timeout(_WRITE_TIMEOUT_SECONDS):
                await self._database.write(lambda connection: store.add(connection, batch))
        except TimeoutError as error:
            raise Unavailable("The request log cannot be written right now.") from error

    async def _work(self) -> None:
        while True:
            self._full.clear()
            try:
                async with asyncio.timeout(_FLUSH_EVERY_SECONDS):
                    await self._full.wait()
            except TimeoutError:
                pass
            try:
                await self.flush()
                if self._clock.monotonic() - self._purged_at >= _PURGE_EVERY_SECONDS:
                    self._purged_at = self._clock.monotonic()
                    await self.purge()
            except NoctuleError as error:
                _log.warning("the request log waits with %d lines: %s", len(self._waiting), error)
                await asyncio.sleep(_FLUSH_EVERY_SECONDS)
            except Exception:
                _log.exception("the request log could not be written")
                await asyncio.sleep(_FLUSH_EVERY_SECONDS)

    async def purge(self) -> None:
        """Delete lines that are older than 30 days, in bounded time; what is left waits for the next hour."""
        before = self._clock.now() - _KEPT_FOR
        try:
            async with asyncio.timeout(_WRITE_TIMEOUT_SECONDS):
                while await self._database.write(lambda step: store.purge(step, before, _PURGE_BATCH)) == _PURGE_BATCH:
                    pass
        except TimeoutError:
            _log.warning("old lines of the request log are still being deleted; the next hour goes on")
