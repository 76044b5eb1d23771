"""Fifty starts at once on a balance of one minute, over HTTP: one browser, forty-nine refusals, nothing owed."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.support.journal import MINUTE_NANOS
from tests.support.lives import SHOP, House, house
from tests.support.load import Tenant

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

_STARTS = 50
# Every start that was let in by the first look at the balance gets a browser before the second one refuses it.
_SETTINGS = {"NOCTULE_MAX_SESSIONS": "60", "NOCTULE_ACQUIRE_TIMEOUT_SECONDS": "100", "NOCTULE_WARM_POOL_SIZE": "1"}


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_of_fifty_starts_on_a_balance_of_one_minute_one_wins(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = None if engine == "sqlite" else request.getfixturevalue("postgres_url")

    async def scene() -> None:
        async with house(tmp_path / "house", url, _SETTINGS, plan="prepaid") as home:
            home.server.start()
            await _race(home, home.tenants[1])

    asyncio.run(scene())


async def _race(home: House, shop: Tenant) -> None:
    _top_up(home, MINUTE_NANOS)
    headers = {"Authorization": f"Bearer {shop.key}"}
    limits = httpx.Limits(max_connections=_STARTS)
    async with httpx.AsyncClient(
        base_url=home.server.url, headers=headers, limits=limits, timeout=150, trust_env=False
    ) as http:
        answers = await asyncio.gather(*(http.post("/sessions/start", json={}) for _ in range(_STARTS)))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 402: _STARTS - 1}
        [won] = [answer.json() for answer in answers if answer.status_code == 200]
        for answer in answers:
            if answer.status_code == 402:
                body = answer.json()
                assert body["detail"]["reason"] == "usage_limit_exceeded"
                assert (body["detail"]["limit"], body["detail"]["balance"]) == (MINUTE_NANOS / 1e9, 0)
        usage = (await http.get("/usage")).json()
        assert (usage["session_count"], usage["is_usage_limit_exceeded"]) == (1, True)
        assert (usage["total_cost"], usage["balance_amount"]) == (MINUTE_NANOS / 1e9, 0)
        [live] = (await http.get("/sessions")).json()["items"]
        assert live["session_id"] == won["session_id"]
        assert (await http.delete(f"/sessions/{won['session_id']}/stop")).status_code == 200
        assert (await http.post("/sessions/start", json={})).status_code == 402
    assert home.server.terminate() == 0
    assert home.server.browsers() == []
    found = await home.facts()
    assert found.violations == ()
    assert found.minutes == {won["session_id"]: [(0, MINUTE_NANOS, 1)]}
    activated = [id for id, session in found.sessions.items() if session.activated_at is not None]
    assert activated == [won["session_id"]]
    assert {session.status for session in found.sessions.values()} <= {"closed", "error"}


def _top_up(home: House, nanos: int) -> None:
    with home.server.client(home.operator_key) as operator:
        path = f"/operator/workspaces/{SHOP}/topups"
        operator.post(path, json={"amount": f"{nanos / 1e9:.9f}", "key": "one minute"}).raise_for_status()
