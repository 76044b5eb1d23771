"""The operator's API beside a running server: what it changes holds at once, and a kill never doubles money."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.server import KEY, Server

pytestmark = pytest.mark.slow

_ACME = "/operator/workspaces/acme"


def _key(server: Server, *arguments: str) -> str:
    secret: str = server.noctule("keys", "create", *arguments).stdout.strip()
    return secret


@pytest.fixture
def operator(server: Server) -> Iterator[httpx.Client]:
    with server.client(_key(server, "--operator", "--name", "desk")) as client:
        yield client


def test_a_tenant_is_set_up_served_billed_and_corrected(server: Server, operator: httpx.Client) -> None:
    def ask(method: str, path: str, **options: Any) -> Any:
        return operator.request(method, path, **options).raise_for_status().json()

    made = ask("POST", "/operator/workspaces", json={"name": "tenant", "plan": "prepaid"})
    tenant = f"/operator/workspaces/{made['id']}"
    with server.client(_key(server, "--workspace", "tenant")) as client:
        refused = client.post("/sessions/start", json={})
        assert refused.status_code == 402
        ask("POST", f"{tenant}/topups", json={"amount": "0.01", "key": "first"})
        session = client.post("/sessions/start", json={}).raise_for_status().json()["session_id"]
        client.delete(f"/sessions/{session}/stop").raise_for_status()
        assert client.get("/usage").json()["balance_amount"] == 0.009166667
        back = {"amount": -0.000833333, "meter": "browser", "reason": "on the house", "session_id": session, "key": "b"}
        assert ask("POST", f"{tenant}/corrections", json=back)["is_new"] is True
        usage = client.get("/usage").json()
        assert (usage["balance_amount"], usage["total_cost"]) == (0.01, 0.0)
        ask("PUT", f"{tenant}/plan", json={"plan": "pro"})
        assert client.get("/usage").json()["balance_amount"] == 5.01
        grants = ask("GET", f"{tenant}/grants")
        [topup] = [each for each in grants if each["key"].endswith("first")]
        assert ask("DELETE", f"{tenant}/grants/{topup['id']}")["amount"] == topup["remaining_amount"]
    assert "  correction  " in server.noctule("usage", "explain", session).stdout
    assert server.noctule("workspaces", "grants", "tenant").stdout.count("first") == 1
    [month] = ask("GET", f"{tenant}/months")
    assert (month["session_count"], month["sealed_at"]) == (1, None)


def test_neither_kind_of_key_opens_the_others_door(server: Server, operator: httpx.Client) -> None:
    with server.client() as tenant:
        for path in ("/operator/workspaces", "//operator//plans", "/operator/nothing", "/%6fperator/plans"):
            assert tenant.get(f"{server.url}{path}").status_code == 403
        for path in ("/sessions", "/usage", "/nothing", "/operators"):
            assert operator.get(path).status_code == 403
        assert operator.post("/sessions/start", json={}).status_code == 403
        assert operator.get("/health").status_code == tenant.get("/health").status_code == 200
        logged = tenant.get("/usage/logs", params={"page_size": 100}).json()["items"]
    assert "/sessions/start" in [line["endpoint"] for line in logged]


def test_a_revoked_operators_key_is_refused_by_the_next_request(server: Server, operator: httpx.Client) -> None:
    assert operator.get("/operator/plans").status_code == 200
    secret = operator.headers["authorization"].removeprefix("Bearer ")
    listed = server.noctule("keys", "list").stdout.splitlines()
    [line] = [line for line in listed if f"…{secret[-4:]}  operator " in line]
    server.noctule("keys", "revoke", line.split()[0])
    assert operator.get("/operator/plans").status_code == 401


@pytest.mark.parametrize(
    ("failpoint", "path", "body", "balance"),
    [
        ("grant.before_commit", "topups", {"amount": "2.5"}, 7.5),
        ("grant.after_commit", "topups", {"amount": "2.5"}, 7.5),
        ("idempotency.stored", "topups", {"amount": "2.5"}, 7.5),
        ("grant.after_commit", "grants", {"amount": "2.5", "expires_after": "2999-12"}, 7.5),
        ("grant.after_commit", "corrections", {"amount": "2.5", "meter": "browser", "reason": "r"}, 2.5),
    ],
)
def test_a_kill_never_doubles_money_nor_loses_what_is_sent_again(
    tmp_path: Path, failpoint: str, path: str, body: dict[str, Any], balance: float
) -> None:
    server = Server(tmp_path / "data")
    try:
        assert server.noctule("workspaces", "create", "acme").returncode == 0
        key = _key(server, "--operator")
        server.start({"NOCTULE_FAILPOINT": failpoint})
        headers = {"Idempotency-Key": "order-7"}
        with server.client(key) as client, pytest.raises(httpx.TransportError):
            client.post(f"{_ACME}/{path}", json=body, headers=headers)
        assert server.wait(20) == -9
        server.start()
        with server.client(key) as client:
            for _ in range(2):
                assert client.post(f"{_ACME}/{path}", json=body, headers=headers).status_code == 200
                assert client.get(_ACME).json()["balance_amount"] == balance
        audit = server.noctule("usage", "audit", check=False)
        assert audit.returncode == 0, audit.stdout + audit.stderr
    finally:
        server.close()


def test_the_environments_key_is_no_operators(server: Server) -> None:
    with server.client(KEY) as client:
        assert "keys create --operator" in client.get("/operator/plans").json()["message"]
