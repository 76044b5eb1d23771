"""The beat of the server: each second the meter and the deadlines, each ten the housekeeping.

A beat that fails is logged and the next one catches up: billing goes by witnessed time, so a late charge
is still the right one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from noctule.db.engine import Database
from noctule.fleet.protocol import Fleet
from noctule.kit.failpoints import failpoint
from noctule.metering.service import Metering
from noctule.sessions.domain import CloseReason
from noctule.sessions.service import SessionService

log = logging.getLogger(__name__)

_BEAT_SECONDS = 1.0
_HOUSEKEEPING_SECONDS = 10.0

_REASONS = {
    "credit": CloseReason.CREDITS_EXHAUSTED,
    "budget": CloseReason.BUDGET_EXHAUSTED,
    "lost": CloseReason.ERROR,
}

Beat = Callable[[], Awaitable[object]]


class Workers:
    """The loops of one server; each has this object as its owner."""

    def __init__(
        self,
        *,
        database: Database,
        fleet: Fleet,
        metering: Metering,
        sessions: SessionService,
        deliver: Beat,
        chores: tuple[Beat, ...],
    ) -> None:
        self._database = database
        self._fleet = fleet
        self._metering = metering
        self._sessions = sessions
        self._deliver = deliver
        self._chores = chores
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to beat."""
        housekeeping: tuple[Beat, ...] = (
            self._sessions.ends.note_traffic,
            self._sessions.ends.recover,
            self.seal_months,
            *self._chores,
        )
        self._tasks = [
            asyncio.create_task(_every(_BEAT_SECONDS, (self.beat,))),
            asyncio.create_task(_every(_HOUSEKEEPING_SECONDS, housekeeping)),
            asyncio.create_task(_every(_BEAT_SECONDS, (self._sessions.ends.retry_endings,))),
            asyncio.create_task(_every(_BEAT_SECONDS, (self._deliver,))),
        ]

    async def close(self) -> None:
        """Stop beating."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def beat(self) -> None:
        """End what is over, charge what is due, and stop the sessions that nobody can pay for."""
        proxied = {session_id: traffic.proxied_bytes for session_id, traffic in self._fleet.traffic().items()}
        # As of before the look for what is over: else a session whose last minute ends in between, or while the
        # database makes this wait, would be charged for one more.
        charge = self._metering.tick_step(proxied)
        await self._sessions.ends.end_overdue()
        outcome = await self._database.write(charge)
        if outcome.minutes:
            failpoint("minute.after_commit")
        if outcome.checkpoints:
            failpoint("checkpoint.after_commit")
        for stop in outcome.stops:
            await self._sessions.ends.end(stop.lease_id, _REASONS[stop.cause], stop.reason)

    async def seal_months(self) -> None:
        """Seal the months that take no more events."""
        await self._database.write(self._metering.seal_months)


async def _every(seconds: float, beats: tuple[Beat, ...]) -> None:
    while True:
        for beat in beats:
            try:
                await beat()
            except Exception:
                log.exception("%s failed; the next beat tries again", getattr(beat, "__qualname__", beat))
        await asyncio.sleep(seconds)
