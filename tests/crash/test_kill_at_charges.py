"""SIGKILL at the named places where a running session is charged: its minutes, its proxied bytes, the news of its end.

A minute takes a minute, so all servers of a test live side by side.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from noctule.db.engine import Database
from noctule.kit.clock import SystemClock
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering
from tests.support.books import Facts, facts
from tests.support.journal import minutes_nanos, ranges_tile
from tests.support.origin import Origin
from tests.support.server import Server
from tests.support.units import read
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_POINTS = ("before_commit", "after_commit")


@pytest.fixture
def homes(
    tmp_path: Path, postgres_server: str, make_postgres_url: Callable[[], str]
) -> Iterator[dict[str, tuple[Server, str]]]:
    """A server that is not started yet, and the URL of its database, for each engine and place."""
    homes = {}
    for point in _POINTS:
        folder = tmp_path / point
        folder.mkdir()
        homes[f"sqlite {point}"] = (Server(folder / "data"), f"sqlite:///{folder / 'data' / 'noctule.db'}")
        url = make_postgres_url()
        homes[f"postgres {point}"] = (Server(folder / "other", {"NOCTULE_DATABASE_URL": url}), url)
    yield homes
    for server, _ in homes.values():
        server.close()


def _side_by_side(homes: dict[str, tuple[Server, str]], scene: Callable[[Server, str, str], None]) -> None:
    with ThreadPoolExecutor(len(homes)) as pool:
        scenes = [pool.submit(scene, *home, name.split()[1]) for name, home in homes.items()]
        for each in scenes:
            each.result()


def _facts(url: str) -> Facts:
    database = Database(url)
    try:
        metering = Metering(SystemClock(), PriceBook.built_in(), instance_id="tests", boot_id="tests")
        return read(database, facts(metering))
    finally:
        database.close()


def _after_restart(server: Server, url: str, session_id: str) -> Facts:
    """The books after the next start, which ends the session and charges nothing."""
    before = _facts(url)
    server.start()
    after = _facts(url)
    assert after.violations == ()
    assert after.open_leases == set()
    assert (after.minutes, after.ranges) == (before.minutes, before.ranges)
    with server.client() as client:
        session = client.get(f"/sessions/{session_id}").json()
        assert session["status"] == "error"
        assert "unexpectedly" in session["error"]
        cost = client.get("/usage").json()["total_cost"]
        assert cost == after.cost_nanos(session_id) / 1e9
    assert server.terminate() == 0
    assert server.browsers() == []
    return after


def test_a_kill_at_the_second_minute_has_charged_it_if_and_only_if_it_was_committed(
    homes: dict[str, tuple[Server, str]],
) -> None:
    def scene(server: Server, url: str, point: str) -> None:
        server.start({"NOCTULE_FAILPOINT": f"minute.{point}"})
        with server.client() as client:
            session_id = client.post("/sessions/start", json={}).raise_for_status().json()["session_id"]
        assert server.wait(90) == -9
        found = _after_restart(server, url, session_id)
        minutes = 1 if point == "before_commit" else 2
        assert sum(cost for _, cost, _ in found.minutes[session_id]) == minutes_nanos(minutes)
        assert [number for number, _, _ in found.minutes[session_id]] == list(range(minutes))

    _side_by_side(homes, scene)


def test_a_kill_at_a_checkpoint_has_charged_its_bytes_if_and_only_if_it_was_committed(
    homes: dict[str, tuple[Server, str]], tmp_path: Path
) -> None:
    with Origin() as origin, HttpUpstream("operator", "pool-password") as pool:
        listed = tmp_path / "pool.toml"
        listed.write_text(
            f'[[proxy]]\nserver = "http://127.0.0.1:{pool.port}"\nusername = "operator"\npassword = "pool-password"\n'
        )

        def scene(server: Server, url: str, point: str) -> None:
            server.start(
                {
                    "NOCTULE_FAILPOINT": f"checkpoint.{point}",
                    "NOCTULE_PROXY_POOL_FILE": str(listed),
                    "NOCTULE_EGRESS_ALLOW": f"127.0.0.1:{origin.port}",
                }
            )
            with server.client() as client:
                session_id = (
                    client.post("/sessions/start", json={"proxies": True}).raise_for_status().json()["session_id"]
                )
                goto = {"type": "goto", "url": f"{origin.url}bytes/100000"}
                client.post(f"/sessions/{session_id}/page/execute", json=goto)
            assert server.wait(60) == -9
            found = _after_restart(server, url, session_id)
            ranges = found.ranges.get(session_id, [])
            assert ranges_tile(ranges)
            assert len(ranges) == (0 if point == "before_commit" else 1)
            # On a busy machine the first checkpoint may come before the last byte.
            assert (sum(count for _, count, _, _ in ranges) > 0) == (point == "after_commit")
            assert len(found.minutes[session_id]) == 1

        _side_by_side(homes, scene)


def test_a_kill_at_the_end_of_a_session_loses_no_news_of_it(homes: dict[str, tuple[Server, str]]) -> None:
    with Origin() as origin:

        def scene(server: Server, url: str, point: str) -> None:
            path = f"/{point}-{server.port}"
            allowed = {"NOCTULE_EGRESS_ALLOW": f"127.0.0.1:{origin.port}"}
            server.start({"NOCTULE_FAILPOINT": f"stop.{point}", **allowed})
            with server.client() as client:
                endpoint = {"url": f"{origin.url}{path[1:]}", "types": ["session.ended"]}
                client.post("/usage/webhooks", json=endpoint).raise_for_status()
                session_id = client.post("/sessions/start", json={}).raise_for_status().json()["session_id"]
                with pytest.raises(httpx.TransportError):
                    client.delete(f"/sessions/{session_id}/stop")
            assert server.wait(20) == -9
            server.start(allowed)
            told = _told(origin, path)
            assert told["data"]["session_id"] == session_id
            assert told["data"]["minutes"] == 1
            assert told["data"]["close_reason"] == ("error" if point == "before_commit" else "manual")
            time.sleep(2.5)
            assert len({seen.header("webhook-id") for seen in origin.seen(path)}) == 1
            assert _facts(url).violations == ()

        _side_by_side(homes, scene)


def _told(origin: Origin, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while not origin.seen(path):
        assert time.monotonic() < deadline, "nothing was told"
        time.sleep(0.05)
    told: dict[str, Any] = json.loads(origin.seen(path)[0].body)
    return told
