"""Sessions that leave through an upstream proxy: the caller's own, and the operator's pool."""

import time
from collections.abc import Iterator

import pytest

from tests.e2e.timeline_stage import agree, events, until, visit
from tests.support.origin import Origin
from tests.support.server import Server
from tests.support.upstream import HttpUpstream

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pool() -> Iterator[HttpUpstream]:
    """The operator's one proxy."""
    with HttpUpstream("operator", "pool-password") as pool:
        yield pool


@pytest.fixture(scope="module")
def own() -> Iterator[HttpUpstream]:
    """A caller's own proxy."""
    with HttpUpstream("caller", "own-password") as own:
        yield own


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, origin: Origin, pool: HttpUpstream, own: HttpUpstream
) -> Iterator[Server]:
    """A server with a pool, whose browsers may reach the origin and the caller's proxy."""
    folder = tmp_path_factory.mktemp("proxies")
    listed = folder / "pool.toml"
    listed.write_text(
        f'[[proxy]]\nserver = "http://127.0.0.1:{pool.port}"\nusername = "operator"\n'
        'password = "pool-password"\ncountry = "us"\nid = "only"\n'
    )
    server = Server(
        folder / "data",
        {
            "NOCTULE_EGRESS_ALLOW": f"127.0.0.1:{origin.port},127.0.0.1:{own.port}",
            "NOCTULE_PROXY_POOL_FILE": str(listed),
        },
    )
    try:
        yield server.start()
    finally:
        server.close()


def _visit(server: Server, origin: Origin, proxies: object) -> tuple[dict[str, object], float]:
    """A session that opens one page: what its stop says, and what its bytes cost."""
    with server.client() as client:
        before = client.get("/usage").json()["proxy_usage_cost"]
        session = client.post("/sessions/start", json={"proxies": proxies}).raise_for_status().json()
        assert session["proxies"] is True
        path = f"/sessions/{session['session_id']}"
        went = client.post(f"{path}/page/execute", json={"type": "goto", "url": origin.url}).json()
        assert went["success"], went["message"]
        # Whatever the page still fetches by itself, its icon say.
        time.sleep(0.5)
        stopped = client.delete(f"{path}/stop").raise_for_status().json()
        return stopped, client.get("/usage").json()["proxy_usage_cost"] - before


@pytest.mark.parametrize(
    "proxies", [True, [{"type": "notte", "country": "us"}], "us", [{"type": "notte", "id": "only"}]]
)
def test_the_pool_is_used_and_its_bytes_are_billed_both_ways(
    server: Server, origin: Origin, pool: HttpUpstream, proxies: object
) -> None:
    pool.targets.clear()
    stopped, cost = _visit(server, origin, proxies)
    assert f"127.0.0.1:{origin.port}" in pool.targets
    moved = int(str(stopped["network_request_bytes"])) + int(str(stopped["network_response_bytes"]))
    assert moved > 0
    assert cost == pytest.approx(moved * 10 / 1e9, abs=1e-12)
    audit = server.noctule("usage", "audit", check=False)
    assert audit.returncode == 0, audit.stdout


def test_archive_timeline_counter_and_usage_agree_on_the_bytes(
    server: Server, origin: Origin, pool: HttpUpstream
) -> None:
    # One after the other: what is weighed is the exchanges, not how many connections they need.
    origin.page(
        "/priced",
        """<!doctype html><title>Priced</title><link rel=icon href="data:,"><script>
        (async () => {
          await (await fetch('/bytes/200000')).arrayBuffer();
          await (await fetch('/echo', {method: 'POST', body: 'x'.repeat(20000)})).text();
          document.title = 'Done';
        })();
        </script>""",
    )
    pool.targets.clear()
    with server.client() as client:
        before = client.get("/usage").json()["proxy_usage_cost"]
        session_id = client.post("/sessions/start", json={"proxies": True}).raise_for_status().json()["session_id"]
        path = f"/sessions/{session_id}"
        visit(client, path, f"{origin.url}priced")
        stopped = client.delete(f"{path}/stop").raise_for_status().json()
        until(lambda: sum(one["data"]["url"].startswith(origin.url) for one in events(client, path, "request")) == 3)
        archive = client.get(f"{path}/har").raise_for_status().json()["log"]["entries"]
        exchanges = [event["data"] for event in events(client, path, "request")]
        cost = client.get("/usage").json()["proxy_usage_cost"] - before
        asked = {"by": "session", "session": session_id}
        (billed,) = client.get("/usage/breakdown", params=asked).raise_for_status().json()["items"]
    assert f"127.0.0.1:{origin.port}" in pool.targets

    sent, received = stopped["network_request_bytes"], stopped["network_response_bytes"]
    assert sent > 20_000
    assert received > 200_000
    assert billed["proxy_bytes"] == sent + received
    assert cost == pytest.approx((sent + received) * 10 / 1e9, abs=1e-12)
    in_timeline = [sum(one["sizes"][f"{way}_bytes"] for one in exchanges) for way in ("request", "response")]
    assert agree(in_timeline[0], sent), (in_timeline, sent)
    assert agree(in_timeline[1], received), (in_timeline, received)
    in_archive = [
        sum(max(0, entry["request"]["headersSize"]) + entry["request"]["bodySize"] for entry in archive),
        sum(entry["response"]["_transferSize"] for entry in archive),
    ]
    assert in_archive == in_timeline


def test_a_proxy_of_the_caller_s_own_is_used_and_counted_but_free(
    server: Server, origin: Origin, own: HttpUpstream
) -> None:
    own.targets.clear()
    proxy = {
        "type": "external",
        "server": f"http://127.0.0.1:{own.port}",
        "username": "caller",
        "password": "own-password",
    }
    stopped, cost = _visit(server, origin, [proxy])
    assert f"127.0.0.1:{origin.port}" in own.targets
    assert int(str(stopped["network_response_bytes"])) > 0
    assert cost == 0


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"password": "wrong-password"}, "proxy"),
        ({"server": "http://10.1.2.3:3128"}, "proxy"),
        ({"server": "http://127.0.0.1:1"}, "proxy"),
    ],
)
def test_a_proxy_that_does_not_work_is_an_error_of_the_start_and_costs_nothing(
    server: Server, own: HttpUpstream, change: dict[str, str], fragment: str
) -> None:
    proxy = {
        "type": "external",
        "server": f"http://127.0.0.1:{own.port}",
        "username": "caller",
        "password": "own-password",
    }
    with server.client() as client:
        before = client.get("/usage").json()
        answer = client.post("/sessions/start", json={"proxies": [proxy | change]})
        assert answer.status_code == 400
        assert answer.headers["x-error-class"] == "NotteApiExecutionError"
        assert fragment in answer.json()["message"]
        assert "password" not in answer.text
        after = client.get("/usage").json()
        assert (after["session_count"], after["total_cost"]) == (before["session_count"], before["total_cost"])
        assert client.get("/sessions").json()["items"] == []


def test_a_country_that_the_pool_has_not_is_an_error_that_names_those_it_has(server: Server) -> None:
    with server.client() as client:
        answer = client.post("/sessions/start", json={"proxies": [{"type": "notte", "country": "de"}]})
    assert answer.status_code == 422
    assert "us" in answer.json()["message"]
