"""Carries messages: claims what is due, sends it, records what came of it.

What must hold: no transaction is open while a receiver is waited for. A delivery is claimed in a
transaction of its own before it is sent, so that no other server sends it meanwhile; a kill between the
claim and the record leads to a repetition once the claim has run out, never to a loss. At most
``MOST_AT_ONCE`` are under way, and no endpoint and no workspace can have them all.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection

from noctule import __version__
from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.failpoints import failpoint
from noctule.kit.seal import Sealer
from noctule.kit.tasks import Owned
from noctule.webhooks.domain import BadTarget, next_attempt_at, parse_target, sealed_for, signed_headers, unpacked
from noctule.webhooks.service.poster import Outcome, Poster
from noctule.webhooks.store import endpoints, queue

MOST_AT_ONCE = 16
MOST_OF_A_WORKSPACE = 8
MOST_OF_AN_ENDPOINT = 4
CLOSE_SECONDS = 3.0

# Longer than an attempt and its record take; so long does a delivery rest after a kill.
_CLAIM = timedelta(seconds=30)
_LOOKED_AT = 64
_DATABASE_TIMEOUT_SECONDS = 10.0
_GONE = 410

log = logging.getLogger(__name__)


class Courier:
    """The deliveries of one server; several may share a database."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer, poster: Poster) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._poster = poster
        self._tasks = Owned()
        self._claiming = asyncio.Lock()
        self._endpoints: Counter[str] = Counter()
        self._workspaces: Counter[str] = Counter()
        self._more = False
        self._refilling = False
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether any delivery is under way."""
        return self._tasks.busy

    async def deliver_due(self) -> int:
        """Begin to send what is due and fits, and answer how many; does not wait for any receiver.

        Raises ``Unavailable`` or ``TimeoutError`` if the database does not answer; the next beat tries again.
        """
        if self._closed or self._endpoints.total() >= MOST_AT_ONCE:
            return 0
        async with self._claiming, asyncio.timeout(_DATABASE_TIMEOUT_SECONDS):
            now = self._clock.now()
            waiting = await self._database.read(lambda connection: queue.due(connection, now, _LOOKED_AT))
            self._more = bool(waiting)
            if self._closed or not (allotted := self._allot(waiting)):
                return 0
            claimed = await self._database.write(lambda link: queue.claim(link, allotted, now, now + _CLAIM))
            for each in claimed:
                self._endpoints[each.endpoint_id] += 1
                self._workspaces[each.workspace_id] += 1
                self._tasks.spawn(self._carry(each))
            return len(claimed)

    async def close(self, timeout_seconds: float = CLOSE_SECONDS) -> None:
        """Take on nothing more, and give what is under way a moment; what is cut off is sent again later."""
        self._closed = True
        await self._tasks.drain(timeout_seconds)

    def _allot(self, waiting: Sequence[queue.Due]) -> Counter[str]:
        """Free places for endpoints: whoever has fewest under way gets the next one."""
        allotted: Counter[str] = Counter()
        endpoints, workspaces = self._endpoints.copy(), self._workspaces.copy()
        for _ in range(MOST_AT_ONCE - self._endpoints.total()):
            open_to = [
                each
                for each in waiting
                if endpoints[each.endpoint_id] < MOST_OF_AN_ENDPOINT
                and workspaces[each.workspace_id] < MOST_OF_A_WORKSPACE
            ]
            if not open_to:
                break
            # ``min`` keeps the order among equals: the one that was served longest ago.
            next_ = min(open_to, key=lambda each: (workspaces[each.workspace_id], endpoints[each.endpoint_id]))
            allotted[next_.endpoint_id] += 1
            endpoints[next_.endpoint_id] += 1
            workspaces[next_.workspace_id] += 1
        return allotted

    async def _carry(self, claimed: queue.Claimed) -> None:
        try:
            failpoint("webhook.before_send")
            outcome = await self._attempt(claimed)
            failpoint("webhook.after_send")
            async with asyncio.timeout(_DATABASE_TIMEOUT_SECONDS):
                await self._database.write(lambda connection: self._record(connection, claimed, outcome))
            failpoint("webhook.after_commit")
        except Exception as error:
            # The claim runs out, and the delivery is tried again: at least once is what was promised.
            log.warning("delivery %s could not be recorded: %s", claimed.message_id, error or type(error).__name__)
        finally:
            self._endpoints -= Counter([claimed.endpoint_id])
            self._workspaces -= Counter([claimed.workspace_id])
            if self._more and not self._refilling and not self._closed:
                self._refilling = True
                self._tasks.spawn(self._refill())

    async def _refill(self) -> None:
        """Let the next one begin at once, not at the next beat."""
        try:
            await self.deliver_due()
        except Exception as error:
            log.warning("webhooks wait for the next beat: %s", error or type(error).__name__)
        finally:
            self._refilling = False

    async def _attempt(self, claimed: queue.Claimed) -> Outcome:
        try:
            held = unpacked(self._sealer.open(sealed_for(claimed.endpoint_id), claimed.secrets))
            target = parse_target(claimed.url)
        except BadTarget as error:
            return Outcome(error=str(error))
        except ValueError:
            return Outcome(error="the endpoint's secret cannot be read with this server's key; rotate it")
        body = claimed.body.encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"Noctule/{__version__}",
            **signed_headers(held, claimed.message_id, body, self._clock.now()),
        }
        try:
            return await self._poster.post(target, headers, body)
        except Exception as error:
            log.exception("delivery %s failed in an unforeseen way", claimed.message_id)
            return Outcome(error=f"an error of this server: {type(error).__name__}")

    def _record(self, connection: Connection, claimed: queue.Claimed, outcome: Outcome) -> None:
        now = self._clock.now()
        if outcome.error is None and outcome.status is not None:
            queue.delivered(connection, claimed, outcome.status, now)
            return
        error = outcome.error or "no answer"
        if outcome.status == _GONE:
            self._record_gone(connection, claimed)
            return
        again = next_attempt_at(
            claimed.attempts + 1,
            now,
            chance=random.random(),
            retry_after=outcome.retry_after,
        )
        queue.failed(connection, claimed, status=outcome.status, error=error, now=now, next_attempt_at=again)

    def _record_gone(self, connection: Connection, claimed: queue.Claimed) -> None:
        """The receiver wants nothing more: neither this one nor any other."""
        now, reason = self._clock.now(), "the receiver answered 410 (gone)"
        endpoint = endpoints.find(connection, claimed.workspace_id, claimed.endpoint_id, lock=True)
        queue.failed(connection, claimed, status=_GONE, error=reason, now=now, next_attempt_at=None)
        # An endpoint that was given another URL meanwhile is not the one that is gone.
        if endpoint is not None and endpoint.url == claimed.url and endpoint.disabled_at is None:
            endpoints.change(connection, endpoint.id, disabled_at=now, disabled_reason=reason)
            queue.bury(connection, endpoint.id, reason, now)
            log.warning("webhook endpoint %s is disabled: %s", endpoint.id, reason)
