"""``/usage/budgets`` behind the real gate, on both databases."""

from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from noctule.db.engine import Database
from noctule.http.store import idempotency
from noctule.usage.routes.budgets import router
from noctule.usage.service.budgets import BudgetService
from tests.unit.usage.calling import Calling, calling

SESSION = "5f3a52f0-0000-4000-8000-000000000001"
PLAIN = {"name": "all", "scope": "workspace", "period": "month", "limit": 20, "action": "warn"}


def make(here: Calling) -> APIRouter:
    return router(BudgetService(here.database, here.metering, here.workspaces))


async def added(here: Calling, **fields: Any) -> dict[str, Any]:
    reply = await here.client.post("/usage/budgets", json=PLAIN | fields)
    assert reply.status_code == 200, reply.text
    made: dict[str, Any] = reply.json()
    return made


def test_a_budget_is_made_looked_at_changed_and_removed(database: Database) -> None:
    async def body(here: Calling) -> None:
        await here.call("before", 2_500_000_000)
        made = await added(here)
        assert made == {
            "id": made["id"],
            "name": "all",
            "scope": "workspace",
            "subject": None,
            "period": "month",
            "limit": 20.0,
            "action": "warn",
            "created_at": "2026-03-10T12:00:00Z",
            "current_period": "2026-03",
            "spent": 2.5,
            "left": 17.5,
            "percent": 12.5,
            "is_reached": False,
        }
        await here.call("after", 1)
        path = f"/usage/budgets/{made['id']}"
        seen = (await here.client.get(path)).json()
        assert (seen["spent"], seen["left"], seen["percent"]) == (2.500000001, 17.499999999, 12.5)
        assert (await here.client.get("/usage/budgets")).json() == {"items": [seen]}
        changed = (await here.client.patch(path, json={"limit": "1.000000001", "action": "stop"})).json()
        assert changed | {"limit": 20.0, "action": "warn", "left": 17.499999999, "percent": 12.5} == seen | {
            "is_reached": True
        }
        assert (changed["limit"], changed["left"], changed["percent"]) == (1.000000001, 0.0, 249.99)
        assert (await here.client.patch(path, json={})).json() == changed
        here.clock.advance(31 * 86_400)
        assert (await here.client.get(path)).json()["current_period"] == "2026-04"
        assert (await here.client.delete(path)).json()["id"] == made["id"]
        assert (await here.client.get("/usage/budgets")).json() == {"items": []}
        for method in ("GET", "PATCH", "DELETE"):
            gone = await here.client.request(method, path, json={} if method == "PATCH" else None)
            assert gone.status_code == 404

    calling(database, make, body)


def test_what_a_part_of_the_workspace_costs_counts_against_its_own_budget(database: Database) -> None:
    async def body(here: Calling) -> None:
        key = here.keys["home"]
        await here.session(SESSION)
        of_key = await added(here, name="key", scope="key", subject=key[:8], period="total")
        assert (of_key["subject"], of_key["current_period"]) == (key, "total")
        await added(here, name="tag", scope="tag", subject="team:red")
        await added(here, name="agent", scope="agent", subject="agent-0001")
        of_session = await added(here, name="session", scope="session", subject=SESSION)
        assert of_session["spent"] == 0.000833333
        await here.call("1", 1_000_000_000, key=key)
        await here.call("2", 2_000_000_000, tags=("team:blue", "team:red"))
        items = (await here.client.get("/usage/budgets")).json()["items"]
        assert {item["name"]: item["spent"] for item in items} == {
            "key": 1.0,
            "tag": 2.0,
            "agent": 0.0,
            "session": 0.000833333,
        }

    calling(database, make, body)


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": "1e400"}, "limit"),
        ({"limit": "0.0000000001"}, "limit"),
        ({"limit": 1e-10}, "limit"),
        ({"limit": 8e6}, "limit"),
        ({"limit": "9" * 40}, "limit"),
        ({"limit": None}, "limit"),
        ({"name": ""}, "name"),
        ({"name": "n" * 65}, "name"),
        ({"scope": "planet"}, "scope"),
        ({"period": "week"}, "period"),
        ({"action": "shout"}, "action"),
        ({"colour": "red"}, "colour"),
        ({"subject": "something"}, "subject"),
        ({"scope": "tag"}, "subject"),
        ({"scope": "tag", "subject": " x"}, "subject"),
        ({"scope": "tag", "subject": "t" * 65}, "subject"),
        ({"scope": "key", "subject": "00000000-0000"}, "subject"),
        ({"scope": "key", "subject": "abc"}, "subject"),
        ({"scope": "agent", "subject": "%"}, "subject"),
        ({"scope": "session", "subject": SESSION}, "subject"),
    ],
    ids=str,
)
def test_a_budget_that_makes_no_sense_is_a_422_that_says_where(
    sqlite: Database, wrong: dict[str, Any], place: str
) -> None:
    async def body(here: Calling) -> None:
        reply = await here.client.post("/usage/budgets", json=PLAIN | wrong)
        assert reply.status_code == 422, reply.text
        assert reply.json()["detail"][0]["loc"] == ["body", place]
        assert (await here.client.get("/usage/budgets")).json() == {"items": []}

    calling(sqlite, make, body)


