"""Every operation of the operator: who may, what it does once and twice, what it refuses."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from noctule.db.engine import Database
from noctule.http.idempotency import RETENTION
from tests.unit.operator.conftest import Desk, Story, at_the_desk, refused

RunStory = Callable[[Story], None]

_ACME = "/operator/workspaces/acme"
# Every operation with a body that it would take.
_OPERATIONS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/operator/workspaces", None),
    ("POST", "/operator/workspaces", {"name": "new"}),
    ("GET", _ACME, None),
    ("PUT", f"{_ACME}/plan", {"plan": "pro"}),
    ("POST", f"{_ACME}/topups", {"amount": 1, "key": "k"}),
    ("GET", f"{_ACME}/grants", None),
    ("POST", f"{_ACME}/grants", {"amount": 1, "key": "k", "expires_after": "2026-12"}),
    ("DELETE", f"{_ACME}/grants/g", None),
    ("POST", f"{_ACME}/corrections", {"amount": 1, "meter": "browser", "reason": "r", "key": "k"}),
    ("GET", f"{_ACME}/months", None),
    ("GET", "/operator/plans", None),
]


def test_only_a_key_of_the_operators_opens_any_operation_and_nothing_is_done_for_others(desk: RunStory) -> None:
    async def story(desk: Desk) -> None:
        before = await desk.standing()
        for method, path, body in _OPERATIONS:
            assert "key is required" in refused(await desk.stranger.request(method, path, json=body), 401)
            assert "keys create --operator" in refused(await desk.tenant.request(method, path, json=body), 403)
            again = await desk.tenant.request(method, path, json=body, headers={"Idempotency-Key": "k"})
            assert refused(again, 403)
        assert await desk.standing() == before

    desk(story)


def test_the_table_of_operations_is_all_that_there_is(desk: RunStory) -> None:
    async def story(desk: Desk) -> None:
        document = (await desk.stranger.get("/openapi.json")).json()
        walked = {
            (method, path.replace("acme", "{workspace}").replace("grants/g", "grants/{grant_id}"))
            for method, path, _ in _OPERATIONS
        }
        assert walked == {
            (method.upper(), path) for path, operations in document["paths"].items() for method in operations
        }
        for operations in document["paths"].values():
            for operation in operations.values():
                assert operation["operationId"].startswith("operator_")
                assert operation["tags"] == ["operator"]

    desk(story)


def test_what_is_not_there_is_404_on_every_operation(desk: RunStory) -> None:
    async def story(desk: Desk) -> None:
        before = await desk.standing()
        for method, path, body in _OPERATIONS:
            if "acme" in path:
                missing = await desk.operator.request(method, path.replace("acme", "nobody"), json=body)
                assert "'nobody'" in refused(missing, 404)
        assert "no grant" in refused(await desk.operator.delete(f"{_ACME}/grants/g"), 404)
        correction = {"amount": 1, "meter": "browser", "reason": "r", "key": "k", "session_id": "s"}
        assert "no session" in refused(await desk.operator.post(f"{_ACME}/corrections", json=correction), 404)
        assert await desk.standing() == before

    desk(story)


@pytest.mark.parametrize("query", ["page=0", "page_size=101", "page=x", "page=99999999999999", "only_active=perhaps"])
def test_a_bad_page_is_422(sqlite: Database, query: str) -> None:
    async def story(desk: Desk) -> None:
        refused(await desk.operator.get(f"/operator/workspaces?{query}"), 422)

    at_the_desk(sqlite, story)


def test_workspaces_are_listed_newest_first_with_their_plans_and_balances(desk: RunStory) -> None:
    async def story(desk: Desk) -> None:
        page = (await desk.operator.get("/operator/workspaces", params={"page_size": "1"})).json()
        [item] = page["items"]
        assert (page["has_next"], page["has_previous"]) == (True, False)
        assert item == {
            "id": desk.acme.id,
            "name": "acme",
            "plan": "free",
            "balance_amount": 5.0,
            "created_at": "2026-03-10T12:00:01Z",
        }
        rest = (await desk.operator.get("/operator/workspaces", params={"page_size": "1", "page": "2"})).json()
        assert [each["name"] for each in rest["items"]] == ["default"]
        assert not rest["has_next"]

    desk(story)


def test_a_workspace_is_found_by_name_and_by_id_with_its_month(desk: RunStory) -> None:
    async def story(desk: Desk) -> None:
        await desk.session("s", desk.acme.id)
        by_name = (await desk.operator.get(_ACME)).json()
        by_id = (await desk.operator.get(f"/operator/workspaces/{desk.acme.id.upper()}")).json()
        assert by_name == by_id
        assert by_name["balance_amount"] == 4.999166667
        assert by_name["budget_count"] == 0
        assert by_name["usage"] == {
            "month": "2026-03",
            "session_count": 1,
            "function_count": 0,
            "browser_usage_cost": 0.000833333,
            "proxy_usage_cost": 0.0,
            "llm_usage_cost": 0.0,
            "function_usage_cost": 0.0,
            "total_cost": 0.000833333,
            "subscription_limit_amount": 0.0,
            "topup_limit_amount": 5.0,
            "subscription_balance_amount": 0.0,
            "topup_balance_amount": 4.999166667,
            "is_usage_limit_exceeded": False,
        }

    desk(story)


def test_a_workspace_is_made_once_however_late_the_retry(desk: RunStory) -> None:
    async def story(desk: Desk) -> None:
        body, headers = {"name": "big co", "plan": "pro"}, {"Idempotency-Key": "order-1"}
        made = await desk.operator.post("/operator/workspaces", json=body, headers=headers)
        assert (made.status_code, made.json()["balance_amount"]) == (200, 5.0)
        desk.clock.advance((RETENTION + timedelta(hours=1)).total_seconds())
        await desk.idempotency.purge()
        again = await desk.operator.post("/operator/workspaces", json=body, headers=headers)
        assert again.headers.get("idempotent-replayed") is None
        assert again.json() == made.json()
        desk.clock.advance((RETENTION + timedelta(hours=1)).total_seconds())
        await desk.idempotency.purge()
        other = await desk.operator.post("/operator/workspaces", json={"name": "other"}, headers=headers)
        assert "'big co'" in refused(other, 409)
        assert "already" in refused(await desk.operator.post("/operator/workspaces", json=body), 409)
        found = (await desk.operator.get("/operator/workspaces/big%20co")).json()
        assert found["id"] == made.json()["id"]

    desk(story)


def test_a_plan_changes_at_once(desk: RunStory) -> None:
    async def story(desk: Desk) -> None:
        for _ in range(2):
            changed = (await desk.operator.put(f"{_ACME}/plan", json={"plan": "growth"})).json()
            assert (changed["plan"], changed["balance_amount"]) == ("growth", 30.0)

    desk(story)


@pytest.mark.parametrize(
    ("path", "body", "balance"),
    [
        ("topups", {"amount": "2.5"}, 7.5),
        ("grants", {"amount": "2.5", "expires_after": "2026-12"}, 7.5),
        ("grants", {"amount": "2.5", "expires_after": None}, 7.5),
        ("corrections", {"amount": "2.5", "meter": "browser", "reason": "r"}, 2.5),
        ("corrections", {"amount": -2.5, "meter": "llm", "reason": "r"}, 7.5),
    ],
)
@pytest.mark.parametrize("where", ["header", "body"])
def test_money_moves_once_for_a_key_even_after_the_answer_is_forgotten(
    desk: RunStory, path: str, body: dict[str, Any], balance: float, where: str
) -> None:
    async def story(desk: Desk) -> None:
        async def send(**changes: Any) -> httpx.Response:
            sent = body | changes | ({"key": "order 7"} if where == "body" else {})
            headers = {"Idempotency-Key": "order-7"} if where == "header" else {}
            return await desk.operator.post(f"{_ACME}/{path}", json=sent, headers=headers)

        async def left() -> float:
            return float((await desk.operator.get(_ACME)).json()["balance_amount"])

        for _ in range(3):
            answer = await send()
            assert answer.status_code == 200, answer.text
            assert await left() == balance
            desk.clock.advance((RETENTION + timedelta(hours=1)).total_seconds())
            await desk.idempotency.purge()
        assert "something else" in refused(await send(amount="3"), 409)
        assert await left() == balance
        # A workspace has keys of its own.
        await desk.idempotency.purge()
        desk.clock.advance((RETENTION + timedelta(hours=1)).total_seconds())
        await desk.idempotency.purge()
        elsewhere = await desk.operator.post(
            f"/operator/workspaces/default/{path}",
            json=body | ({"key": "order 7"} if where == "body" else {}),
            headers={"Idempotency-Key": "order-7"} if where == "header" else {},
        )
        assert elsewhere.status_code == 200, elsewhere.text
        assert await left() == balance

    desk(story)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("topups", {"amount": 1}),
        ("grants", {"amount": 1, "expires_after": None}),
        ("corrections", {"amount": 1, "meter": "browser", "reason": "r"}),
    ],
)
def test_money_does_not_move_without_a_key(desk: RunStory, path: str, body: dict[str, Any]) -> None:
    async def story(desk: Desk) -> None:
        before = await desk.standing()
        answer = await desk.operator.post(f"{_ACME}/{path}", json=body)
        assert "Idempotency-Key" in refused(answer, 422)
        assert answer.json()["detail"][0]["loc"] == ["body", "key"]
        assert await desk.standing() == before

    desk(story)


def test_a_grant_is_spent_first_listed_and_gone_after_its_month(desk: RunStory) -> None:
    async def story(desk: Desk) -> None:
        desk.clock.advance(1)
        body = {"amount": 1, "expires_after": "2026-04", "key": "spring"}
        granted = (await desk.operator.post(f"{_ACME}/grants", json=body)).json()
        assert (granted["balance_amount"], granted["usage"]["subscription_balance_amount"]) == (6.0, 1.0)
        await desk.session("s", desk.acme.id)
        once, given = (await desk.operator.get(f"{_ACME}/grants")).json()
        assert (once["bucket"], once["remaining_amount"], once["expires_at"]) == ("topup", 5.0, None)
        assert (given["bucket"], given["amount"], given["remaining_amount"]) == ("plan", 1.0, 0.999166667)
        assert given["expires_at"] == "2026-05-01T00:00:00Z"
        assert given["key"].endswith("spring")
        desk.clock.advance(30 * 86400)
        assert (await desk.operator.get(_ACME)).json()["balance_amount"] == 5.999166667
        desk.clock.advance(30 * 86400)
        assert (await desk.operator.get(_ACME)).json()["balance_amount"] == 5.0

    desk(story)


def test_what_is_left_of_a_grant_is_taken_back_once(desk: RunStory) -> None:
    async def story(desk: Desk) -> None:
        await desk.operator.post(f"{_ACME}/topups", json={"amount": 3, "key": "k"})
        grants = (await desk.operator.get(f"{_ACME}/grants")).json()
        path = f"{_ACME}/grants/{grants[-1]['id']}"
        foreign = path.replace("acme", "default")
        assert refused(await desk.operator.delete(foreign), 404)
        headers = {"Idempotency-Key": "void"}
        first = (await desk.operator.delete(path, headers=headers)).json()
        assert (first["grant_id"], first["amount"], first["workspace"]["balance_amount"]) == (
            grants[-1]["id"],
            3.0,
            5.0,
        )
        assert (await desk.operator.delete(path, headers=headers)).json() == first
        assert (await desk.operator.delete(path)).json()["amount"] == 0.0
        assert (await desk.operator.get(_ACME)).json()["balance_amount"] == 5.0

    desk(story)


def test_a_correction_is_on_the_bill_of_its_session(desk: RunStory) -> None:
    async def story(desk: Desk) -> None:
        await desk.session("s", desk.acme.id, minutes=2)
        before = (await desk.operator.get(_ACME)).json()["balance_amount"]
        body = {
            "amount": "-0.001",
            "meter": "browser",
            "reason": "the page was down",
            "session_id": "s",
            "occurred_at": "2026-03-10T13:00:30+01:00",
            "key": "k",
        }
        answer = await desk.operator.post(f"{_ACME}/corrections", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["is_new"] is True
        assert answer.json()["workspace"]["balance_amount"] == pytest.approx(before + 0.001, abs=1e-10)
        assert (await desk.operator.post(f"{_ACME}/corrections", json=body)).json()["is_new"] is False
        bill = await desk.database.read(lambda link: desk.metering.explain(link, desk.acme.id, "s"))
        assert any("the page was down" in (line.event.detail or "") for line in bill.lines)
        foreign = await desk.operator.post("/operator/workspaces/default/corrections", json=body)
        assert refused(foreign, 404)

    desk(story)


def test_months_are_told_with_their_figures_and_whether_they_are_final(desk: RunStory) -> None:
    async def story(desk: Desk) -> None:
        await desk.session("march", desk.acme.id, minutes=2)
        desk.clock.advance(30 * 86400)
        await desk.session("april", desk.acme.id)
        await desk.database.write(desk.metering.seal_months)
        march, april = (await desk.operator.get(f"{_ACME}/months")).json()
        assert (march["month"], march["session_count"], march["total_cost"]) == ("2026-03", 1, 0.001666667)
        assert (march["topup_granted_amount"], march["topup_spent_amount"]) == (5.0, 0.001666667)
        assert march["sealed_at"] is not None
        assert (april["month"], april["total_cost"], april["sealed_at"]) == ("2026-04", 0.000833333, None)

    desk(story)


def test_prices_and_plans_are_told_with_their_dates(desk: RunStory) -> None:
    async def story(desk: Desk) -> None:
        told = (await desk.operator.get("/operator/plans")).json()
        assert told["at"] == "2026-03-10T12:00:01Z"
        assert told["prices"][0] == {
            "id": "browser-2025",
            "meter": "browser",
            "amount": 0.05,
            "per": "hour",
            "begins_at": "2025-01-01T00:00:00Z",
            "standing": "in force",
        }
        assert [plan["name"] for plan in told["plans"]] == sorted(plan["name"] for plan in told["plans"])
        later = await desk.operator.get("/operator/plans", params={"at": "2030-01-01T00:00:00Z"})
        assert later.json()["at"] == "2030-01-01T00:00:00Z"
        for bad in ("soon", "2030-01-01T00:00:00", "0001-01-01T00:00:00Z"):
            refused(await desk.operator.get("/operator/plans", params={"at": bad}), 422)

    desk(story)


def test_what_the_operator_does_is_logged_and_ends_with_its_key(desk: RunStory) -> None:
    async def story(desk: Desk) -> None:
        await desk.operator.get(_ACME)
        [(home, key)] = [pair for pair in await desk.workspaces.list_keys() if pair[1].name == "desk"]
        line = desk.lines[-1]
        assert (line.workspace_id, line.key_id, line.endpoint, line.status) == (home.id, key.id, _ACME, 200)
        await desk.workspaces.revoke_key(key.id)
        refused(await desk.operator.get(_ACME), 401)
        _, secret = await desk.workspaces.create_key("default", "desk two", key.scope)
        desk.operator.headers["Authorization"] = f"Bearer {secret}"
        assert (await desk.operator.get(_ACME)).status_code == 200

    desk(story)
