"""What every request passes: paths, keys, rates, log lines, and answers in one shape."""

import asyncio
import logging
from typing import Any

import httpx
import pytest

from noctule.db.engine import Database
from noctule.http.gate import ANONYMOUS_REQUESTS_PER_MINUTE, FILES_PER_MINUTE
from noctule.kit.scope import KeyScope
from tests.support.clock import FrozenClock
from tests.unit.http.conftest import Asker
from tests.unit.http.door import Door, open_door


def assert_error(response: httpx.Response, status: int, path: str) -> dict[str, Any]:
    """The reply has the one error shape; gives its body."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert isinstance(body["message"], str)
    assert body["message"]
    assert body["path"] == path
    assert set(body) <= {"status", "message", "path", "detail"}
    assert int(response.headers["x-ratelimit-limit"]) > 0
    assert "x-request-id" in response.headers
    return body


def test_a_route_learns_who_calls(sqlite: Database) -> None:
    async def story() -> None:
        async with open_door(sqlite) as door, door.client() as client:
            answer = await client.get(
                "/who", headers={"x-notte-sdk-version": "1.8.20", "x-notte-request-origin": "sdk-python"}
            )
            assert answer.status_code == 200
            assert answer.json() == {
                "workspace_id": door.workspace_id,
                "key_name": "test key",
                "sdk_version": "1.8.20",
                "origin": "sdk-python",
                "base_url": "http://door",
            }

    asyncio.run(story())


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer noct_unknown_unknown_unknown_unknown_unknown"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer " + "x" * 5000},
        {"Authorization": b"Bearer \xff\xfe\xfd" + b"\xff" * 30},
        {"x-notte-api-key": "whatever"},
    ],
)
@pytest.mark.parametrize("path", ["/who", "/nothing", "/things", "/health/x", "/docs/x"])
def test_everything_but_the_public_paths_needs_a_key(ask: Asker, headers: dict[str, str], path: str) -> None:
    logged = len(ask.door.lines)
    answer = ask("GET", path, key=None, headers=headers)
    body = assert_error(answer, 401, path)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "key" in body["message"]
    assert len(ask.door.lines) == logged


def test_a_revoked_key_is_refused_at_once(sqlite: Database) -> None:
    async def story() -> None:
        async with open_door(sqlite) as door, door.client() as client:
            assert (await client.get("/who")).status_code == 200
            [(_, key)] = [pair for pair in await door.workspaces.list_keys() if pair[1].name == "test key"]
            await door.workspaces.revoke_key(key.id)
            assert_error(await client.get("/who"), 401, "/who")

    asyncio.run(story())


def test_the_word_bearer_has_any_case(sqlite: Database) -> None:
    async def story() -> None:
        async with open_door(sqlite) as door, door.client(key=None) as client:
            for scheme in ("bearer", "BEARER", "Bearer "):
                answer = await client.get("/who", headers={"Authorization": f"{scheme} {door.key}"})
                assert answer.status_code == 200

    asyncio.run(story())


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/favicon.ico", "//docs", "/docs/", "//openapi.json/"])
def test_public_paths_need_no_key(ask: Asker, path: str) -> None:
    answer = ask("GET", httpx.URL(scheme="http", host="door", raw_path=path.encode()), key=None)
    assert answer.status_code == 200
    assert int(answer.headers["x-ratelimit-limit"]) == ANONYMOUS_REQUESTS_PER_MINUTE


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/viewer", ANONYMOUS_REQUESTS_PER_MINUTE),
        ("/viewer/main.js", ANONYMOUS_REQUESTS_PER_MINUTE),
        ("/devtools/token/inspector.html", FILES_PER_MINUTE),
        ("/viewers", None),
        ("/devtools", None),
    ],
)
def test_where_the_address_is_the_credential_no_key_is_asked_for(ask: Asker, path: str, limit: int | None) -> None:
    answer = ask("GET", path, key=None)
    assert answer.status_code == (401 if limit is None else 404)
    if limit is not None:
        assert int(answer.headers["x-ratelimit-limit"]) == limit


@pytest.mark.parametrize("path", ["/things", "/things/", "//things", "///things//", "/things//"])
def test_slashes_more_or_less_mean_the_same_and_never_redirect(ask: Asker, path: str) -> None:
    url = httpx.URL(scheme="http", host="door", raw_path=path.encode())
    assert ask("GET", url, follow_redirects=False).status_code == 200
    assert ask("POST", url, json={}, follow_redirects=False).status_code == 200
    assert [line.endpoint for line in ask.door.lines[-2:]] == ["/things", "/things"]


def test_unknown_paths_and_methods_get_our_shape(sqlite: Database) -> None:
    async def story() -> None:
        async with open_door(sqlite) as door, door.client() as client:
            assert_error(await client.get("/nothing"), 404, "/nothing")
            assert_error(await client.get("/"), 404, "/")
            refused = await client.patch("/things")
            assert_error(refused, 405, "/things")
            assert refused.headers["allow"] == "GET, POST, PUT"
            assert_error(await client.post("/docs"), 405, "/docs")

    asyncio.run(story())


def test_errors_of_ours_carry_their_status_detail_and_headers(sqlite: Database) -> None:
    async def story() -> None:
        async with open_door(sqlite) as door, door.client() as client:
            failed = await client.get("/fail/browser")
            assert_error(failed, 400, "/fail/browser")
            assert failed.headers["x-error-class"] == "NotteApiExecutionError"
            full = await client.get("/fail/full")
            assert_error(full, 529, "/fail/full")
            assert full.headers["retry-after"] == "30"
            assert assert_error(await client.get("/fail/money"), 402, "/fail/money")["detail"] == {"balance": 0}
            assert "'nope'" in assert_error(await client.get("/things/nope"), 404, "/things/nope")["message"]

    asyncio.run(story())


def test_a_bug_is_a_500_with_a_request_id_and_a_redacted_log_line(
    sqlite: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with open_door(sqlite) as door, door.client() as client:
            with caplog.at_level(logging.ERROR):
                answer = await client.get("/fail/bug")
            body = assert_error(answer, 500, "/fail/bug")
            request_id = answer.headers["x-request-id"]
            assert request_id in body["message"]
            assert "RuntimeError" not in answer.text
            assert request_id in caplog.text
            assert "RuntimeError" in caplog.text
            for secret in ("noct_abcdef", "hunter2", door.key):
                assert secret not in caplog.text
                assert secret not in answer.text
            assert [line.status for line in door.lines] == [500]

    asyncio.run(story())


def test_an_error_in_flight_does_not_end_the_server(sqlite: Database) -> None:
    async def story() -> None:
        async with open_door(sqlite) as door, door.client() as client:
            door.things.failure = RuntimeError("boom")
            assert_error(await client.post("/things", json={}), 500, "/things")
            door.things.failure = None
            assert (await client.post("/things", json={})).status_code == 200

    asyncio.run(story())


def test_one_line_is_logged_for_every_request_with_a_key(sqlite: Database) -> None:
    async def story() -> None:
        clock = FrozenClock()
        async with open_door(sqlite, clock=clock) as door, door.client() as client:
            await client.get("/things?page=2")
            await client.post("/things", json={"size": 0})
            await client.get("/things/x")
            await client.get("/docs")
            assert [(line.method, line.endpoint, line.status) for line in door.lines] == [
                ("GET", "/things", 200),
                ("POST", "/things", 422),
                ("GET", "/things/x", 404),
            ]
            assert {line.workspace_id for line in door.lines} == {door.workspace_id}
            assert {line.created_at for line in door.lines} == {clock.now()}
            assert all(line.duration_ms >= 0 for line in door.lines)

    asyncio.run(story())


def test_the_plan_limits_requests_a_minute_and_says_when_to_come_back(sqlite: Database) -> None:
    async def story() -> None:
        clock = FrozenClock()
        async with open_door(sqlite, clock=clock, limit=3) as door, door.client() as client:
            left = []
            for _ in range(3):
                answer = await client.get("/who")
                assert answer.status_code == 200
                left.append(int(answer.headers["x-ratelimit-remaining"]))
            assert left == [2, 1, 0]
            clock.advance(20)
            refused = await client.get("/who")
            assert_error(refused, 429, "/who")
            assert refused.headers["retry-after"] == "40"
            assert refused.headers["x-ratelimit-limit"] == "3"
            assert int(refused.headers["x-ratelimit-reset"]) == int(clock.now().timestamp()) + 40
            assert len(door.lines) == 3
            clock.advance(40)
            assert (await client.get("/who")).status_code == 200

    asyncio.run(story())


_OPERATORS = ["/operator", "/operator/", "//operator//desk", "/operator/desk", "/%6fperator/desk", "/operator%2fdesk"]
_WORKSPACES = ["/who", "/things", "/", "/nothing", "/operators", "/operatorx/desk", "/Operator/desk", "/x/operator"]


def test_a_key_opens_what_its_scope_opens_and_nothing_else(sqlite: Database) -> None:
    async def story() -> None:
        async with open_door(sqlite) as door, door.client() as tenant:
            _, secret = await door.workspaces.create_key("default", "desk", KeyScope.OPERATOR)
            async with door.client(secret) as operator:
                for path in _OPERATORS:
                    url = httpx.URL(scheme="http", host="door", raw_path=path.encode())
                    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
                        refused = await tenant.request(method, url)
                        assert refused.status_code == 403, (method, path)
                        assert (await operator.request(method, url)).status_code in {404, 405}, (method, path)
                    message = assert_error(await tenant.get(url), 403, door.lines[-1].endpoint)["message"]
                    assert "keys create --operator" in message
                for path in _WORKSPACES:
                    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
                        assert (await operator.request(method, path)).status_code == 403, (method, path)
                    assert "workspace's key" in assert_error(await operator.get(path), 403, path)["message"]
                assert door.things.begun == 0
                for path in ("/docs", "/openapi.json"):
                    assert (await operator.get(path)).status_code == 200

    asyncio.run(story())


def test_a_refused_scope_is_logged_limited_and_uses_up_no_idempotency_key(sqlite: Database) -> None:
    async def story() -> None:
        async with open_door(sqlite, clock=FrozenClock(), limit=2) as door, door.client() as tenant:
            key, secret = await door.workspaces.create_key("default", "desk", KeyScope.OPERATOR)
            headers = {"Idempotency-Key": "k"}
            async with door.client(secret) as operator:
                for status in (403, 403, 429):
                    answer = await operator.post("/things", json={}, headers=headers)
                    assert answer.status_code == status
                    assert answer.headers["x-ratelimit-limit"] == "2"
            lines = [(line.key_id, line.workspace_id, line.endpoint, line.status) for line in door.lines]
            assert lines == [(key.id, door.workspace_id, "/things", 403)] * 2
            made = await tenant.post("/things", json={}, headers=headers)
            assert made.status_code == 200
            assert made.headers.get("idempotent-replayed") is None

    asyncio.run(story())


def test_each_key_has_its_own_rate(sqlite: Database) -> None:
    async def story() -> None:
        async with open_door(sqlite, clock=FrozenClock(), limit=1) as door, door.client() as client:
            _, other = await door.workspaces.create_key("default", "other")
            assert (await client.get("/who")).status_code == 200
            assert (await client.get("/who")).status_code == 429
            assert (await client.get("/who", headers={"Authorization": f"Bearer {other}"})).status_code == 200

    asyncio.run(story())


def test_strangers_are_limited_by_address_without_touching_callers(sqlite: Database) -> None:
    async def story() -> None:
        async with open_door(sqlite, clock=FrozenClock()) as door:
            async with door.client(key=None) as stranger:
                for _ in range(ANONYMOUS_REQUESTS_PER_MINUTE):
                    assert (await stranger.get("/who")).status_code == 401
                assert_error(await stranger.get("/who"), 429, "/who")
                assert (await stranger.get("/docs")).status_code == 429
                # Probes of a load balancer must not be shut out by somebody else at its address.
                assert (await stranger.get("/health")).status_code == 404
            async with door.client() as client:
                assert (await client.get("/who")).status_code == 200

    asyncio.run(story())


@pytest.mark.parametrize(
    ("headers", "settings", "expected"),
    [
        ({"host": "noctule.example:9000"}, {}, "http://noctule.example:9000"),
        ({"host": "[::1]:8484"}, {}, "http://[::1]:8484"),
        (
            {"host": "inner", "x-forwarded-host": "outer.example", "x-forwarded-proto": "https"},
            {},
            "https://outer.example",
        ),
        ({"x-forwarded-host": "a.example, b.example", "x-forwarded-proto": "https, http"}, {}, "https://a.example"),
        ({"host": "x", "x-forwarded-host": 'evil"><script>', "x-forwarded-proto": "javascript"}, {}, "http://x"),
        ({"host": "x"}, {"public_url": "https://public.example/api/"}, "https://public.example/api"),
    ],
)
def test_addresses_are_told_as_the_client_reaches_us(
    sqlite: Database, headers: dict[str, str], settings: dict[str, str], expected: str
) -> None:
    async def story() -> None:
        async with open_door(sqlite, settings=settings) as door, door.client() as client:
            assert (await client.get("/who", headers=headers)).json()["base_url"] == expected

    asyncio.run(story())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [1, 10, True, False, False]),
        ("only_active=True&page_size=10&page=1", [1, 10, True, False, False]),
        ("only_active=False&only_current_token=True&loud=1", [1, 10, False, True, True]),
        ("only_active=false&only_current_token=TRUE&loud=yes", [1, 10, False, True, True]),
        ("only_active=0&only_current_token=on&loud=%20true%20", [1, 10, False, True, True]),
        ("page=3&page_size=100", [3, 100, True, False, False]),
    ],
)
def test_lists_take_booleans_and_pages_as_every_client_writes_them(ask: Asker, query: str, expected: list[Any]) -> None:
    assert ask("GET", f"/things?{query}").json() == expected


def test_a_write_ends_although_its_client_was_cancelled(sqlite: Database) -> None:
    async def story() -> None:
        async with open_door(sqlite) as door, door.client() as client:
            door.things.may_finish = asyncio.Event()
            request = asyncio.create_task(client.post("/things", json={}, headers={"Idempotency-Key": "k"}))
            await _until(door, begun=1)
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
            door.things.may_finish.set()
            await door.tasks.drain(5)
            assert len(door.things.made) == 1
            again = await client.post("/things", json={}, headers={"Idempotency-Key": "k"})
            assert again.headers["idempotent-replayed"] == "true"
            assert again.json()["id"] == door.things.made[0]
            assert door.things.begun == 1

    asyncio.run(story())


async def _until(door: Door, *, begun: int) -> None:
    async with asyncio.timeout(5):
        while door.things.begun < begun:
            await asyncio.sleep(0.005)
