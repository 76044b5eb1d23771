"""The secrets tag behind the real gate, on both databases."""

import logging
from typing import Any

import pytest

from noctule.secrets.domain import LARGEST_VALUE_BYTES, MOST_SECRETS
from tests.unit.secrets.conftest import House, Served, serve

VALUE = "postgres://me:hidden-thing@db/a-long-one"


def test_a_secret_from_its_storing_to_its_end(house: House) -> None:
    async def body(served: Served) -> None:
        made = await served.store("DATABASE_URL", VALUE)
        assert made == {
            "id": made["id"],
            "namespace": "function_env",
            "name": "DATABASE_URL",
            "key_hint": "****-one",
            "created_at": made["created_at"],
            "last_used_at": None,
        }
        assert (await served.mine.get("/secrets")).json() == {"items": [made]}
        told = await served.read("DATABASE_URL")
        assert (told.status_code, told.json()) == (200, {"value": VALUE})
        assert told.headers["cache-control"] == "no-store"
        [used] = (await served.mine.get("/secrets")).json()["items"]
        assert used == {**made, "last_used_at": used["last_used_at"]}
        assert used["last_used_at"] is not None
        gone = await served.mine.delete(f"/secrets/{made['id']}")
        assert (gone.status_code, gone.content) == (204, b"")
        assert (await served.read("DATABASE_URL")).status_code == 404
        assert (await served.mine.delete(f"/secrets/{made['id']}")).status_code == 404

    serve(house, body)


def test_a_name_stored_again_has_its_new_value_under_its_old_id(house: House) -> None:
    async def body(served: Served) -> None:
        made = await served.store("A", VALUE)
        again = await served.store("A", "short")
        assert again == {**made, "key_hint": "****"}
        assert (await served.read("A")).json() == {"value": "short"}
        assert len((await served.mine.get("/secrets")).json()["items"]) == 1

    serve(house, body)


def test_a_list_is_of_one_namespace_or_of_all(house: House) -> None:
    async def body(served: Served) -> None:
        await served.store("A", "a")
        await served.store("openai", "b", "llm_provider")
        for asked, names in (
            ({"namespace": "function_env"}, ["A"]),
            ({"namespace": "llm_provider"}, ["openai"]),
            ({}, ["A", "openai"]),
        ):
            listed = await served.mine.get("/secrets", params=asked)
            assert [item["name"] for item in listed.json()["items"]] == names

    serve(house, body)


def test_paths_mean_the_same_with_a_slash_at_their_end(house: House) -> None:
    async def body(served: Served) -> None:
        fields = {"name": "A", "value": "a", "namespace": "function_env"}
        made = await served.mine.post("/secrets/", json=fields)
        assert made.status_code == 201
        assert (await served.mine.get("/secrets/")).json() == {"items": [made.json()]}
        told = await served.mine.get("/secrets/A/", params={"namespace": "function_env"})
        assert told.json() == {"value": "a"}
        assert (await served.mine.delete(f"/secrets/{made.json()['id']}/")).status_code == 204

    serve(house, body)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": "A-B"}, "environment variable"),
        ({"name": ""}, "at least 1 character"),
        ({"name": "hidden-thing" * 20}, "at most 128 characters"),
        ({"name": "sk-hidden-thing-0123456789-0123456789", "namespace": "llm_provider"}, "a provider's"),
        ({"name": 7}, "valid string"),
        ({"value": ""}, "at least 1 character"),
        ({"value": ["hidden-thing"]}, "valid string"),
        ({"value": "hidden-thing" + "x" * LARGEST_VALUE_BYTES}, "1 to 16384 bytes"),
        ({"value": "hidden-thing\n", "namespace": "llm_provider"}, "printable ASCII"),
        ({"value": "hidden-thing\x00"}, "NUL"),
        ({"namespace": "hidden-thing"}, "'llm_provider' or 'function_env'"),
        ({"namespace": None, "other": "hidden-thing"}, "namespace"),
    ],
)
def test_a_bad_secret_is_422_says_why_and_changes_nothing(house: House, fields: dict[str, Any], reason: str) -> None:
    async def body(served: Served) -> None:
        made = await served.store("A", "before")
        wish = {"name": "A", "value": "after", "namespace": "function_env", **fields}
        refused = await served.mine.post("/secrets", json=wish)
        assert refused.status_code == 422
        assert reason in refused.json()["message"]
        assert "hidden-thing" not in refused.text
        assert (await served.mine.get("/secrets")).json() == {"items": [made]}
        assert (await served.read("A")).json() == {"value": "before"}

    serve(house, body)


