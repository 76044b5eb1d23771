"""Files by name and by id, and what a session finds."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from noctule.browser.commands import File
from noctule.db.engine import Database
from noctule.kit.errors import InvalidRequest, NotFound
from noctule.page.service import Files
from noctule.storage.domain import FileSource, listed_name, name_problem
from noctule.storage.service.service import FOR_EVER
from tests.support.files import FakeFiles
from tests.unit.storage.house import HOME, OTHER, SID, SID_TOO, House, given, pieces


@pytest.mark.parametrize("is_fake", [True, False])
def test_whoever_keeps_files_finds_what_was_given_and_names_what_was_brought(house: House, is_fake: bool) -> None:
    async def body() -> None:
        fake = FakeFiles(File("a.txt", b"hello"))
        files: Files = fake if is_fake else house.storage
        await house.storage.upload(HOME, None, given("a.txt", b"hello"))
        assert await files.fetch(HOME, SID, "a.txt") == File("a.txt", b"hello")
        with pytest.raises(NotFound, match=r"'b\.txt'"):
            await files.fetch(HOME, SID, "b.txt")
        names = [await files.keep(HOME, SID, File("r.csv", content)) for content in (b"1", b"2", b"")]
        assert len(set(names)) == 3
        assert all(name.endswith("r.csv") for name in names)

    asyncio.run(body())


def test_a_session_finds_its_own_file_before_its_workspaces_and_both_before_a_download(house: House) -> None:
    async def body() -> None:
        storage = house.storage
        listed = await storage.keep(HOME, SID, File("a.txt", b"download"))
        assert (await storage.fetch(HOME, SID, "a.txt")).content == b"download"
        assert (await storage.fetch(HOME, SID, listed)).content == b"download"
        await storage.upload(HOME, None, given("a.txt", b"workspace"))
        assert (await storage.fetch(HOME, SID, "a.txt")).content == b"workspace"
        own = await storage.upload(HOME, SID, given("a.txt", b"session"))
        assert (await storage.fetch(HOME, SID, "a.txt")).content == b"session"
        assert (await storage.fetch(HOME, SID_TOO, "a.txt")).content == b"workspace"
        assert (await storage.fetch(HOME, SID, own.id)).content == b"session"
        for workspace_id, session_id in ((HOME, SID_TOO), (OTHER, SID)):
            with pytest.raises(NotFound):
                await storage.fetch(workspace_id, session_id, own.id)

    asyncio.run(body())


def test_downloads_of_one_second_and_one_name_are_listed_apart_with_the_time_in_front(house: House) -> None:
    async def body() -> None:
        names = [await house.storage.keep(HOME, SID, File("a.txt", bytes([number]))) for number in range(3)]
        time = house.clock.now().strftime("%Y_%m_%d_%H_%M_%S")
        assert names == [f"{time}-a.txt", f"{time}_2-a.txt", f"{time}_3-a.txt"]
        files = await house.storage.downloads(HOME, SID)
        assert {(file.name, file.filename) for file in files} == {(name, "a.txt") for name in names}
        house.clock.advance(1)
        newest = await house.storage.keep(HOME, SID, File("a.txt", b"newest"))
        assert (await house.storage.fetch(HOME, SID, "a.txt")).content == b"newest"
        assert newest not in names

    asyncio.run(body())


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.txt", "a.txt"),
        ("", "download"),
        ("..", "download"),
        ("a\x00b\nc.txt", "a_b_c.txt"),
        ("x\ud800.txt", "x_.txt"),
        ("日" * 200 + ".pdf", "日" * 83 + ".pdf"),
        ("naïve 😀.pdf", "naïve 😀.pdf"),
    ],
)
def test_any_name_that_a_page_gives_is_made_one_that_can_be_kept(house: House, name: str, kept: str) -> None:
    async def body() -> None:
        listed = await house.storage.keep_stream(HOME, SID, name, "text/x-odd", pieces(b"content"))
        assert listed == listed_name(kept, house.clock.now(), 1)
        assert name_problem(listed) is None
        [file] = await house.storage.downloads(HOME, SID)
        assert (file.filename, await house.content(file)) == (kept, b"content")

    asyncio.run(body())


def test_what_a_file_is_served_as_goes_by_its_name_and_then_by_what_was_said(house: House) -> None:
    async def body() -> None:
        for name, said, served in (
            ("a.pdf", "text/html", "application/pdf"),
            ("a", "image/PNG; x=1", "image/png"),
            ("b", "no type\r\nx: y", "application/octet-stream"),
            ("c", None, "application/octet-stream"),
            ("d.tar.gz", "application/gzip", "application/gzip"),
        ):
            kept = await house.storage.upload(HOME, SID, given(name, b"x", said))
            assert kept.mime_type == served

    asyncio.run(body())


def test_a_page_of_files_says_how_many_there_are(house: House) -> None:
    async def body() -> None:
        storage = house.storage
        for number in range(5):
            await storage.upload(HOME, SID, given(f"{number}.txt"))
            house.clock.advance(1)
        await storage.keep(HOME, SID, File("d.txt", b"x"))
        await storage.upload(HOME, None, given("of the workspace.txt"))
        await storage.upload(HOME, SID_TOO, given("of another.txt"))
        page = await storage.page(HOME, SID, None, limit=2, offset=4)
        assert ([file.filename for file in page.files], page.total) == (["4.txt", "d.txt"], 6)
        uploads = await storage.page(HOME, SID, FileSource.USER_UPLOAD, limit=100, offset=0)
        assert ([file.filename for file in uploads.files], uploads.total) == ([f"{n}.txt" for n in range(5)], 5)
        assert (await storage.page(HOME, SID, None, limit=5, offset=99)).files == []
        with pytest.raises(NotFound):
            await storage.page(OTHER, SID, None, limit=5, offset=0)

    asyncio.run(body())


def test_what_is_deleted_is_gone_with_its_bytes(house: House) -> None:
    async def body() -> None:
        kept = await house.storage.upload(HOME, SID, given("a.txt"))
        for workspace_id, session_id in ((OTHER, SID), (HOME, SID_TOO)):
            with pytest.raises(NotFound):
                await house.storage.delete(workspace_id, session_id, kept.id)
        await house.storage.delete(HOME, SID, kept.id)
        assert house.on_disk() == []
        for work in (house.storage.open, house.storage.delete):
            with pytest.raises(NotFound):
                await work(HOME, SID, kept.id)

    asyncio.run(body())


def test_a_name_that_cannot_be_one_is_refused_before_anything_is_read(house: House) -> None:
    async def body() -> None:
        for name in ("", "..", "a/b", "a\\b", "a\x00", "x" * 256, "\ud800"):
            with pytest.raises(InvalidRequest):
                await house.storage.upload(HOME, None, given(name))
        assert house.on_disk() == []

    asyncio.run(body())


def test_a_file_is_not_found_any_more_once_it_expired(database: Database, tmp_path: Path) -> None:
    house = House(database, tmp_path / "objects", retention=timedelta(days=2))

    async def body() -> None:
        kept = await house.storage.upload(HOME, SID, given("a.txt"))
        assert house.storage.expires_at(kept) == kept.created_at + timedelta(days=2)
        house.clock.advance(2 * 86_400 - 1)
        await house.storage.open(HOME, SID, kept.id)
        house.clock.advance(1)
        with pytest.raises(NotFound):
            await house.storage.open(HOME, SID, kept.id)
        with pytest.raises(NotFound):
            await house.storage.fetch(HOME, SID, "a.txt")
        assert (await house.storage.page(HOME, SID, None, limit=5, offset=0)).total == 0
        assert len(house.on_disk()) == 1
        await house.storage.sweeper.sweep()
        assert house.on_disk() == []
        await house.storage.sweeper.close()

    asyncio.run(body())


def test_without_retention_a_file_expires_with_the_calendar(house: House) -> None:
    kept = asyncio.run(house.storage.upload(HOME, SID, given("a.txt")))
    assert house.storage.expires_at(kept) == FOR_EVER
