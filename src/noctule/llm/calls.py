"""The books of calls: written down before they leave, charged when their reply is there.

What must hold: a call is ``sent`` in a committed row before its request leaves. The transaction in which it becomes
``done`` is the one that charges it, under its own id, so a reply that is delivered twice is charged once. Recovery
never charges: a call that nobody waits for any more becomes ``unknown``, at no cost.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class FinishedCall:
    """One finished call, as the meter is told of it; the names are those of the meter's own."""

    call_id: str
    account_id: str
    model: str
    tokens: tuple[tuple[str, int], ...]
    cost_nanos: int
    price_id: str
    finished_at: datetime
    session_id: str | None = None
    agent_id: str | None = None
    function_id: str | None = None
    function_run_id: str | None = None
    api_key_id: str | None = None
    tags: tuple[str, ...] = ()


class Charging(Protocol):
    """The meter, as far as models concern it. Both work inside the caller's transaction and commit nothing."""

    def admit(self, connection: Connection, payer: Payer) -> None:
        """Let a call in while something is left to pay with. Raises ``PaymentRequired``."""
        ...

    def charge(self, connection: Connection, call: FinishedCall) -> bool:
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

    def finish_step(self, call: SentCall, use: ModelUse) -> "FinishStep":
        """The step that lets a call be done and charges it; a second time it changes nothing."""
        return FinishStep(self._charging, call, use, self._clock.now())

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


class FinishStep:
    """One transaction's work: the row becomes done, and the meter books the event that pays for it."""

    def __init__(self, charging: Charging, call: SentCall, use: ModelUse, now: datetime) -> None:
        self._charging = charging
        self._call = call
        self._use = use
        self._now = now

    def __call__(self, connection: Connection) -> bool:
        """Answers whether it was new."""
        call, use, payer = self._call, self._use, self._call.payer
        if not store.finish(connection, call.id, use, self._now):
            return False
        is_new = self._charging.charge(
            connection,
            FinishedCall(
                call_id=call.id,
                account_id=payer.workspace_id,
                model=f"{call.provider}/{call.model}",
                tokens=use.tokens.by_kind(),
                cost_nanos=use.cost_nanos,
                price_id=use.entry.id,
                finished_at=self._now,
                session_id=payer.session_id,
                agent_id=payer.agent_id,
                function_id=payer.function_id,
                function_run_id=payer.function_run_id,
                api_key_id=payer.api_key_id,
                tags=payer.tags,
            ),
        )
        failpoint("llm-call-charged")
        return is_new


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
