"""Tags, the most that a session may cost, and what it cost: beside the bodies of every client, over a real server."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.asking import JSON, Caller
from tests.support.server import KEY, Server
from tests.support.starts import SDK_1_8, SDK_1_10

pytestmark = pytest.mark.slow

MINUTE = "0.000833333"
TEAM = {"X-Noctule-Tags": "team=a, nightly"}
TEN = [f"t{number}" for number in range(10)]


@pytest.fixture
def api(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def caller(server: Server) -> Iterator[Caller]:
    """A workspace of its own with two sessions."""
    with Caller(server, "spender").sessions_open() as caller:
        yield caller


def _start(api: httpx.Client, body: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
    return api.post("/sessions/start", json=body, headers=headers).raise_for_status()


def _path(reply: httpx.Response) -> str:
    return f"/sessions/{reply.json()['session_id']}"


def _budgets(api: httpx.Client, session_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get("/usage/budgets").raise_for_status().json()["items"]
    return [item for item in items if item["subject"] == session_id]


@pytest.mark.parametrize("body", [SDK_1_8, SDK_1_10], ids=["sdk 1.8", "sdk 1.10"])
@pytest.mark.parametrize("place", ["headers", "fields"])
def test_tags_and_a_limit_go_with_the_body_of_every_client(api: httpx.Client, body: dict[str, Any], place: str) -> None:
    if place == "headers":
        started = _start(api, body, {**TEAM, "X-Noctule-Max-Cost": "0.01"})
    else:
        started = _start(api, {**body, "tags": ["team=a", "nightly"], "max_cost": 0.01})
    session_id = started.json()["session_id"]
    [budget] = _budgets(api, session_id)
    assert (budget["scope"], budget["action"], budget["limit"]) == ("session", "stop", 0.01)
    assert budget["spent"] == float(MINUTE)
    seen = api.get(_path(started))
    stopped = api.delete(f"{_path(started)}/stop")
    for reply in (started, seen, stopped, api.get(_path(started)), api.post(f"{_path(started)}/stop")):
        assert reply.headers["x-noctule-cost"] == MINUTE
        assert reply.headers["x-noctule-tags"] == "team=a,nightly"
        # Clients of the published contract see nothing of it in the body.
        assert not {"tags", "max_cost", "cost"} & set(reply.json())
    assert _budgets(api, session_id) == []


def test_a_session_without_tags_has_a_cost_and_no_tags(api: httpx.Client) -> None:
    started = _start(api, {})
    stopped = api.delete(f"{_path(started)}/stop")
    assert stopped.headers["x-noctule-cost"] == MINUTE
    assert "x-noctule-tags" not in stopped.headers
    assert "x-noctule-cost" not in api.get("/sessions").headers


def test_the_cost_of_the_header_is_the_cost_of_the_bill_and_of_every_breakdown(server: Server) -> None:
    with Caller(server, "explained").sessions_open() as caller, server.client(caller.key) as api:
        started = _start(api, {"tags": ["fresh", "two"]})
        stopped = api.delete(f"{_path(started)}/stop")
        session_id, cost = started.json()["session_id"], stopped.headers["x-noctule-cost"]
        bill = server.noctule("usage", "explain", session_id).stdout
        assert f"total ${cost}" in bill
        rows: dict[tuple[str, str | None], Any] = {}
        for by in ("session", "tag", "key", "day"):
            found = api.get("/usage/breakdown", params={"by": by}).raise_for_status().json()
            rows |= {(by, row["key"]): row for row in found["items"]}
            # Two sessions of the caller's own, and this one.
            assert found["total_cost"] == pytest.approx(3 * float(cost), abs=1e-12)
        for key in (("session", session_id), ("tag", "fresh"), ("tag", "two")):
            assert json.dumps(rows[key]["total_cost"]) == cost
            assert (rows[key]["session_count"], rows[key]["browser_minutes"]) == (1, 1)
        assert rows["tag", None]["session_count"] == 2


BAD_HEADERS = [
    ("X-Noctule-Tags", "a;b", "a tag has 1 to 64"),
    ("X-Noctule-Tags", "ok,-no", "a tag has 1 to 64"),
    ("X-Noctule-Tags", "m\xfcll", "a tag has 1 to 64"),
    ("X-Noctule-Tags", "x" * 65, "a tag has 1 to 64"),
    ("X-Noctule-Tags", ",".join([*TEN, "t10"]), "at most 10 tags"),
    ("X-Noctule-Max-Cost", "", "an amount of dollars"),
    ("X-Noctule-Max-Cost", "0", "more than zero"),
    ("X-Noctule-Max-Cost", "-0.01", "more than zero"),
    ("X-Noctule-Max-Cost", "$1", "an amount of dollars"),
    ("X-Noctule-Max-Cost", "1e3", "an amount of dollars"),
    ("X-Noctule-Max-Cost", "0.0000000001", "nine decimals"),
    ("X-Noctule-Max-Cost", "1, 2", "an amount of dollars"),
    ("X-Noctule-Max-Cost", "a dollar", "an amount of dollars"),
]
BAD_FIELDS = [
    ("tags", "nightly", "valid list"),
    ("tags", [1], "valid string"),
    ("tags", ["a,b"], "a tag has 1 to 64"),
    ("tags", ["a", ""], "a tag has 1 to 64"),
    ("tags", [*TEN, "t10"], "at most 10 tags"),
    ("max_cost", 0, "more than zero"),
    ("max_cost", "-1", "more than zero"),
    ("max_cost", True, "an amount of dollars"),
    ("max_cost", "free", "an amount of dollars"),
    ("max_cost", 1e-10, "nine decimals"),
    ("max_cost", {"dollars": 1}, "an amount of dollars"),
]


@pytest.mark.parametrize(("name", "value", "fragment"), BAD_HEADERS, ids=range(len(BAD_HEADERS)))
def test_a_bad_header_is_refused_with_its_place_and_changes_nothing(
    caller: Caller, name: str, value: str, fragment: str
) -> None:
    before = caller.standing()
    body = json.dumps(SDK_1_8).encode()
    answer = caller.ask("POST", "/sessions/start", body, {**JSON, name: value.encode("latin-1")})
    message = answer.refusal(422, "/sessions/start")
    assert message.startswith(f"header.{name.lower()}: ")
    assert fragment in message
    assert caller.standing() == before


@pytest.mark.parametrize(("name", "value", "fragment"), BAD_FIELDS, ids=range(len(BAD_FIELDS)))
def test_a_bad_field_is_refused_with_its_place_and_changes_nothing(
    caller: Caller, name: str, value: object, fragment: str
) -> None:
    before = caller.standing()
    answer = caller.ask("POST", "/sessions/start", json.dumps({**SDK_1_8, name: value}).encode(), JSON)
    message = answer.refusal(422, "/sessions/start")
    assert message.startswith(f"body.{name}")
    assert fragment in message
    assert caller.standing() == before


def test_headers_of_one_name_are_one_list(server: Server) -> None:
    with server.client() as api:
        started = api.post("/sessions/start", json={}, headers=[("X-Noctule-Tags", "a, b"), ("X-Noctule-Tags", "c")])
        api.delete(f"{_path(started)}/stop").raise_for_status()
        assert started.headers["x-noctule-tags"] == "a,b,c"
        costs = [("X-Noctule-Max-Cost", "1"), ("X-Noctule-Max-Cost", "2")]
        assert api.post("/sessions/start", json={}, headers=costs).status_code == 422


def test_a_start_that_is_sent_again_is_told_its_cost_and_tags_again(api: httpx.Client) -> None:
    headers = {**TEAM, "Idempotency-Key": "tagged-once"}
    first, again = (_start(api, {}, headers) for _ in range(2))
    api.delete(f"{_path(first)}/stop").raise_for_status()
    assert again.json()["session_id"] == first.json()["session_id"]
    for reply in (first, again):
        assert reply.headers["x-noctule-cost"] == MINUTE
        assert reply.headers["x-noctule-tags"] == "team=a,nightly"


def test_a_header_that_no_http_allows_never_arrives_in_a_reply(server: Server) -> None:
    head = (
        f"POST /sessions/start HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {KEY}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n"
        "X-Noctule-Tags: a\x0bSet-Cookie: b=c\r\n\r\n{}"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head.encode())
        answer = b""
        while data := connection.recv(65536):
            answer += data
    assert answer.split(b" ", 2)[1] in (b"400", b"422")
    assert b"\r\nSet-Cookie" not in answer


def test_neither_wish_is_in_the_published_contract(api: httpx.Client) -> None:
    document = api.get("/openapi.json").text.lower()
    assert "max_cost" not in document
    assert "x-noctule" not in document
