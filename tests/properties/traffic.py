"""Sessions and function runs on a virtual clock: the real meter on a real database, and a tally of every workspace
beside it.

Everything that happens is drawn from one seed and stands in one queue of instants. Time is whole quarters of a
second, so that sums of it are exact in floats too. Whatever the meter answers is held against the tallies.
"""

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import pytest
from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.kit.errors import PaymentRequired
from noctule.metering.book import PriceBook
from noctule.metering.service import (
    LeaseOpening,
    Metering,
    ModelCall,
)
from tests.properties.tally import Budget, Tally, Whose, minute_cost
from tests.support import units
from tests.support.clock import FrozenClock
from tests.support.outbox import KeptOutbox

P = ParamSpec("P")
T = TypeVar("T")

SECOND, MINUTE, HOUR, DAY = 4, 240, 4 * 3600, 4 * 86_400
CHECKPOINT_BYTES, CHECKPOINT = 10_000_000, 10 * SECOND
WORKSPACES = {"ant": "growth", "bee": "pro", "cat": "free", "dog": "prepaid", "elk": "pro"}
SHARES = (40, 25, 12, 13, 10)
KEYS, TAGS, AGENTS = ("nightly", "shop", "desk"), ("crawl", "checkout", "eu"), ("", "", "scout", "buyer")


@dataclass(slots=True)
class Held:
    """What the model knows of a lease; instants in quarters of a second."""

    id: str
    account: str
    meter: str
    whose: Whose
    opened: datetime
    began: int
    checked: int
    paid: int = 0
    bytes: int = 0
    committed: int = 0
    unpaid: int | None = None
    cost: int = 0
    is_proxied: bool = False
    is_downloading: bool = False


