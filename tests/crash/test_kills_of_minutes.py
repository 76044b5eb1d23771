"""SIGKILL at any moment of sessions that live for many minutes and move bytes through the operator's proxies.

Minutes take a tenth of a second here (``tests/support/quick_server.py``), so a life of half a second books chains of
minutes, ranges of bytes, exhausted balances and the top-ups that follow them. ``NOCTULE_TEST_KILLS`` sets the kills per
engine, ``NOCTULE_TEST_SEED`` repeats a load.
"""

import asyncio
import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from noctule.db.engine import Database
from tests.support.books import Facts, facts
from tests.support.forge import Forge
from tests.support.journal import minutes_nanos, ranges_tile
from tests.support.quick_server import LONGEST_MINUTES, POOR, RICH, QuickClock, build
from tests.support.units import read, write

pytestmark = pytest.mark.slow

_KILLS = int(os.environ.get("NOCTULE_TEST_KILLS", "60"))
_SEED = int(os.environ.get("NOCTULE_TEST_SEED", "20261123"))
# From the first acknowledged work on, or in some lives from the start of the process.
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.02, 1.0
_DIES_EARLY = 0.15
_BEGINS_SECONDS = 10.0
# A machine that is busy looks at a life of many minutes so much later than it means to.
_ENDS_WITHIN_MINUTES = 3


@dataclass(slots=True)
class _Told:
    """What a session's clients were told, in seconds of its server's monotonic clock."""

    account: str
    sent_at: float
    started_at: float | None = None
    stopping_at: float | None = None
    stopped_at: float | None = None
    reason: str | None = None
    beat_at: float = 0.0
    died_at: float = 0.0
    moved_bytes: int = 0


@dataclass(slots=True)
class _Journal:
    sessions: dict[str, _Told] = field(default_factory=dict)
    wishes: dict[str, tuple[str, float]] = field(default_factory=dict)
    by_key: dict[str, str] = field(default_factory=dict)
    top_ups: dict[str, str] = field(default_factory=dict)
    asked_top_ups: dict[str, str] = field(default_factory=dict)
    finished: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    lines: int = 0

    def again(self, chance: random.Random) -> list[tuple[str, str, str]]:
        """What the next life shall be asked once more: all that was never answered, and some that was."""
        starts = [("start", account, key) for key, (account, _) in self.wishes.items() if key not in self.by_key]
        doubtful = [("top-up", of, key) for key, of in self.asked_top_ups.items() if key not in self.top_ups]
        known = [("start", self.wishes[key][0], key) for key in self.by_key]
        known += [("top-up", of, key) for key, of in self.top_ups.items()]
        return [*starts, *doubtful, *chance.sample(known, min(2, len(known)))]

    def take(self, log: Path, died_at: float) -> None:
        """Read what a life said before it died. Its last line may be cut."""
        mine: list[_Told] = []
        for line in log.read_text().splitlines():
            try:
                said = json.loads(line)
            except ValueError:
                if not line.startswith("{"):
                    self.problems.append(line)
                continue
            self.lines += 1
            self._take(said, mine)
        for told in self.sessions.values():
            told.died_at = told.died_at or died_at
        log.unlink()

    def _take(self, said: dict[str, Any], mine: list[_Told]) -> None:
        match said:
            case {"kind": "starting", "account": account, "key": key, "at": at}:
                self.wishes.setdefault(key, (account, at))
            case {"kind": "started", "key": key, "session": session_id, "status": status, "at": at}:
                account, sent_at = self.wishes[key]
                if self.by_key.setdefault(key, session_id) != session_id:
                    self.problems.append(f"key {key} made {self.by_key[key]}, then {session_id}")
                if session_id not in self.sessions:
                    self.sessions[session_id] = told = _Told(account, sent_at, at)
                    # An answer to a wish of an earlier life may be about a session that has died with it.
                    if status == "active":
                        mine.append(told)
            case {"kind": "moving", "session": session_id, "bytes": count}:
                self.sessions[session_id].moved_bytes = count
            case {"kind": "stopping", "session": session_id, "at": at}:
                self.sessions[session_id].stopping_at = at
            case {"kind": "stopped", "session": session_id, "at": at, "reason": reason}:
                self.sessions[session_id].stopped_at = at
                self.sessions[session_id].reason = reason
            case {"kind": "beat", "at": at}:
                for told in mine:
                    told.beat_at = at if told.stopping_at is None else told.beat_at
            case {"kind": "failed", "what": what}:
                self.failures[what] += 1
            case {"kind": "topping up", "account": account, "key": key}:
                self.asked_top_ups[key] = account
            case {"kind": "topped up", "account": account, "key": key}:
                self.top_ups[key] = account

    def check(self, found: Facts) -> None:
        """Compare all books with all that was told."""
        problems = [*self.problems, *found.violations]
        for id, chain in found.minutes.items():
            if chain != [(k, minutes_nanos(k + 1) - minutes_nanos(k), 1) for k in range(len(chain))]:
                problems.append(f"session {id} has the minutes {chain}")
        problems += [f"session {id} has the ranges {found.ranges[id]}" for id in found.ranges if not _tiles(found, id)]
        for id, told in self.sessions.items():
            problems += [
                f"{id}: {problem}; {told}; {found.sessions.get(id)}" for problem in _differing(id, told, found)
            ]
        active = {id for id, session in found.sessions.items() if session.activated_at is not None}
        if active != found.minutes.keys() or not len(self.sessions) <= len(active) <= len(self.wishes):
            problems.append(f"{len(active)} sessions, {len(found.minutes)} chains, {len(self.sessions)} acknowledged")
        if not self.top_ups.keys() <= found.top_ups.keys() <= self.asked_top_ups.keys():
            problems.append(f"top-ups {sorted(self.top_ups)} were acknowledged, {sorted(found.top_ups)} are there")
        finished = found.finished()
        changed = [id for id, earlier in self.finished.items() if finished.get(id) != earlier]
        problems += [f"finished session {id} was {self.finished[id]} and is {finished.get(id)}" for id in changed]
        self.finished = finished
        assert not problems, "\n".join(problems[-40:])


