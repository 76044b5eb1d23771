"""How sessions end: by their owner, their time, their money, their browser's death, the server's.

One way for all of them: the browser goes back at once, which stops the meter, then one transaction closes
and bills the session. If that transaction fails the session stays in hand, and is tried again.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from noctule.browser.commands import BrowserGone, Traffic
from noctule.db.engine import Database
from noctule.fleet.protocol import Fleet
from noctule.kit.clock import Clock
from noctule.kit.failpoints import failpoint
from noctule.kit.tasks import Owned
from noctule.metering.service import Metering
from noctule.sessions import store
from noctule.sessions.domain import CloseReason, Status, overdue, status_after
from noctule.sessions.service.live import Ending, LiveSessions

log = logging.getLogger(__name__)

_CRASHED = "The server stopped unexpectedly; nothing was billed after it."
_START_BOUND = timedelta(minutes=5)


class Closing:
    """Ends sessions."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        fleet: Fleet,
        metering: Metering,
        live: LiveSessions,
        tasks: Owned,
        instance_id: str,
        boot_id: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._fleet = fleet
        self._metering = metering
        self._live = live
        self._tasks = tasks
        self._instance_id = instance_id
        self._boot_id = boot_id
        fleet.on_gone(self._browser_gone)

    @property
    def busy(self) -> bool:
        """Whether a session is being started or ended right now."""
        return self._tasks.busy

    async def end(self, session_id: str, reason: CloseReason, error: str | None = None) -> None:
        """End a live session: its browser goes back at once, then one transaction closes and bills it.

        The first reason wins. If the transaction fails the error is raised, the session stays in hand and
        ``retry_endings`` tries again; the time of its end for the meter is when its browser went.
        """
        live = self._live.get(session_id)
        if live is None:
            return
        async with live.lock:
            if self._live.get(session_id) is not live:
                return
            if live.ending is None:
                at_paid_minute = reason is CloseReason.CREDITS_EXHAUSTED
                self._metering.freeze(session_id, at_paid_minute=at_paid_minute)
                live.ending = Ending(reason, error, await self._fleet.release(session_id))
            ending = live.ending
            await self._database.write(lambda connection: self._close(connection, session_id, ending))
            failpoint("stop.after_commit")
            self._metering.forget(session_id)
            self._live.remove(session_id)

    def _close(self, connection: Connection, session_id: str, ending: Ending) -> None:
        self._metering.close_lease(connection, session_id, proxied_bytes=ending.traffic.proxied_bytes)
        now = self._clock.now()
        store.touch(connection, [_seen(session_id, now, ending.traffic)])
        store.end(connection, session_id, status_after(ending.reason), now, ending.reason, ending.error)
        failpoint("stop.before_commit")

    async def end_overdue(self) -> None:
        """End every session whose idle time or maximum duration is over.

        The meter stands still from here on, and a session that lived its whole life pays for that and not
        for the moment by which its end was noticed late: so call this before the meter's tick.
        """
        traffic = self._fleet.traffic()
        for live in self._live.all():
            session_id = live.session.id
            reason = overdue(
                age_seconds=self._metering.witnessed_seconds(session_id),
                idle_seconds=traffic[session_id].idle_seconds if session_id in traffic else 0.0,
                max_duration_minutes=live.session.max_duration_minutes,
                idle_timeout_minutes=live.session.idle_timeout_minutes,
            )
            if reason is not None and live.ending is None:
                self._metering.freeze(session_id, at_paid_minute=reason is CloseReason.MAX_DURATION)
                self.end_soon(session_id, reason)

    async def retry_endings(self) -> None:
        """Try again to commit the ends that could not be committed."""
        for live in self._live.all():
            if live.ending is not None and not live.lock.locked():
                await self.end(live.session.id, live.ending.reason)

    async def end_all(self, reason: CloseReason) -> None:
        """End every live session."""
        ends = [self.end(live.session.id, reason) for live in self._live.all()]
        for failure in await asyncio.gather(*ends, return_exceptions=True):
            if isinstance(failure, BaseException):
                log.error("a session could not be closed; the next start of the server will: %s", failure)

    async def note_traffic(self) -> None:
        """Persist what the live sessions have moved and when they were last used."""
        traffic = self._fleet.traffic()
        seen = [
            _seen(live.session.id, live.last_accessed_at, traffic[live.session.id])
            for live in self._live.all()
            if live.ending is None and live.session.id in traffic
        ]
        if seen:
            await self._database.write(lambda connection: store.touch(connection, seen))

    async def recover(self) -> int:
        """Close what an earlier run of the server left open, billing nothing; answers how many."""

        def step(connection: Connection) -> int:
            now = self._clock.now()
            lost = set(self._metering.abandon(connection))
            lost.update(store.stale_starts(connection, self._instance_id, self._boot_id, now - _START_BOUND))
            for session_id in lost:
                store.end(connection, session_id, Status.ERROR, now, CloseReason.ERROR, _CRASHED)
            return len(lost)

        return await self._database.write(step)

    def _browser_gone(self, gone: BrowserGone) -> None:
        self.end_soon(gone.session_id, CloseReason.ERROR, gone.reason)

    def end_soon(self, session_id: str, reason: CloseReason, error: str | None = None) -> None:
        """``end`` behind the caller's back; a failure is logged and tried again by ``retry_endings``."""
        self._tasks.spawn(self.end(session_id, reason, error)).add_done_callback(_report)


def _report(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a session could not be closed yet: %s", error)


def _seen(session_id: str, accessed_at: datetime, traffic: Traffic) -> dict[str, Any]:
    return {
        "session_id": session_id,
        "accessed_at": accessed_at,
        "sent": traffic.request_bytes,
        "received": traffic.response_bytes,
    }