@pytest.mark.parametrize("limit", [0.1, 12, "12.50", "1000000000", 7_999_999.999999999])
def test_an_amount_is_a_number_or_a_decimal_string(sqlite: Database, limit: object) -> None:
    async def body(here: Calling) -> None:
        assert (await added(here, limit=limit))["limit"] == float(str(limit).lstrip("$"))

    calling(sqlite, make, body)


def test_a_subject_of_another_workspace_is_one_that_does_not_exist(database: Database) -> None:
    async def body(here: Calling) -> None:
        await here.session(SESSION, "foreign")
        for scope, subject in (("key", here.keys["foreign"]), ("session", SESSION)):
            reply = await here.client.post("/usage/budgets", json=PLAIN | {"scope": scope, "subject": subject})
            nobody = await here.client.post("/usage/budgets", json=PLAIN | {"scope": scope, "subject": "0" * 36})
            assert (reply.status_code, nobody.status_code) == (422, 422)
            assert reply.text.replace(subject, "") == nobody.text.replace("0" * 36, "")
        await here.workspaces.revoke_key(here.keys["foreign"])

    calling(database, make, body)


def test_a_revoked_key_can_have_no_new_budget(sqlite: Database) -> None:
    async def body(here: Calling) -> None:
        other, _ = await here.workspaces.create_key("home", "other")
        await here.workspaces.revoke_key(other.id)
        reply = await here.client.post("/usage/budgets", json=PLAIN | {"scope": "key", "subject": other.id})
        assert reply.status_code == 422

    calling(sqlite, make, body)


def test_budgets_of_another_workspace_do_not_exist(database: Database) -> None:
    async def body(here: Calling) -> None:
        path = f"/usage/budgets/{(await added(here))['id']}"
        stranger = here.clients["foreign"]
        assert (await stranger.get("/usage/budgets")).json() == {"items": []}
        for method in ("GET", "PATCH", "DELETE"):
            body = {"limit": 1} if method == "PATCH" else None
            assert (await stranger.request(method, path, json=body)).status_code == 404
        assert (await here.client.get(path)).json()["limit"] == 20.0

    calling(database, make, body)


def test_a_name_is_taken_until_its_budget_is_removed(database: Database) -> None:
    async def body(here: Calling) -> None:
        made = await added(here)
        assert (await here.client.post("/usage/budgets", json=PLAIN | {"limit": 3})).status_code == 409
        await here.client.delete(f"/usage/budgets/{made['id']}")
        again = await added(here)
        assert again["id"] != made["id"]

    calling(database, make, body)


def test_the_hundred_and_first_budget_is_refused(sqlite: Database) -> None:
    async def body(here: Calling) -> None:
        for number in range(100):
            await added(here, name=f"number {number}")
        refused = await here.client.post("/usage/budgets", json=PLAIN)
        assert refused.status_code == 409
        assert "100" in refused.json()["message"]

    calling(sqlite, make, body)


def test_a_retry_under_an_idempotency_key_makes_no_second_budget(database: Database) -> None:
    async def body(here: Calling) -> None:
        headers = {"Idempotency-Key": "budget-1"}
        first = await here.client.post("/usage/budgets", json=PLAIN, headers=headers)
        again = await here.client.post("/usage/budgets", json=PLAIN, headers=headers)
        assert again.json() == first.json()
        other = await here.client.post("/usage/budgets", json=PLAIN, headers={"Idempotency-Key": "budget-2"})
        assert other.status_code == 409
        assert len((await here.client.get("/usage/budgets")).json()["items"]) == 1

    calling(database, make, body)


def test_a_retry_after_a_crash_that_kept_the_budget_and_lost_the_answer_meets_it(database: Database) -> None:
    async def body(here: Calling) -> None:
        headers = {"Idempotency-Key": "budget-1"}

        async def tried() -> httpx.Response:
            await database.write(lambda link: link.execute(idempotency.delete()))
            return await here.client.post("/usage/budgets", json=PLAIN, headers=headers)

        first = (await tried()).json()
        assert (await tried()).json() == first
        await here.client.delete(f"/usage/budgets/{first['id']}")
        late = await tried()
        assert late.status_code == 409
        assert "removed" in late.json()["message"]
        assert (await here.client.get("/usage/budgets")).json()["items"] == []

    calling(database, make, body)
