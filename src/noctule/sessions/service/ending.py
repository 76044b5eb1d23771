"""How sessions end: by their owner, their time, their money, their browser's death, the server's.

One way for all of them: the browser goes back at once, which stops the meter, then one transaction closes
and bills the session. If that transaction fails the session stays in hand, and is tried again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from noctule.browser.commands import BrowserGone, Traffic
from noctule.db.engine import Database
from noctule.fleet.protocol import Fleet
from noctule.kit.clock import Clock
from noctule.kit.errors import NotFound, Unavailable
from noctule.kit.failpoints import failpoint
from noctule.kit.money import decimal_dollars
from noctule.kit.outbox import Announcement, Outbox
from noctule.kit.tasks import Owned
from noctule.metering.service import Metering
from noctule.profiles.service import Holding
from noctule.sessions import store
from noctule.sessions.domain import (
    FOR_WANT_OF_MONEY,
    CloseReason,
    Session,
    Status,
    in_words,
    overdue,
    status_after,
)
from noctule.sessions.service.keeping import Keeping
from noctule.sessions.service.live import Ending, LiveSession, LiveSessions

log = logging.getLogger(__name__)

_CRASHED = "The server stopped unexpectedly; nothing was billed after it."
_START_BOUND = timedelta(minutes=5)
# More than this are left to ``recover``, which finds them when the time for a start is over.
_MOST_FAILED = 1000


class Closing:
    """Ends sessions."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        fleet: Fleet,
        metering: Metering,
        outbox: Outbox,
        live: LiveSessions,
        tasks: Owned,
        profiles: Holding,
        keeping: Keeping,
        instance_id: str,
        boot_id: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._fleet = fleet
        self._metering = metering
        self._outbox = outbox
        self._live = live
        self._tasks = tasks
        self._profiles = profiles
        self._keeping = keeping
        self._instance_id = instance_id
        self._boot_id = boot_id
        self._failed: dict[str, str] = {}
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
                self._metering.freeze(
                    session_id,
                    at_paid_minute=reason in FOR_WANT_OF_MONEY,
                    at_most_minutes=live.session.max_duration_minutes,
                )
                is_kept = self._keeping.is_due(live, reason)
                traffic = await self._fleet.release(session_id, in_words(reason, error), is_kept=is_kept)
                live.ending = Ending(reason, error, traffic)
                if is_kept:
                    # The answer does not wait for it; whoever starts with the profile does.
                    self._keeping.save_last(live)
            ending = live.ending
            await self._database.write(lambda connection: self._close(connection, live, ending))
            failpoint("stop.after_commit")
            self._metering.forget(session_id)
            self._live.remove(session_id)

    def _close(self, connection: Connection, live: LiveSession, ending: Ending) -> None:
        session = live.session
        if self._keeping.is_due(live, ending.reason):
            self._profiles.closing(connection, session.id)
        elif live.profile is not None:
            self._profiles.let_go(connection, (session.id,))
        closed = self._metering.close_lease(connection, session.id, proxied_bytes=ending.traffic.proxied_bytes)
        now, status = self._clock.now(), status_after(ending.reason)
        store.touch(connection, [_seen(session.id, now, ending.traffic)])
        if store.end(connection, session.id, status, now, ending.reason, ending.error):
            self._announce(connection, session, status, ending.reason, ending.error, closed.minutes)
        failpoint("stop.before_commit")

    def _announce(
        self,
        connection: Connection,
        session: Session,
        status: Status,
        reason: CloseReason,
        error: str | None,
        minutes: int,
    ) -> None:
        cost = self._metering.cost_of_session(connection, session.id)
        data = {
            "session_id": session.id,
            "status": status.value,
            "close_reason": reason.value,
            "error": error,
            "tags": list(session.tags),
            "minutes": minutes,
            "cost": decimal_dollars(cost),
        }
        key = f"session.ended:{session.id}"
        self._outbox.add(
            connection, [Announcement(key, session.workspace_id, "session.ended", self._clock.now(), data)]
        )

    async def end_overdue(self) -> None:
        """End every session whose idle time or maximum duration is over.

        The meter stands still from here on, and a session that lived its whole life pays for that and not
        for the moment by which its end was noticed late: so call this before the meter's tick.
        """
        traffic = self._fleet.traffic()
        for live in self._live.all():
            session_id = live.session.id
            most_minutes = live.session.max_duration_minutes
            reason = overdue(
                age_seconds=self._metering.witnessed_seconds(session_id),
                idle_seconds=traffic[session_id].idle_seconds if session_id in traffic else 0.0,
                max_duration_minutes=most_minutes,
                idle_timeout_minutes=live.session.idle_timeout_minutes,
            )
            if reason is not None and live.ending is None:
                self._metering.freeze(session_id, at_most_minutes=most_minutes)
                self.end_soon(session_id, reason)

    async def give_up(self, session_id: str, error: Exception) -> None:
        """Mark a start that failed, which nobody holds. If that cannot be written now, ``retry_endings`` will."""
        if len(self._failed) < _MOST_FAILED:
            self._failed[session_id] = str(error) or type(error).__name__
        if isinstance(error, Unavailable):
            # The database is away, and the caller has waited for it once.
            return
        try:
            await self._mark_failed()
        except Exception:
            # The caller must learn of the first error, not of this one.
            log.exception("could not mark session %s as failed yet", session_id)

    async def _mark_failed(self) -> None:
        if failed := dict(self._failed):
            await self._database.write(lambda connection: self._fail(connection, failed))
            for session_id in failed:
                self._failed.pop(session_id, None)

    def _fail(self, connection: Connection, failed: Mapping[str, str]) -> None:
        for session_id in failed:
            # An activation that was committed, although the confirmation was lost, has left a lease behind.
            with contextlib.suppress(NotFound):
                self._metering.close_lease(connection, session_id, proxied_bytes=0)
        self._end_unheld(connection, failed)

    def _end_unheld(self, connection: Connection, errors: Mapping[str, str]) -> None:
        """End sessions that nobody holds and whose leases are closed, each with its error."""
        now = self._clock.now()
        if errors:
            self._profiles.let_go(connection, errors)
        for session in store.many(connection, sorted(errors)):
            error = errors[session.id]
            ended = store.end(connection, session.id, Status.ERROR, now, CloseReason.ERROR, error)
            if ended and session.activated_at is not None:
                minutes = self._metering.paid_minutes(connection, session.id)
                self._announce(connection, session, Status.ERROR, CloseReason.ERROR, error, minutes)

    async def retry_endings(self) -> None:
        """Try again to commit the ends that could not be committed."""
        await self._mark_failed()
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
            lost = set(self._metering.abandon(connection))
            before = self._clock.now() - _START_BOUND
            lost.update(store.stale_starts(connection, self._instance_id, self._boot_id, before))
            self._end_unheld(connection, dict.fromkeys(lost, _CRASHED))
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
