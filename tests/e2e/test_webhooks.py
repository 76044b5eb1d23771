"""Webhooks of a real server: signed, once each when all goes well, and again after a kill."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from tests.support.origin import Origin, Seen
from tests.support.server import Server

pytestmark = pytest.mark.slow


def _arrived(origin: Origin, path: str, count: int) -> list[Seen]:
    deadline = time.monotonic() + 30
    while len(origin.seen(path)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return origin.seen(path)


def _told(seen: Seen, secret: str) -> Any:
    return Webhook(secret).verify(seen.body, {name.lower(): value for name, value in seen.headers})


def _settled(client: httpx.Client, endpoint_id: str) -> list[dict[str, Any]]:
    """The deliveries of an endpoint, once none is pending."""
    deadline = time.monotonic() + 90
    while True:
        items: list[dict[str, Any]] = client.get(f"/usage/webhooks/{endpoint_id}/deliveries").json()["items"]
        if all(item["state"] != "pending" for item in items) or time.monotonic() > deadline:
            return items
        time.sleep(0.1)


def test_the_end_of_a_session_and_a_test_arrive_signed(server: Server, origin: Origin) -> None:
    with server.client() as client:
        made = (
            client.post("/usage/webhooks", json={"url": f"{origin.url}ended", "types": ["session.ended"]})
            .raise_for_status()
            .json()
        )
        try:
            session = client.post("/sessions/start", json={}).raise_for_status().json()
            client.delete(f"/sessions/{session['session_id']}/stop").raise_for_status()
            [came] = _arrived(origin, "/ended", 1)
            told = _told(came, made["secret"])
            assert told["type"] == "session.ended"
            assert told["data"]["session_id"] == session["session_id"]
            client.post(f"/usage/webhooks/{made['endpoint_id']}/test").raise_for_status()
            assert _told(_arrived(origin, "/ended", 2)[1], made["secret"])["type"] == "webhook.test"
            assert [item["state"] for item in _settled(client, made["endpoint_id"])] == ["delivered"] * 2
        finally:
            client.delete(f"/usage/webhooks/{made['endpoint_id']}").raise_for_status()
        assert made["secret"] not in server.log.read_text()


def test_a_target_that_the_egress_policy_refuses_is_422(server: Server) -> None:
    with server.client() as client:
        for url, rule in ((server.url, "own-port"), ("http://169.254.169.254/", "metadata")):
            refused = client.post("/usage/webhooks", json={"url": url})
            assert refused.status_code == 422
            assert rule in refused.json()["message"]


@pytest.fixture(params=["sqlite", "postgres"])
def mortal(request: pytest.FixtureRequest, tmp_path: Path, origin: Origin) -> Iterator[Server]:
    """A server that is not started yet, on each engine."""
    environment = {"NOCTULE_EGRESS_ALLOW": f"127.0.0.1:{origin.port}", "NOCTULE_WARM_POOL_SIZE": "0"}
    if request.param == "postgres":
        environment["NOCTULE_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    server = Server(tmp_path / "data", environment)
    yield server
    server.close()


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("failpoint", "sent"), [("webhook.before_send", 1), ("webhook.after_send", 2), ("webhook.after_commit", 1)]
)
def test_a_kill_on_the_way_repeats_a_message_at_most(
    mortal: Server, origin: Origin, failpoint: str, sent: int, request: pytest.FixtureRequest
) -> None:
    path = f"/{request.node.name}".translate(str.maketrans("[]-.", "____"))
    mortal.start({"NOCTULE_FAILPOINT": failpoint})
    with mortal.client() as client:
        made = client.post("/usage/webhooks", json={"url": f"{origin.url}{path[1:]}"}).raise_for_status().json()
        client.post(f"/usage/webhooks/{made['endpoint_id']}/test").raise_for_status()
    assert mortal.wait(30) == -9
    mortal.start()
    with mortal.client() as client:
        [delivery] = _settled(client, made["endpoint_id"])
        assert delivery["state"] == "delivered"
    came = origin.seen(path)
    assert len(came) == sent
    assert {seen.header("webhook-id") for seen in came} == {delivery["message_id"]}
    # A receiver judges the time of an attempt, which is a new one each time.
    assert all(_told(seen, made["secret"])["type"] == "webhook.test" for seen in came)
