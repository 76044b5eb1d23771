"""SIGKILL at named places, and while sessions run: after the restart nothing is lost, doubled or left over."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import first_schema
from tests.support.server import Server

pytestmark = pytest.mark.slow

_MINUTE = 833_333 / 1e9


@pytest.fixture(params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server that is not started yet, on each engine."""
    environment = {}
    if request.param == "postgres":
        environment["NOCTULE_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    server = Server(tmp_path / "data", environment)
    yield server
    server.close()


def _dies_at(server: Server, failpoint: str, act: Callable[[httpx.Client], object]) -> None:
    """Run the server until ``act`` meets the failpoint that kills it, then start it again without."""
    server.start({"NOCTULE_FAILPOINT": failpoint})
    with server.client() as client, pytest.raises(httpx.TransportError):
        act(client)
    assert server.wait(20) == -9
    server.start()


def _start(client: httpx.Client, **headers: str) -> dict[str, object]:
    answer = client.post("/sessions/start", json={}, headers=headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json()
    return body


def _usage(client: httpx.Client) -> dict[str, float]:
    body: dict[str, float] = client.get("/usage").json()
    return body


def _assert_clean(server: Server) -> None:
    audit = server.noctule("usage", "audit", check=False)
    assert audit.returncode == 0, audit.stdout + audit.stderr


def _assert_no_browser_but_the_warm_one(server: Server) -> None:
    """One warm browser is the server's own; all else would be left over from the life before."""
    with server.client() as client:
        assert client.get("/sessions").json()["items"] == []
    deadline = time.monotonic() + 15
    server.terminate()
    while server.browsers() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert server.browsers() == []


@pytest.mark.parametrize("failpoint", ["start.after_intent", "start.after_acquire", "start.in_activation"])
def test_a_kill_before_the_session_is_active_bills_nothing(server: Server, failpoint: str) -> None:
    _dies_at(server, failpoint, _start)
    with server.client() as client:
        usage = _usage(client)
        assert usage["session_count"] == 0
        assert usage["total_cost"] == 0
        assert client.get("/sessions", params={"only_active": "false"}).json()["items"] == []
        _start(client)
    _assert_clean(server)


def test_a_kill_after_the_session_is_active_bills_one_minute_and_its_retry_none(server: Server) -> None:
    _dies_at(server, "start.after_active", lambda client: _start(client, **{"Idempotency-Key": "once"}))
    with server.client() as client:
        retried = _start(client, **{"Idempotency-Key": "once"})
        assert retried["status"] == "error"
        usage = _usage(client)
        assert usage["session_count"] == 1
        assert usage["browser_usage_cost"] == pytest.approx(_MINUTE, abs=1e-12)
    _assert_clean(server)
    _assert_no_browser_but_the_warm_one(server)


@pytest.mark.parametrize("failpoint", ["stop.before_commit", "stop.after_commit"])
def test_a_kill_at_stop_bills_what_was_used(server: Server, failpoint: str) -> None:
    started: dict[str, object] = {}

    def start_and_stop(client: httpx.Client) -> None:
        started.update(_start(client))
        client.delete(f"/sessions/{started['session_id']}/stop")

    _dies_at(server, failpoint, start_and_stop)
    with server.client() as client:
        again = client.delete(f"/sessions/{started['session_id']}/stop").json()
        assert again["status"] == "closed"
        assert _usage(client)["browser_usage_cost"] == pytest.approx(_MINUTE, abs=1e-12)
    _assert_clean(server)
    _assert_no_browser_but_the_warm_one(server)


def test_a_kill_while_sessions_run_keeps_every_minute_that_began(server: Server) -> None:
    server.start()
    with server.client() as client:
        sessions = [_start(client) for _ in range(2)]
        for session in sessions:
            client.post(f"/sessions/{session['session_id']}/page/execute", json={"type": "wait", "time_ms": 10})
        time.sleep(63)
        before = _usage(client)["browser_usage_cost"]
    assert before == pytest.approx(2 * (833_333 + 833_334) / 1e9, abs=1e-12)
    server.kill()
    server.start()
    with server.client() as client:
        assert _usage(client)["browser_usage_cost"] == before
        for session in sessions:
            found = client.get(f"/sessions/{session['session_id']}").json()
            assert found["status"] == "error"
            assert "unexpectedly" in found["error"]
    _assert_clean(server)
    _assert_no_browser_but_the_warm_one(server)


def test_a_key_makes_one_session_however_often_its_start_is_killed(server: Server) -> None:
    once = {"Idempotency-Key": "once"}
    _dies_at(server, "start.after_acquire", lambda client: _start(client, **once))
    server.terminate()
    _dies_at(server, "start.after_active", lambda client: _start(client, **once))
    server.terminate()
    _dies_at(server, "idempotency.stored", lambda client: _start(client, **once))
    with server.client() as client:
        first, second = _start(client, **once), _start(client, **once)
        assert first == second
        usage = _usage(client)
        assert (usage["session_count"], usage["total_cost"]) == (1, _MINUTE)
    _assert_clean(server)


@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
def test_credit_whose_command_or_request_is_killed_is_given_once(server: Server, point: str) -> None:
    kill = {"NOCTULE_FAILPOINT": f"grant.{point}"}
    server.noctule("workspaces", "create", "shop", "--plan", "prepaid")
    operator_key = server.noctule("keys", "create", "--operator").stdout.split()[0]
    top_up = ("workspaces", "topup", "shop", "1.25", "--key", "order-1")
    case = ("--key", "case-1", "--meter", "browser", "--reason", "a slow page")
    back = ("workspaces", "correct", *case, "--", "shop", "-0.5")
    for command in (top_up, back):
        assert server.noctule(*command, check=False, extra=kill).returncode == -9
        # The retry, and one more.
        server.noctule(*command)
        server.noctule(*command)
    server.start(kill)
    path, order = "/operator/workspaces/shop/topups", {"amount": "2.5", "key": "order-2"}
    with server.client(operator_key) as operator, pytest.raises(httpx.TransportError):
        operator.post(path, json=order)
    assert server.wait(20) == -9
    server.start()
    with server.client(operator_key) as operator:
        for _ in range(2):
            assert operator.post(path, json=order).raise_for_status().json()["balance_amount"] == 4.25
    _assert_clean(server)


def test_a_migration_that_is_killed_is_done_again_whole(server: Server) -> None:
    with pytest.raises(AssertionError, match="ended with -9"):
        server.start({"NOCTULE_FAILPOINT": "migrate.before_commit"})
    server.start()
    with server.client() as client:
        _start(client)
    _assert_clean(server)


def test_a_database_of_the_first_schema_keeps_its_figures_although_its_migration_is_killed(
    server: Server, tmp_path: Path
) -> None:
    url = server.database_url
    before = first_schema.fill(url, tmp_path / "scratch.db")
    for _ in range(2):
        with pytest.raises(AssertionError, match="ended with -9"):
            server.start({"NOCTULE_FAILPOINT": "migrate.before_commit"})
        assert first_schema.revision(url) == "0001"
    server.start()
    assert first_schema.figures(url) == before
    with server.client() as client:
        usage = _usage(client)
        _start(client)
        assert _usage(client)["total_cost"] == pytest.approx(usage["total_cost"] + _MINUTE, abs=1e-12)
    _assert_clean(server)