def _tiles(found: Facts, session_id: str) -> bool:
    return ranges_tile(found.ranges[session_id])


def _differing(session_id: str, told: _Told, found: Facts) -> Iterator[str]:
    """What is wrong with one acknowledged session."""
    minutes = len(found.minutes.get(session_id, ()))
    moved_bytes = sum(count for _, count, _, _ in found.ranges.get(session_id, ()))
    assert told.started_at is not None
    if moved_bytes > told.moved_bytes:
        yield f"{moved_bytes} bytes are booked, {told.moved_bytes} were moved"
    # A beat that came back has charged every minute that had begun when it set out.
    seen_at = told.beat_at if told.stopped_at is None or told.stopping_at is None else told.stopping_at
    fewest = min(_started(seen_at - told.started_at), LONGEST_MINUTES)
    if fewest > LONGEST_MINUTES - _ENDS_WITHIN_MINUTES and found.sessions[session_id].close_reason == "error":
        # The beat may have left the last minutes to the end of the session, which the kill came before.
        fewest = 1
    most = min(_started((told.stopped_at or told.died_at) - told.sent_at), LONGEST_MINUTES)
    exhausted = told.reason == "credits_exhausted" or found.sessions[session_id].close_reason == "credits_exhausted"
    if minutes > most or (minutes < fewest and not exhausted):
        yield f"{minutes} minutes are booked, {fewest} to {most} were used"
    if told.stopped_at is not None:
        if found.sessions[session_id].closed_at is None:
            yield "its stop was acknowledged"
        if moved_bytes != told.moved_bytes:
            yield f"{moved_bytes} bytes are booked at its stop, {told.moved_bytes} were moved"


def _started(seconds: float) -> int:
    return max(1, int(-(-seconds // 60)))


@pytest.fixture(scope="module")
def forge() -> Iterator[Forge]:
    """Where the quick servers come from."""
    forge = Forge("tests.support.quick_server:main")
    yield forge
    forge.close()


@pytest.mark.timeout(60 + 10 * _KILLS)
def test_minutes_and_bytes_survive_kills_at_any_moment(database_url: str, forge: Forge, tmp_path: Path) -> None:
    chance = random.Random(_SEED)
    print(f"\n{_KILLS} kills, seed {_SEED}")
    zero = time.monotonic()
    clock = QuickClock(zero)
    database = Database(database_url)
    _, metering, _ = build(database, clock, tmp_path, "opening")
    for account, plan in ((RICH, "admin"), (POOR, "prepaid")):
        write(database, metering.open_account, account, plan)
    journal = _Journal()
    log = tmp_path / "life.log"
    for life in range(_KILLS):
        server = forge.fork(
            {
                "QUICK_URL": database_url,
                "QUICK_FOLDER": str(tmp_path),
                "QUICK_SEED": str(chance.getrandbits(32)),
                "QUICK_BOOT": f"life-{life}",
                "QUICK_ZERO": repr(zero),
                "QUICK_AGAIN": json.dumps(journal.again(chance)),
            },
            log,
        )
        if chance.random() > _DIES_EARLY:
            _wait_for_words(log)
        time.sleep(chance.uniform(_SHORTEST_SECONDS, _LONGEST_SECONDS))
        server.kill()
        server.wait(10)
        journal.take(log, clock.monotonic())
        if chance.random() < 0.3:
            _recover(database, clock, tmp_path, f"check-{life}")
        journal.check(read(database, facts(metering)))
    _recover(database, clock, tmp_path, "last")
    found = read(database, facts(metering))
    journal.check(found)
    assert found.open_leases == set()
    assert {session.status for session in found.sessions.values()} <= {"closed", "timed_out", "error"}
    longest = max(len(chain) for chain in found.minutes.values())
    ends = Counter(session.close_reason for session in found.sessions.values())
    print(
        f"{found.events} events of {len(found.minutes)} sessions in {journal.lines} lines, the longest of {longest} "
        f"minutes, ended by {dict(ends)}; {len(journal.top_ups)} top-ups; {clock.monotonic() / 3600:.1f} hours; "
        f"beats that failed: {dict(journal.failures)}"
    )
    assert longest >= 3
    assert ends["credits_exhausted"] > 0
    database.close()


def _wait_for_words(log: Path) -> None:
    deadline = time.monotonic() + _BEGINS_SECONDS
    while '"started"' not in (log.read_text() if log.exists() else "") and time.monotonic() < deadline:
        time.sleep(0.01)


def _recover(database: Database, clock: QuickClock, folder: Path, boot_id: str) -> None:
    """What the next boot would do first."""
    _, _, sessions = build(database, clock, folder, boot_id)
    asyncio.run(sessions.ends.recover())
