"""A server whose minutes take a tenth of a second: the real database, meter, sessions and workers, without browsers.

It runs in a process of its own (``tests.support.forge``) under a load of its own, and tells on standard output what it
was told: one JSON line after each ``await`` that returned, and one before each that makes something possible. Whoever
kills it reads the lines and knows what must be in the books, and what may be.

Environment: ``QUICK_URL`` (database), ``QUICK_FOLDER`` (key file), ``QUICK_SEED``, ``QUICK_BOOT``, ``QUICK_ZERO``
(the reading of the monotonic clock at which the virtual time began), ``QUICK_AGAIN`` (JSON: starts and top-ups to be
sent once more).
"""

import asyncio
import json
import os
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from noctule.browser.commands import Upstream
from noctule.db.engine import Database
from noctule.kit.errors import Conflict, PaymentRequired
from noctule.kit.outbox import NoOutbox
from noctule.kit.seal import Sealer
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering
from noctule.sessions.domain import ProxyChoice, StartSession
from noctule.sessions.service import SessionService, SessionView, Starter
from noctule.workers.loops import Workers
from tests.support.fleet import FakeFleet
from tests.support.profiles import build_profiles, in_memory

SPEED = 600
RICH, POOR = "rich", "poor"
TOP_UP_NANOS = 5_000_000
LONGEST_MINUTES = 8

# A month ends soon after it begins, so that chains of minutes cross it.
_BEGINS_AT = datetime(2026, 1, 31, 21, tzinfo=UTC)
_CLIENTS = 6
_BEAT_SECONDS = 0.01
_HOUSEKEEPING_SECONDS = 0.1
_WISH = StartSession(
    proxy=ProxyChoice(kind="pool"), max_duration_minutes=LONGEST_MINUTES, idle_timeout_minutes=LONGEST_MINUTES
)


class QuickClock:
    """Both clocks ``SPEED`` times as fast as the machine's, and the same in every process on it."""

    def __init__(self, zero: float) -> None:
        self._zero = zero

    def now(self) -> datetime:
        return _BEGINS_AT + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._zero) * SPEED


class _Pool:
    """One proxy of the operator's, anywhere."""

    def choose(self, country: str | None, proxy_id: str | None) -> Upstream | None:
        return Upstream("http://127.0.0.1:3128", from_pool=True)

    def countries(self) -> tuple[str, ...]:
        return ("us",)


def build(
    database: Database, clock: QuickClock, folder: Path, boot_id: str
) -> tuple[FakeFleet, Metering, SessionService]:
    """The parts, put together as ``app`` does."""
    fleet = FakeFleet()
    metering = Metering(clock, PriceBook.built_in(), instance_id="quick", boot_id=boot_id)
    sessions = SessionService(
        database=database,
        clock=clock,
        fleet=fleet,
        metering=metering,
        outbox=NoOutbox(),
        proxies=_Pool(),
        profiles=build_profiles(database, clock, Sealer.load(folder), in_memory(), boot_id=boot_id),
        sealer=Sealer.load(folder),
        instance_id="quick",
        boot_id=boot_id,
        acquire_timeout_seconds=2.0,
    )
    return fleet, metering, sessions


def main() -> None:
    """Serve until killed."""
    asyncio.run(_Quick().run())


async def _deliver_nothing() -> None:
    """Nobody wants webhooks here."""


def _say(kind: str, **what: object) -> None:
    sys.stdout.write(json.dumps({"kind": kind, **what}) + "\n")
    sys.stdout.flush()


class _Quick:
    def __init__(self) -> None:
        self._random = random.Random(int(os.environ["QUICK_SEED"]))
        self._database = Database(os.environ["QUICK_URL"])
        self._clock = QuickClock(float(os.environ["QUICK_ZERO"]))
        self._fleet, self._metering, self._sessions = build(
            self._database, self._clock, Path(os.environ["QUICK_FOLDER"]), os.environ["QUICK_BOOT"]
        )
        self._fleet.limit = 1000
        # As slow as a warm browser, in this server's time.
        self._fleet.acquire_delay_seconds = 0.002
        self._workers = Workers(
            database=self._database,
            fleet=self._fleet,
            metering=self._metering,
            sessions=self._sessions,
            deliver=_deliver_nothing,
            chores=(),
        )
        self._again: list[list[str]] = json.loads(os.environ["QUICK_AGAIN"])

    async def run(self) -> None:
        await self._sessions.ends.recover()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beats())
            tasks.create_task(self._housekeeping())
            for number in range(_CLIENTS):
                tasks.create_task(self._client(random.Random(self._random.random()), RICH if number % 3 else POOR))

    async def _beats(self) -> None:
        while True:
            began = self._clock.monotonic()
            # As the workers' own loops do: a beat that fails, because a session ended under its hands say, is made up
            # for by the next one.
            try:
                await self._sessions.ends.end_overdue()
                await self._workers.beat()
                _say("beat", at=began)
            except Exception as error:
                _say("failed", what=repr(error))
            await asyncio.sleep(_BEAT_SECONDS)

    async def _housekeeping(self) -> None:
        while True:
            try:
                await self._sessions.ends.note_traffic()
                await self._sessions.ends.recover()
                await self._sessions.ends.retry_endings()
                await self._workers.seal_months()
            except Exception as error:
                _say("failed", what=repr(error))
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)

    async def _client(self, chance: random.Random, account: str) -> None:
        while True:
            try:
                while self._again:
                    kind, of, key = self._again.pop()
                    await (self._start(of, key) if kind == "start" else self._top_up(of, key))
                session_id = await self._start(account, f"{chance.getrandbits(64):x}")
            except PaymentRequired:
                await self._top_up(POOR, f"{chance.getrandbits(64):x}")
                continue
            except Conflict:
                # The five minutes that a start may take are half a second here, which a busy machine can use up.
                _say("failed", what="a start took too long")
                continue
            await self._use(session_id, chance)
            if chance.random() < 0.7:
                await self._stop(account, session_id)

    async def _start(self, account: str, key: str) -> str:
        _say("starting", account=account, key=key, at=self._clock.monotonic())
        view: SessionView = await self._sessions.start(Starter(account, "key", key), _WISH)
        session = view.session
        _say("started", key=key, session=session.id, status=session.status.value, at=self._clock.monotonic())
        return view.session.id

    async def _use(self, session_id: str, chance: random.Random) -> None:
        """Move bytes for up to five minutes."""
        moved = 0
        until = self._clock.monotonic() + chance.uniform(5, 300)
        while self._clock.monotonic() < until and session_id in self._fleet.specs:
            moved += chance.choice((0, 100, 40_000, 3_000_000))
            _say("moving", session=session_id, bytes=moved)
            self._fleet.set_traffic(session_id, proxied_bytes=moved)
            await asyncio.sleep(chance.uniform(0.001, 0.03))

    async def _stop(self, account: str, session_id: str) -> None:
        _say("stopping", session=session_id, at=self._clock.monotonic())
        view = await self._sessions.stop(account, session_id)
        _say("stopped", session=session_id, at=self._clock.monotonic(), reason=str(view.session.close_reason or "none"))

    async def _top_up(self, account: str, key: str) -> None:
        _say("topping up", account=account, key=key)
        await self._database.write(lambda link: self._metering.top_up(link, account, TOP_UP_NANOS, key))
        _say("topped up", account=account, key=key)
