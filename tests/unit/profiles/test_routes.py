"""The profiles tag behind the real gate, on both databases."""

from typing import Any

import pytest

from noctule.kit.errors import Conflict
from noctule.profiles import domain
from tests.unit.profiles.conftest import House, Served, cookie, serve

UNKNOWN = "notte-profile-0123456789abcdef"
COOKIE = {"name": "sid", "value": "hidden-thing", "domain": "shop.example", "path": "/", "httpOnly": True}


def test_a_profile_from_its_making_to_its_end(house: House) -> None:
    async def body(served: Served) -> None:
        made = await served.create("mine")
        assert made == {
            "profile_id": made["profile_id"],
            "name": "mine",
            "created_at": made["created_at"],
            "updated_at": made["created_at"],
            "persisted_domains": [],
            "save_error": None,
        }
        path = f"/profiles/{made['profile_id']}"
        assert (await served.mine.get(path)).json() == made
        assert (await served.mine.get("/profiles")).json()["items"] == [made]
        deleted = await served.mine.delete(path)
        assert deleted.status_code == 200
        assert deleted.json()["success"] is True
        assert (await served.mine.get("/profiles")).json()["items"] == []
        gone = await served.mine.get(path)
        assert (gone.status_code, gone.json()["status"]) == (400, 400)
        assert (await served.mine.delete(path)).status_code == 400

    serve(house, body)


def test_what_is_not_there_is_404_for_every_operation_and_so_is_what_is_somebody_elses(house: House) -> None:
    async def body(served: Served) -> None:
        mine = (await served.create())["profile_id"]
        for client, profile_id in ((served.mine, UNKNOWN), (served.mine, "nothing"), (served.theirs, mine)):
            path = f"/profiles/{profile_id}"
            for reply in (
                await client.get(path),
                await client.delete(path),
                await client.get(f"{path}/cookies"),
                await client.post(f"{path}/cookies", json={"cookies": [COOKIE]}),
                await client.post(f"{path}/duplicate", json={}),
                await client.post(f"{path}/state", json={"cookies": []}),
            ):
                assert (reply.status_code, reply.json()["status"]) == (404, 404)
        assert (await served.theirs.get("/profiles")).json()["items"] == []

    serve(house, body)


def test_the_list_is_paged_newest_first_and_by_name(house: House) -> None:
    async def body(served: Served) -> None:
        made = []
        for name in ("a", "b", "a", None):
            house.clock.advance(1)
            made.append((await served.create(name))["profile_id"])
        first = (await served.mine.get("/profiles/", params={"page_size": 3})).json()
        assert [each["profile_id"] for each in first["items"]] == made[:0:-1]
        assert (first["has_next"], first["has_previous"]) == (True, False)
        named = (await served.mine.get("/profiles", params={"name": "a"})).json()
        assert [each["profile_id"] for each in named["items"]] == [made[2], made[0]]
        await served.mine.delete(f"/profiles/{made[0]}")
        every = (await served.mine.get("/profiles", params={"only_active": "False"})).json()
        assert len(every["items"]) == 4

    serve(house, body)


def test_cookies_are_taken_as_browsers_and_extensions_export_them(house: House) -> None:
    async def body(served: Served) -> None:
        path = f"/profiles/{(await served.create())['profile_id']}"
        chrome = {**COOKIE, "hostOnly": False, "sameSite": "no_restriction", "secure": True, "expirationDate": 4e9}
        taken = await served.mine.post(f"{path}/cookies", json={"cookies": [chrome], "source_format": "chrome"})
        assert taken.json() == {
            "success": True,
            "message": "Imported 1 cookies.",
            "cookies_count": 1,
            "mode": "replace",
        }
        added = {**COOKIE, "name": "other", "expires": -1}
        await served.mine.post(f"{path}/cookies", json={"cookies": [added], "mode": "append"})
        held = (await served.mine.get(f"{path}/cookies")).json()["cookies"]
        assert [(each["name"], each["domain"], each["sameSite"], each["expires"]) for each in held] == [
            ("sid", ".shop.example", "None", 4e9),
            ("other", "shop.example", None, None),
        ]
        assert (await served.mine.get(path)).json()["persisted_domains"] == ["shop.example"]

    serve(house, body)


