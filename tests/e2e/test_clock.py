"""The wall clock jumps a day ahead, over a month's end, and two days back: nothing ends, nothing is billed for it.

libfaketime moves the server's clock, and only the server's: its browsers start with an environment of their own. The
monotonic clock goes on as it is, as it does on a machine whose clock is set.
"""

import json
import math
import time
from calendar import monthrange
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from noctule.db.engine import Database
from noctule.kit.clock import SystemClock
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering
from tests.support.books import facts
from tests.support.journal import minutes_nanos
from tests.support.server import Server
from tests.support.units import read

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

_DAY_SECONDS = 86_400


def _library() -> Path:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        pytest.skip("libfaketime is not installed (Debian: apt-get install faketime)")
    return found[0]


class _WallClock:
    """The server's wall clock: noon of a month's last day, until it is set otherwise."""

    def __init__(self, file: Path) -> None:
        self._file = file
        now = datetime.now(UTC)
        last = monthrange(now.year, now.month)[1]
        self._noon_seconds = round((now.replace(day=last, hour=12, minute=0, second=0) - now).total_seconds())
        self.set(0)

    def set(self, days: float) -> None:
        """Set it so many days off that noon; time goes on from there."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{self._noon_seconds + days * _DAY_SECONDS:+.0f}")
        fresh.replace(self._file)

    def months(self) -> tuple[str, str]:
        """The month that ends, and the next one, as ``period`` takes them."""
        here = datetime.now(UTC) + timedelta(seconds=self._noon_seconds)
        return f"{here:%Y-%m}", f"{here + timedelta(days=1):%Y-%m}"

    def environment(self) -> dict[str, str]:
        """What makes a process see it."""
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }


def test_the_wall_clock_jumps_a_day_ahead_and_two_back(tmp_path: Path, postgres_url: str) -> None:
    _library()
    with ThreadPoolExecutor(2) as pool:
        scenes = [pool.submit(_scene, tmp_path / name, url) for name, url in (("lite", None), ("post", postgres_url))]
        for scene in scenes:
            scene.result()


def _scene(folder: Path, database_url: str | None) -> None:
    folder.mkdir()
    clock = _WallClock(folder / "clock")
    settings = {} if database_url is None else {"NOCTULE_DATABASE_URL": database_url}
    server = Server(folder / "data", settings)
    try:
        server.start(clock.environment())
        with server.client() as client:
            lives = _live_through(client, clock)
            usage = [_usage(client, period=month) for month in clock.months()]
        assert server.terminate() == 0
        assert server.browsers() == []
        _check_books(database_url or f"sqlite:///{server.data_dir / 'noctule.db'}", lives, usage)
        # And with a clock that was never wrong, which is days behind the newest booking.
        server.start()
        with server.client() as client:
            _stop(client, _start(client, "right"))
            again = [_usage(client, period=month) for month in clock.months()]
        assert again[0] == usage[0]
        assert again[1]["session_count"] == usage[1]["session_count"] + 1
        assert server.noctule("usage", "audit", check=False).returncode == 0
    finally:
        server.close()


@dataclass(slots=True)
class _Life:
    """When a session lived, by the tests' monotonic clock: it began after ``sent_at``, it ended before ``ended_at``."""

    key: str
    session_id: str
    cdp_url: str
    sent_at: float
    started_at: float
    stopping_at: float = 0.0
    ended_at: float = 0.0

    def minutes(self) -> range:
        """How many minutes it may have to pay."""
        shortest, longest = self.stopping_at - self.started_at, self.ended_at - self.sent_at
        return range(math.ceil(shortest / 60), math.ceil(longest / 60) + 1)


def _live_through(client: httpx.Client, clock: _WallClock) -> list[_Life]:
    """One session through it all, and one of each time."""
    old = _start(client, "old")
    assert _usage(client)["total_cost"] == minutes_nanos(1) / 1e9
    _opens(old)

    clock.set(1)
    time.sleep(3)
    ahead = _start(client, "ahead")
    _opens(ahead)
    # Long enough for the housekeeping to throw away what is a day old.
    time.sleep(12)
    _work(client, [old, ahead])
    _wait_until(old.started_at + 65)

    clock.set(-1)
    time.sleep(3)
    behind = _start(client, "behind")
    _opens(behind)
    _opens(old)
    _work(client, [old, ahead, behind])
    _stop(client, ahead)
    _wait_until(old.started_at + 125)
    _work(client, [old, behind])
    _stop(client, behind)
    _stop(client, old)
    return [old, ahead, behind]


def _work(client: httpx.Client, lives: list[_Life]) -> None:
    for life in lives:
        assert client.get(f"/sessions/{life.session_id}").raise_for_status().json()["status"] == "active"
        path = f"/sessions/{life.session_id}/page/execute"
        done = client.post(path, json={"type": "wait", "time_ms": 5}).raise_for_status().json()
        assert done["success"], done["message"]
        # The same key names the same session, whatever became of the record of yesterday.
        assert _start(client, life.key).session_id == life.session_id


def _check_books(url: str, lives: list[_Life], usage: list[dict[str, Any]]) -> None:
    database = Database(url)
    try:
        metering = Metering(SystemClock(), PriceBook.built_in(), instance_id="tests", boot_id="tests")
        found = read(database, facts(metering))
    finally:
        database.close()
    assert found.violations == ()
    minutes = {life.session_id: len(found.minutes[life.session_id]) for life in lives}
    assert found.minutes.keys() == minutes.keys()
    assert [minutes[life.session_id] for life in lives if minutes[life.session_id] not in life.minutes()] == []
    assert minutes[lives[0].session_id] >= 3
    assert {(session.status, session.close_reason) for session in found.sessions.values()} == {("closed", "manual")}
    cost_nanos = sum(minutes_nanos(count) for count in minutes.values())
    assert round(sum(month["total_cost"] for month in usage) * 1e9) == cost_nanos
    assert sum(month["session_count"] for month in usage) == len(lives)
    assert usage[0]["total_cost"] > 0


def _start(client: httpx.Client, key: str) -> _Life:
    sent_at = time.monotonic()
    answer = client.post("/sessions/start", json={}, headers={"Idempotency-Key": key})
    body = answer.raise_for_status().json()
    assert body["status"] == "active"
    return _Life(key, body["session_id"], body["cdp_url"], sent_at, time.monotonic())


def _opens(life: _Life) -> None:
    """The session's own address lets a CDP client in."""
    with connect(life.cdp_url, open_timeout=20) as link:
        link.send(json.dumps({"id": 1, "method": "Browser.getVersion"}))
        assert "result" in json.loads(link.recv(timeout=20))


def _stop(client: httpx.Client, life: _Life) -> None:
    life.stopping_at = time.monotonic()
    client.delete(f"/sessions/{life.session_id}/stop").raise_for_status()
    life.ended_at = time.monotonic()


def _usage(client: httpx.Client, period: str | None = None) -> dict[str, Any]:
    answer = client.get("/usage", params={} if period is None else {"period": period})
    body: dict[str, Any] = answer.raise_for_status().json()
    return body


def _wait_until(at: float) -> None:
    time.sleep(max(0.0, at - time.monotonic()))