class Traffic:
    """Leases, their ticks and their ends. ``seen`` counts what happened, so that a test can tell that it did.

    ``is_direct``: transactions are opened here instead of by the database's own threads; the way there and back
    takes as long as most steps.
    """

    def __init__(self, database: Database, seed: int, start: datetime, *, is_direct: bool) -> None:
        self.database = database
        self.is_direct = is_direct
        self.random = random.Random(seed)
        self.clock = FrozenClock(start)
        self.now = 0
        self.queue: list[tuple[int, int, Callable[[], None]]] = []
        self.ids, self.boots = itertools.count(1), itertools.count(1)
        self.outbox = KeptOutbox()
        self.held: dict[str, Held] = {}
        self.closed: dict[str, Held] = {}
        self.tallies: dict[str, Tally] = {}
        self.seen: Counter[str] = Counter()
        self.is_ticking = False
        self.boot()

    def boot(self) -> None:
        self.meter = Metering(
            self.clock,
            PriceBook.built_in(),
            instance_id="one",
            boot_id=str(next(self.boots)),
            outbox=self.outbox,
        )

    def write(self, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        if not self.is_direct:
            return units.write(self.database, step, *args, **kwargs)
        with self.database.engine.connect() as connection:
            connection.info["writes"] = True
            with connection.begin():
                return step(connection, *args, **kwargs)

    def read(self, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return units.read(self.database, step, *args, **kwargs)

    # -- the queue -----------------------------------------------------------------------------------------

    def run(self) -> None:
        """Everything that is in the queue, and what follows from it."""
        for id, plan in WORKSPACES.items():
            self.write(self.meter.open_account, id, plan)
            tally = self.tallies[id] = Tally(id, self.clock.now())
            with tally.posting(self.clock.now()) as at:
                tally.take_plan(plan, at)
        while self.queue:
            when, _, action = heapq.heappop(self.queue)
            self.clock.advance((when - self.now) / SECOND)
            self.now = when
            action()
        assert not self.held

    def at(self, when: int, action: Callable[[], None]) -> None:
        heapq.heappush(self.queue, (max(when, self.now), next(self.ids), action))

    # -- leases --------------------------------------------------------------------------------------------

    def open(self, meter: Any, lasts: int) -> None:
        draw, account = self.random, self.random.choices(tuple(WORKSPACES), SHARES)[0]
        tally, lease_id = self.tallies[account], f"{meter}-{next(self.ids)}"
        tags = tuple(tag for tag in TAGS if draw.random() < 0.25)
        is_browser = meter == "browser"
        whose = Whose(
            session=lease_id if is_browser else "",
            agent=draw.choice(AGENTS) if is_browser else "",
            api_key=draw.choice(KEYS),
            tags=tags,
            function="" if is_browser else draw.choice(("f-mail", "f-sync")),
        )
        most = draw.choice((1, 2_000_000, 5_000_000)) if is_browser and draw.random() < 0.04 else None
        opening = LeaseOpening(
            lease_id,
            account,
            whose.api_key,
            meter,
            session_id=whose.session or None,
            agent_id=whose.agent or None,
            function_id=whose.function or None,
            function_run_id=None if is_browser else lease_id,
            tags=tags,
            max_cost_nanos=most,
        )
        if (refusal := self.refused(tally, whose, lambda: self.write(self.meter.open_lease, opening))) is not None:
            self.seen[f"starts refused {refusal}"] += 1
            return
        held = Held(lease_id, account, meter, whose, self.clock.now(), self.now, self.now)
        held.is_proxied = is_browser and draw.random() < 0.2
        with tally.posting(self.clock.now()) as at:
            held.opened = at
            if most is not None:
                self.seen["sessions with a limit of their own"] += 1
                own = Budget(f"max cost of session {lease_id}", "session", lease_id, False, most, True)
                tally.budgets[own.name] = own
            self.charge_minute(held)
        self.meter.begin(lease_id)
        self.held[lease_id] = held
        self.seen[f"{meter} leases"] += 1
        self.at(self.now + lasts, partial(self.end, held))
        for _ in range(draw.choice((0, 0, 0, 0, 1, 2)) if whose.agent else 0):
            self.at(self.now + draw.randrange(lasts), partial(self.call_model, held))
        self.schedule_tick()

    def refused(self, tally: Tally, whose: Whose, attempt: Callable[[], object]) -> str | None:
        """Try what has to be admitted: it is refused for the very reason that the tally knows, or not at all."""
        expected = tally.refusal(self.clock.now(), whose)
        if expected is None:
            attempt()
            return None
        with pytest.raises(PaymentRequired) as caught:
            attempt()
        detail = caught.value.detail
        assert isinstance(detail, Mapping)
        if expected:
            assert detail["reason"] == "budget_exceeded"
            assert detail["budget"]["name"] in expected
        else:
            assert detail["reason"] == "usage_limit_exceeded"
        return "by budgets" if expected else "for credit"

    def end(self, held: Held) -> None:
        if held.id in self.held:
            self.move_bytes(held)
            self.close(held, at_paid_minute=False)

    def close(self, held: Held, *, at_paid_minute: bool) -> None:
        del self.held[held.id]
        witnessed = self.now - held.began
        if at_paid_minute:
            witnessed = min(witnessed, held.paid * MINUTE)
        tally = self.tallies[held.account]
        with tally.posting(self.clock.now()):
            while held.paid < minutes_of(witnessed):
                self.charge_minute(held)
            if held.bytes > held.committed:
                self.charge_bytes(held)
        self.meter.freeze(held.id, at_paid_minute=at_paid_minute)
        closed = self.write(self.meter.close_lease, held.id, proxied_bytes=held.bytes)
        self.meter.forget(held.id)
        assert (closed.minutes, closed.cost_nanos) == (held.paid, held.cost)
        assert closed.witnessed_seconds * SECOND == witnessed
        self.let_go(held)

    def let_go(self, held: Held) -> None:
        self.closed[held.id] = held
        budgets = self.tallies[held.account].budgets
        for name in [each.name for each in budgets.values() if (each.scope, each.subject) == ("session", held.id)]:
            del budgets[name]

    def charge_minute(self, held: Held) -> None:
        cost, occurred = minute_cost(held.paid), held.opened + timedelta(minutes=held.paid)
        key = f"{held.meter}:{held.id}:{held.paid}"
        self.tallies[held.account].charge(key, held.meter, occurred, cost, 1, held.whose, first=held.paid == 0)
        held.paid += 1
        held.cost += cost

    def charge_bytes(self, held: Held) -> None:
        count, tally = held.bytes - held.committed, self.tallies[held.account]
        tally.charge(f"proxy:{held.id}:{held.committed}", "proxy", tally.mark, 10 * count, count, held.whose)
        held.committed = held.bytes
        held.cost += 10 * count

    def move_bytes(self, held: Held) -> None:
        """Mostly a little; a download is seen by several ticks that follow closely."""
        chance = self.random.random()
        if not held.is_proxied or chance > 0.6:
            held.is_downloading = False
            return
        held.is_downloading = held.is_downloading or chance < 0.01
        held.bytes += (
            self.random.randrange(1_000_000, 15_000_000) if held.is_downloading else self.random.randrange(200_000)
        )

    # -- the tick ------------------------------------------------------------------------------------------

    def schedule_tick(self) -> None:
        if not self.is_ticking:
            self.is_ticking = True
            hurries = any(held.is_downloading for held in self.held.values())
            first, last = (SECOND, 9 * SECOND) if hurries else (40 * SECOND, 60 * SECOND)
            self.at(self.now + self.random.randrange(first, last), self.tick)

    def tick(self) -> None:
        self.is_ticking = False
        for held in self.held.values():
            self.move_bytes(held)
        expected: dict[str, list[str]] = {}
        accounts = {held.account for held in self.held.values()}
        for account in accounts:
            mine = [held for held in self.held.values() if held.account == account and self.is_due(held)]
            if mine:
                with self.tallies[account].posting(self.clock.now()):
                    for held in mine:
                        self.expect_charges(held, expected)
        outcome = self.write(self.meter.tick_step({held.id: held.bytes for held in self.held.values()}))
        assert {stop.lease_id for stop in outcome.stops} == expected.keys()
        for stop in outcome.stops:
            budgets = expected[stop.lease_id]
            assert stop.cause == ("budget" if budgets else "credit")
            assert not budgets or any(repr(name) in stop.reason for name in budgets)
            self.seen[f"stopped by {stop.cause}"] += 1
            self.close(self.held[stop.lease_id], at_paid_minute=True)
        if self.held:
            self.schedule_tick()

    def is_due(self, held: Held) -> bool:
        return self.now - held.began > held.paid * MINUTE or self.is_checkpoint(held)

    def is_checkpoint(self, held: Held) -> bool:
        return self.size(held) >= CHECKPOINT_BYTES or (
            held.bytes > held.committed and self.now - held.checked >= CHECKPOINT
        )

    def size(self, held: Held) -> int:
        return held.bytes - (held.committed if held.unpaid is None else held.unpaid)

    def expect_charges(self, held: Held, stops: dict[str, list[str]]) -> None:
        """What a tick charges of one lease, and why it stops it."""

        def refusal() -> list[str] | None:
            return self.tallies[held.account].refusal(self.clock.now(), held.whose)

        is_checkpoint = self.is_checkpoint(held)
        owed = minutes_of(self.now - held.began)
        while held.paid < owed:
            if (reason := refusal()) is not None:
                stops[held.id] = reason
                return
            self.charge_minute(held)
        if not is_checkpoint:
            return
        if (reason := refusal()) is not None:
            if self.size(held) >= CHECKPOINT_BYTES:
                stops[held.id] = reason
            return
        before, held.unpaid, held.checked = held.committed, None, self.now
        if held.bytes > held.committed:
            self.charge_bytes(held)
            held.unpaid = before if refusal() is not None else None

    # -- calls to models -----------------------------------------------------------------------------------

    def call_model(self, held: Held) -> None:
        """An agent's call to a model, admitted before and booked after; now and then delivered twice."""
        tally, whose = self.tallies[held.account], held.whose._replace(model=self.random.choice(("a/big", "b/small")))
        unbound = whose._replace(session="", function="")

        def admit() -> None:
            self.read(self.meter.admit, tally.id, api_key_id=whose.api_key, agent_id=whose.agent, tags=whose.tags)

        if held.id not in self.held:
            return
        if (refusal := self.refused(tally, unbound, admit)) is not None:
            self.seen[f"calls refused {refusal}"] += 1
            return
        cost, tokens = self.random.choice((0, self.random.randrange(20_000_000))), self.random.randrange(9_000)
        finished = self.clock.now() - timedelta(seconds=self.random.randrange(5))
        call = ModelCall(
            f"call-{next(self.ids)}",
            tally.id,
            whose.model,
            (("input", tokens), ("output", 7)),
            cost,
            "listed",
            finished,
            session_id=whose.session,
            agent_id=whose.agent,
            api_key_id=whose.api_key,
            tags=whose.tags,
        )
        with tally.posting(self.clock.now()):
            tally.charge(f"llm:{call.call_id}", "llm", finished, cost, tokens + 7, whose)
        assert self.write(self.meter.charge_model_call, call)
        self.seen["model calls"] += 1
        if self.random.random() < 0.2:
            assert not self.write(self.meter.charge_model_call, call)
            self.seen["calls delivered twice"] += 1


def minutes_of(quarters: int) -> int:
    """Every started minute, at least one."""
    return max(1, -(-quarters // MINUTE))