@pytest.mark.parametrize(
    ("where", "given"),
    [
        ("create", {"name": ""}),
        ("create", {"name": "x" * 201}),
        ("create", {"name": "a\nb"}),
        ("create", {"nam": "typo"}),
        ("cookies", {"cookies": []}),
        ("cookies", {"cookies": [COOKIE], "mode": "merge"}),
        ("cookies", {"cookies": [{**COOKIE, "path": "x"}]}),
        ("state", {"local_storage": {"example.com": {"a": "b"}}}),
        ("state", {"local_storage": {"https://example.com": {"a": 1}}}),
        ("state", {"domains": []}),
        ("state", {"domains": ["https://example.com"]}),
        ("state", {"storage_scope": "all"}),
        ("state", {"origins": [{"origin": "null", "localStorage": []}]}),
    ],
)
def test_bad_input_is_422_and_changes_nothing(where: str, given: dict[str, Any], house: House) -> None:
    async def body(served: Served) -> None:
        profile_id = (await served.create())["profile_id"]
        path = "/profiles/create" if where == "create" else f"/profiles/{profile_id}/{where}"
        assert (await served.mine.post(path, json=given)).status_code == 422
        [left] = (await served.mine.get("/profiles")).json()["items"]
        assert (left["profile_id"], left["persisted_domains"]) == (profile_id, [])

    serve(house, body)


def test_a_profile_that_a_session_will_save_is_neither_changed_nor_deleted(house: House) -> None:
    async def body(served: Served) -> None:
        profile_id = (await served.create())["profile_id"]
        await house.take(await house.profiles.get(served.my_id, profile_id))
        path = f"/profiles/{profile_id}"
        for reply in (
            await served.mine.delete(path),
            await served.mine.post(f"{path}/cookies", json={"cookies": [COOKIE]}),
            await served.mine.post(f"{path}/state", json={"cookies": []}),
        ):
            assert reply.status_code == 409
            assert "session-1" in reply.json()["message"]
        # Looking at it, and copying it, is not changing it.
        assert (await served.mine.get(f"{path}/cookies")).status_code == 200
        assert (await served.mine.post(f"{path}/duplicate", json={})).status_code == 200

    serve(house, body)


def test_a_copy_has_all_of_it_and_its_own_end(house: House) -> None:
    async def body(served: Served) -> None:
        source = await house.save(await house.create("original", served.my_id), cookie("a"))
        copy = (await served.mine.post(f"/profiles/{source.id}/duplicate", json={})).json()
        assert (copy["name"], copy["persisted_domains"]) == ("original", list(source.domains))
        assert (await served.mine.delete(f"/profiles/{source.id}")).status_code == 200
        copied = await house.profiles.get(served.my_id, copy["profile_id"])
        assert await house.files(copied) == b"hidden-files"
        assert await house.profiles.cookies(served.my_id, copied.id) == (cookie("a"),)
        assert set(await house.all_objects()) == set(copied.objects)

    serve(house, body)


def test_deleting_deletes_what_it_held(house: House) -> None:
    async def body(served: Served) -> None:
        profile = await house.save(await house.create(workspace_id=served.my_id), cookie("a"))
        assert len(await house.all_objects()) == 2
        await served.mine.delete(f"/profiles/{profile.id}")
        assert await house.all_objects() == {}

    serve(house, body)


def test_a_workspace_has_so_many_profiles(house: House) -> None:
    async def body(served: Served) -> None:
        for _ in range(domain.MOST_PROFILES):
            await house.create(workspace_id=served.my_id)
        refused = await served.mine.post("/profiles/create", json={})
        assert refused.status_code == 409
        assert "1000" in refused.json()["message"]
        with pytest.raises(Conflict):
            await house.create(workspace_id=served.my_id)
        one = (await served.mine.get("/profiles")).json()["items"][0]["profile_id"]
        assert (await served.mine.post(f"/profiles/{one}/duplicate", json={})).status_code == 409
        await house.create()

    serve(house, body)


def test_a_repeated_create_makes_one_profile(house: House) -> None:
    async def body(served: Served) -> None:
        headers = {"Idempotency-Key": "once"}
        replies = [await served.mine.post("/profiles/create", json={}, headers=headers) for _ in range(2)]
        assert replies[0].json() == replies[1].json()
        assert len((await served.mine.get("/profiles")).json()["items"]) == 1

    serve(house, body)