@pytest.mark.parametrize(
    "content", [b'"hidden-thing"', b'["hidden-thing"]', b'{"value": "hidden-thing"', b"hidden-thing"]
)
def test_a_body_that_is_no_secret_at_all_is_422_and_not_repeated(house: House, content: bytes) -> None:
    async def body(served: Served) -> None:
        for kind in ("application/json", "text/plain"):
            refused = await served.mine.post("/secrets", content=content, headers={"Content-Type": kind})
            assert refused.status_code == 422
            assert "hidden-thing" not in refused.text

    serve(house, body)


def test_a_namespace_that_is_none_is_422(house: House) -> None:
    async def body(served: Served) -> None:
        await served.store("A", "a")
        for path in ("/secrets?namespace=mine", "/secrets/A?namespace=mine", "/secrets/A"):
            refused = await served.mine.get(path)
            assert refused.status_code == 422
            assert "namespace" in refused.json()["message"]

    serve(house, body)


def test_one_secret_too_many_is_409(house: House) -> None:
    async def body(served: Served) -> None:
        for i in range(MOST_SECRETS):
            await served.store(f"A{i}", "a")
        wish = {"name": "ONE_MORE", "value": "hidden-thing", "namespace": "llm_provider"}
        refused = await served.mine.post("/secrets", json=wish)
        assert refused.status_code == 409
        assert "at most 100 secrets" in refused.json()["message"]
        assert "hidden-thing" not in refused.text

    serve(house, body)


def test_another_workspace_finds_nothing(house: House) -> None:
    async def body(served: Served) -> None:
        made = await served.store("A", VALUE)
        theirs = served.theirs
        assert (await theirs.get("/secrets")).json() == {"items": []}
        assert (await theirs.get("/secrets/A", params={"namespace": "function_env"})).status_code == 404
        assert (await theirs.delete(f"/secrets/{made['id']}")).status_code == 404
        wish = {"name": "A", "value": "theirs", "namespace": "function_env"}
        assert (await theirs.post("/secrets", json=wish)).json()["id"] != made["id"]
        assert (await served.read("A")).json() == {"value": VALUE}

    serve(house, body)


def test_a_store_under_an_idempotency_key_happens_once(house: House) -> None:
    async def body(served: Served) -> None:
        wish = {"name": "A", "value": VALUE, "namespace": "function_env"}
        headers = {"Idempotency-Key": "once"}
        first = await served.mine.post("/secrets", json=wish, headers=headers)
        await served.store("A", "later")
        again = await served.mine.post("/secrets", json=wish, headers=headers)
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotent-replayed"] == "true"
        assert (await served.read("A")).json() == {"value": "later"}
        other = await served.mine.post("/secrets", json={**wish, "value": "other"}, headers=headers)
        assert other.status_code == 409

    serve(house, body)


def test_no_value_is_written_in_the_clear_anywhere(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async def body(served: Served) -> None:
        for i, value in enumerate((VALUE, "hidden-thing")):
            wish = {"name": "A", "value": value, "namespace": "function_env"}
            headers = {"Idempotency-Key": f"key-{i}"}
            assert (await served.mine.post("/secrets", json=wish, headers=headers)).status_code == 201
            assert "hidden-thing" in (await served.read("A")).text
        await served.mine.post("/secrets", json={"name": "hidden-thing", "value": "b", "namespace": "function_env"})
        await served.log.close()
        written = house.everything_written()
        assert b"/secrets/A" in written
        assert b"hidden-thing" not in written

    with caplog.at_level(logging.DEBUG):
        serve(house, body)
    assert "hidden-thing" not in caplog.text
