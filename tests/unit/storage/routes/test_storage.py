"""``/storage``, behind the real gate: names, links, overwriting, and who sees what."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.file_names import BAD_NAMES, GOOD_NAMES
from tests.unit.storage.house import SID, House, Served, serve


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_name_is_kept_byte_for_byte(house: House, name: str) -> None:
    async def body(served: Served) -> None:
        path = f"/storage/uploads/{quote(name, safe='')}"
        sent = await served.upload(path, name.encode())
        assert (sent.status_code, sent.json()) == (200, {"success": True}), sent.text
        [listed] = (await served.mine.get("/storage/uploads")).json()["files"]
        assert (listed["name"], listed["size"]) == (name, len(name.encode()))
        told = await served.follow(path)
        assert told.content == name.encode()
        assert f"filename*=UTF-8''{quote(name, safe='')}" in told.headers["content-disposition"]

    serve(house, body)


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("folder", ["/storage/uploads", f"/storage/{SID}/downloads"])
def test_a_name_that_cannot_be_one_is_refused_and_nothing_is_kept(house: House, folder: str, name: str) -> None:
    async def body(served: Served) -> None:
        for method in ("POST", "GET"):
            options: dict[str, Any] = {"files": {"file": ("a.txt", b"x")}} if method == "POST" else {}
            refused = await served.mine.request(
                method, f"{folder}/{quote(name, safe='').replace('.', '%2E')}", **options
            )
            assert refused.status_code == 422, refused.text
            assert BAD_NAMES[name] in refused.json()["message"]
        assert house.on_disk() == []

    serve(house, body)


@pytest.mark.parametrize("folder", ["/storage/uploads", f"/storage/{SID}/downloads"])
def test_an_empty_name_a_nul_and_what_is_no_text_are_refused(house: House, folder: str) -> None:
    async def body(served: Served) -> None:
        for path, why in (("/", "not empty"), ("/%2F", "no /"), ("/a%00b", "NUL"), ("/a%FFb", "UTF-8")):
            refused = await served.upload(folder + path)
            assert (refused.status_code, why in refused.json()["message"]) == (422, True), refused.text
        assert house.on_disk() == []

    serve(house, body)


def test_uploading_a_name_again_replaces_it_and_its_bytes(house: House) -> None:
    async def body(served: Served) -> None:
        await served.upload("/storage/uploads/a.txt", b"old")
        house.clock.advance(5)
        await served.upload("/storage/uploads/a.txt", b"newer")
        [listed] = (await served.mine.get("/storage/uploads")).json()["files"]
        assert (listed["size"], listed["file_ext"]) == (5, ".txt")
        assert (await served.follow("/storage/uploads/a.txt")).content == b"newer"
        assert len(house.on_disk()) == 1

    serve(house, body)


def test_a_file_of_another_workspace_is_one_that_is_not_there(house: House) -> None:
    async def body(served: Served) -> None:
        await served.upload("/storage/uploads/a.txt")
        await served.upload(f"/storage/{SID}/downloads/a.txt")
        assert (await served.theirs.get("/storage/uploads")).json() == {"files": []}
        assert (await served.theirs.get(f"/storage/{SID}/downloads")).json() == {"files": []}
        for path in ("/storage/uploads/a.txt", f"/storage/{SID}/downloads/a.txt", "/storage/uploads/b.txt"):
            assert (await served.theirs.get(path)).status_code == 404

    serve(house, body)


def test_downloads_are_of_a_session_that_is_there(house: House) -> None:
    async def body(served: Served) -> None:
        assert (await served.mine.get("/storage/nowhere/downloads")).status_code == 404
        assert (await served.mine.get("/storage/nowhere/downloads/a.txt")).status_code == 404
        assert (await served.upload("/storage/nowhere/downloads/a.txt")).status_code == 404
        assert house.on_disk() == []

    serve(house, body)


def test_a_link_is_absolute_and_ends_after_fifteen_minutes(house: House) -> None:
    async def body(served: Served) -> None:
        await served.upload(f"/storage/{SID}/downloads/report.html", b"<script>alert(1)</script>")
        reply = await served.mine.get(f"/storage/{SID}/downloads/report.html")
        url = reply.json()["url"]
        assert url.startswith("http://noctule/files/")
        assert url.endswith("/report.html")
        opened = await served.mine.get(url, headers={"authorization": ""})
        assert opened.headers["content-type"] == "text/html"
        assert opened.headers["content-disposition"].startswith("attachment")
        assert opened.headers["content-security-policy"].startswith("sandbox;")
        house.clock.advance(15 * 60)
        assert (await served.mine.get(url, headers={"authorization": ""})).status_code == 404

    serve(house, body)


def test_a_retry_under_one_idempotency_key_keeps_one_file(house: House) -> None:
    async def body(served: Served) -> None:
        key = {"idempotency-key": "k-1"}
        first = await served.upload("/storage/uploads/a.txt", b"once", headers=key)
        again = await served.upload("/storage/uploads/a.txt", b"once", headers=key)
        assert (first.status_code, again.status_code, again.json()) == (200, 200, {"success": True})
        other = await served.upload("/storage/uploads/b.txt", b"once", headers=key)
        longer = await served.upload("/storage/uploads/a.txt", b"longer", headers=key)
        assert (other.status_code, longer.status_code) == (409, 409)
        assert len(house.on_disk()) == 1

    serve(house, body)
