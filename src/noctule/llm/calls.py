"""The books of calls: written down before they leave, charged when their reply is there.

What must hold: a call is ``sent`` in a committed row before its request leaves. The transaction in which it becomes
``done`` is the one that charges it, under its own id, so a reply that is delivered twice is charged once. Recovery
never charges: a call that nobody waits for any more becomes ``unknown``, at no cost.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.failpoints import failpoint
from noctule.kit.ids import new_id
from noctule.kit.tasks import Owned
from noctule.llm import store
from noctule.llm.prices import PriceEntry
from noctule.llm.protocol import Payer
from noctule.llm.routing import Route
from noctule.llm.store import ModelUse, SentCall

log = logging.getLogger(__name__)

# Longer than any call may take, the wait for the database included.
_NOBODY_WAITS = timedelta(minutes=30)
_CLOSE_SECONDS = 5.0


class Charging(Protocol):
    """The meter, as far as models concern it. Both work inside the caller's transaction and commit nothing."""

    def admit(self, connection: Connection, payer: Payer) -> None:
        """Let a call in while something is left to pay with. Raises ``PaymentRequired``."""
        ...

    def charge(self, connection: Connection, call: SentCall, use: ModelUse, finished_at: datetime) -> bool:
        """Book a finished call, once for its id; answers whether it was new."""
        ...


class Calls:
    """The calls of one server."""

    def __init__(self, database: Database, clock: Clock, charging: Charging, *, instance_id: str, boot_id: str) -> None:
        self._database = database
        self._clock = clock
        self._charging = charging
        self._instance_id = instance_id
        self._boot_id = boot_id
        self._tasks = Owned()

    async def begin(self, payer: Payer, purpose: str, route: Route) -> SentCall:
        """Write down a call that is about to leave; only one that costs nothing is let in without credit.

        Raises ``PaymentRequired``, ``Unavailable``.
        """
        call = SentCall(
            id=new_id(),
            payer=payer,
            purpose=purpose,
            provider=route.provider.id,
            model=route.model,
            is_byok=route.is_byok,
            sent_at=self._clock.now(),
            instance_id=self._instance_id,
            boot_id=self._boot_id,
        )

        def step(connection: Connection) -> None:
            if not route.is_byok:
                self._charging.admit(connection, payer)
            store.add(connection, call)

        writing = self._tasks.spawn(self._database.write(step))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # Whether or not it was written down: what is not there cannot fail.
            self._tasks.spawn(self._fail_after(writing, call))
            raise
        failpoint("llm-call-sent")
        return call

    async def finish(self, call: SentCall, use: ModelUse) -> None:
        """Charge a call whose reply is there, even if the caller goes away meanwhile. Raises ``Unavailable``."""
        failpoint("llm-reply-read")
        await self._tasks.finish(self._database.write(self.finish_step(call, use)))

    def finish_step(self, call: SentCall, use: ModelUse) -> Callable[[Connection], bool]:
        """One transaction's work: the call is done, and the meter books the event that pays for it.

        Answers whether it was new; a second time it changes nothing.
        """
        now = self._clock.now()

        def step(connection: Connection) -> bool:
            if not store.finish(connection, call.id, use, now):
                return False
            is_new = self._charging.charge(connection, call, use, now)
            failpoint("llm-call-charged")
            return is_new

        return step

    def abandon(self, call: SentCall, error: str) -> None:
        """Record that a call failed, without waiting: its caller is on its way out."""
        self._tasks.spawn(self._fail_quietly(call, error))

    async def fail(self, call: SentCall, error: str) -> None:
        """Record that a call came to nothing; it costs nothing."""
        await self._tasks.finish(self._fail_quietly(call, error))

    async def recover(self) -> int:
        """Let calls be ``unknown`` that a killed server left behind; answers how many. For the start and a worker."""
        before = self._clock.now() - _NOBODY_WAITS
        count = await self._database.write(
            lambda connection: store.mark_unknown(
                connection, instance_id=self._instance_id, boot_id=self._boot_id, sent_before=before
            )
        )
        if count:
            log.warning("%d calls to models were out when a server ended: nothing was charged for them", count)
        return count

    async def close(self) -> None:
        """Finish what is being written down."""
        await self._tasks.drain(_CLOSE_SECONDS)

    async def _fail_after(self, writing: "asyncio.Task[None]", call: SentCall) -> None:
        await asyncio.wait([writing])
        if not writing.cancelled() and writing.exception() is None:
            await self._fail_quietly(call, "cancelled")

    async def _fail_quietly(self, call: SentCall, error: str) -> None:
        now = self._clock.now()
        try:
            await self._database.write(lambda connection: store.fail(connection, call.id, error, now))
        except asyncio.CancelledError:
            raise
        except Exception as problem:
            # It stays ``sent`` and becomes ``unknown``: nothing is charged either way.
            log.warning("the failure of the model call %s could not be written down: %s", call.id, problem)


def findings(connection: Connection) -> Iterator[tuple[str, str]]:
    """What an audit has to say about calls: pairs of a check's name and a place where it fails.

    ``model-calls``: calls whose outcome nobody knows. ``model-prices``: costs that their stored price does not make.
    """
    for call in store.unknown(connection):
        yield "model-calls", f"llm:{call.id} to {call.provider}/{call.model} was out when its server ended"
    for call in store.done(connection):
        try:
            entry = PriceEntry.from_text(call.price or "")
        except (ValueError, ArithmeticError):
            yield "model-prices", f"llm:{call.id} has a stored price that cannot be read"
            continue
        if (entry.id, entry.cost_nanos(call.tokens)) != (call.price_id, call.cost_nanos):
            yield "model-prices", f"llm:{call.id} cost {call.cost_nanos} nanos, its price makes another sum"
