"""``GET /usage/breakdown`` behind the real gate."""

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from noctule.db.engine import Database
from noctule.metering.service import LeaseOpening, ModelCall
from tests.unit.usage.served import Served, serve


async def use(served: Served, session_id: str, key_id: str | None, *tags: str, seconds: int = 61) -> None:
    """A session of two minutes with a model call of some dollars."""
    opening = LeaseOpening(session_id, served.workspace_id, key_id, session_id=session_id, tags=tags)
    await served.database.write(lambda link: served.metering.open_lease(link, opening))
    served.metering.begin(session_id)
    served.clock.advance(seconds)
    await served.database.write(lambda link: served.metering.close_lease(link, session_id, proxied_bytes=7))
    served.metering.forget(session_id)


def exact(reply: httpx.Response) -> dict[str, Any]:
    """A reply with its amounts as the decimals that they are written as."""
    assert reply.status_code == 200, reply.text
    read: dict[str, Any] = json.loads(reply.content, parse_float=Decimal)
    return read


def test_rows_name_their_keys_and_add_up_to_what_usage_says(database: Database) -> None:
    async def body(served: Served) -> None:
        await use(served, "s1", "no-such-key", "red", seconds=200)
        await use(served, "s2", None)
        total = exact(await served.client.get("/usage"))["total_cost"]
        for by in ("session", "agent", "function", "model", "key", "day"):
            reply = exact(await served.client.get("/usage/breakdown", params={"by": by, "period": "march 2026"}))
            assert (reply["period"], reply["by"], reply["overlaps"]) == ("March 2026", by, False)
            assert sum(row["total_cost"] for row in reply["items"]) == reply["total_cost"] == total
        (first, second) = exact(await served.client.get("/usage/breakdown"))["items"]
        assert (first["key"], first["browser_minutes"], second["key"]) == ("s1", 4, "s2")
        by_key = exact(await served.client.get("/usage/breakdown?by=key"))["items"]
        assert [(row["key"], row["label"], row["unattributed"]) for row in by_key] == [
            ("no-such-key", None, False),
            (None, None, True),
        ]

    serve(database, body)


def test_a_row_of_a_key_bears_the_keys_name(sqlite: Database) -> None:
    async def body(served: Served) -> None:
        key_id = served.key_ids["one"]
        await use(served, "s1", key_id)
        (row,) = exact(await served.client.get("/usage/breakdown?by=key"))["items"]
        assert (row["key"], row["label"]) == (key_id, "one")

    serve(sqlite, body)


def test_a_call_with_several_tags_is_in_each_row_and_once_in_the_total(database: Database) -> None:
    async def body(served: Served) -> None:
        call = ModelCall(
            "c", served.workspace_id, "m", (("input", 3),), 5, "p", served.clock.now(), tags=("red", "blue")
        )
        await served.database.write(lambda link: served.metering.charge_model_call(link, call))
        reply = exact(await served.client.get("/usage/breakdown?by=tag"))
        assert [row["key"] for row in reply["items"]] == ["blue", "red"]
        assert (reply["overlaps"], reply["total_cost"]) == (True, Decimal("5E-9"))
        filtered = exact(await served.client.get("/usage/breakdown?by=model&tag=red&meter=llm"))
        assert [(row["key"], row["llm_tokens"]) for row in filtered["items"]] == [("m", 3)]

    serve(database, body)


def test_pages_can_be_turned_and_others_see_nothing(database: Database) -> None:
    async def body(served: Served) -> None:
        for number in range(3):
            await use(served, f"s{number}", None)
        page = exact(await served.client.get("/usage/breakdown?page=2&page_size=2"))
        assert ([row["key"] for row in page["items"]], page["has_next"], page["has_previous"]) == (["s2"], False, True)
        foreign = exact(await served.stranger.get("/usage/breakdown?session=s1"))
        assert (foreign["items"], foreign["total_cost"]) == ([], 0)
        empty = exact(await served.client.get("/usage/breakdown?period=may+2019"))
        assert (empty["items"], empty["total_cost"], empty["has_next"]) == ([], 0, False)

    serve(database, body)


@pytest.mark.parametrize(
    ("query", "place", "words"),
    [
        ("by=colour", "by", "'session', 'agent', 'function', 'model', 'key', 'day' or 'tag'"),
        ("period=13/2025", "period", "'May 2025'"),
        ("meter=water", "meter", "'browser'"),
        ("page_size=1001", "page_size", "1000"),
        ("page=0", "page", "1"),
    ],
)
def test_what_cannot_be_understood_is_a_422_that_says_what_can(
    sqlite: Database, query: str, place: str, words: str
) -> None:
    async def body(served: Served) -> None:
        reply = await served.client.get(f"/usage/breakdown?{query}")
        assert reply.status_code == 422
        (detail,) = reply.json()["detail"]
        assert detail["loc"] == ["query", place]
        assert words in detail["msg"]

    serve(sqlite, body)
