"""The webhooks tag behind the real gate, on both databases."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx
import pytest
from standardwebhooks import Webhook

from noctule.webhooks.routes import router
from tests.support.gated import gated
from tests.unit.webhooks.conftest import House
from tests.unit.webhooks.receiver import status


@dataclass
class Served:
    """The tag's clients of two workspaces, and what is behind it."""

    house: House
    mine: httpx.AsyncClient
    theirs: httpx.AsyncClient

    async def add(self, fields: Mapping[str, object] | None = None) -> httpx.Response:
        """Ask for a new endpoint."""
        body = {"url": self.house.receiver.url("/hook"), **(fields or {})}
        return await self.mine.post("/usage/webhooks", json=body)


def _serve(house: House, body: Callable[[Served], Awaitable[None]]) -> None:
    async def main() -> None:
        async with gated(router(house.webhooks), house.database, house.clock, house.sealer) as tag:
            await body(Served(house, tag.mine, tag.theirs))

    asyncio.run(main())


def test_an_endpoint_from_its_making_to_its_end(house: House) -> None:
    async def body(served: Served) -> None:
        made = (await served.add({"types": ["session.ended"], "description": "billing"})).json()
        path = f"/usage/webhooks/{made['endpoint_id']}"
        secret = made.pop("secret")
        assert made == {
            "endpoint_id": made["endpoint_id"],
            "url": house.receiver.url("/hook"),
            "types": ["session.ended"],
            "description": "billing",
            "enabled": True,
            "created_at": made["created_at"],
            "disabled_at": None,
            "disabled_reason": None,
            "pending": 0,
            "dead": 0,
        }
        assert (await served.mine.get(path)).json() == made
        assert (await served.mine.get("/usage/webhooks")).json()["items"] == [made]
        rotated = (await served.mine.post(f"{path}/rotate")).json()
        assert {**made, "secret": rotated["secret"]} == rotated
        assert rotated["secret"] != secret
        changed = (await served.mine.patch(path, json={"types": [], "enabled": False})).json()
        assert (changed["types"], changed["enabled"], changed["description"]) == ([], False, "billing")
        assert (await served.mine.patch(path, json={})).json() == changed
        assert (await served.mine.delete(path)).json() == {"endpoint_id": made["endpoint_id"]}
        assert (await served.mine.get(path)).status_code == 404

    _serve(house, body)


def test_deliveries_can_be_looked_at_and_sent_again(house: House) -> None:
    async def body(served: Served) -> None:
        house.receiver.answer("/hook", status(500), status(204))
        made = (await served.add()).json()
        path = f"/usage/webhooks/{made['endpoint_id']}"
        sent = (await served.mine.post(f"{path}/test")).json()
        assert (sent["state"], sent["type"], sent["attempts"]) == ("pending", "webhook.test", 0)
        await house.deliver()
        listed = (await served.mine.get(f"{path}/deliveries", params={"state": "pending"})).json()
        [failed] = listed["items"]
        assert failed["last_error"] == "answered 500"
        assert failed["last_status"] == 500
        assert failed["delivered_at"] is None
        one = f"{path}/deliveries/{sent['message_id']}"
        again = await served.mine.post(f"{one}/redeliver")
        assert again.json()["attempts"] == 0
        await house.deliver()
        done = (await served.mine.get(one)).json()
        assert (done["state"], done["next_attempt_at"]) == ("delivered", None)
        assert done["delivered_at"] is not None
        came = house.receiver.requests[1]
        assert done["body"].encode() == came.body
        assert Webhook(made["secret"]).verify(came.body, came.headers)["type"] == "webhook.test"
        assert (await served.mine.post(f"{path}/redeliver")).json() == {"redelivered": 0}
        nothing = await served.mine.get(f"{path}/deliveries", params={"state": "dead"})
        assert nothing.json()["items"] == []

    _serve(house, body)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"url": "http://127.0.0.1:1/"}, "loopback-address"),
        ({"url": "https://me:hidden-thing@example.com/"}, "user name"),
        ({"url": ""}, "at least 1 character"),
        ({"url": "https://example.com/" + "a" * 2048}, "2048"),
        ({"types": ["session.started"]}, "session.ended"),
        ({"types": "session.ended"}, "list"),
        ({"description": "a\nb"}, "one line"),
        ({"description": "a" * 201}, "200"),
        ({"secret": "whsec_mine"}, "extra_forbidden"),
    ],
)
def test_a_bad_endpoint_is_422_and_says_why(house: House, fields: dict[str, object], reason: str) -> None:
    async def body(served: Served) -> None:
        refused = await served.add(fields)
        assert refused.status_code == 422
        assert reason in refused.json()["message"]
        assert "hidden-thing" not in refused.text
        assert "whsec_mine" not in refused.text

    _serve(house, body)


def test_a_state_that_is_none_is_422_and_a_disabled_endpoint_409(house: House) -> None:
    async def body(served: Served) -> None:
        made = (await served.add()).json()
        path = f"/usage/webhooks/{made['endpoint_id']}"
        assert (await served.mine.get(f"{path}/deliveries", params={"state": "lost"})).status_code == 422
        await served.mine.patch(path, json={"enabled": False})
        for each in ("test", "redeliver"):
            assert (await served.mine.post(f"{path}/{each}")).status_code == 409

    _serve(house, body)


def test_another_workspace_finds_nothing(house: House) -> None:
    async def body(served: Served) -> None:
        made = (await served.add()).json()
        path = f"/usage/webhooks/{made['endpoint_id']}"
        message_id = (await served.mine.post(f"{path}/test")).json()["message_id"]
        one = f"{path}/deliveries/{message_id}"
        requests = [
            served.theirs.get(path),
            served.theirs.patch(path, json={}),
            served.theirs.delete(path),
            served.theirs.post(f"{path}/rotate"),
            served.theirs.post(f"{path}/test"),
            served.theirs.post(f"{path}/redeliver"),
            served.theirs.get(f"{path}/deliveries"),
            served.theirs.get(one),
            served.theirs.post(f"{one}/redeliver"),
        ]
        for request in requests:
            assert (await request).status_code == 404
        assert (await served.theirs.get("/usage/webhooks")).json()["items"] == []

    _serve(house, body)


def test_a_create_under_an_idempotency_key_makes_one_endpoint(house: House) -> None:
    async def body(served: Served) -> None:
        headers = {"Idempotency-Key": "once"}
        url = house.receiver.url("/hook")
        first, again = [await served.mine.post("/usage/webhooks", json={"url": url}, headers=headers) for _ in range(2)]
        assert first.json() == again.json()
        assert len((await served.mine.get("/usage/webhooks")).json()["items"]) == 1

    _serve(house, body)
