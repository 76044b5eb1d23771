"""What a browser brings is kept for its session's workspace, or told about once."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from noctule.browser.commands import BrowserDownload
from noctule.db.engine import Database
from noctule.kit.errors import NotFound
from noctule.storage.service import Given
from noctule.storage.service.downloads import BrowserDownloads
from tests.unit.storage.house import HOME, SID, House


class _Owners:
    async def workspace_of(self, session_id: str) -> str:
        if session_id != SID:
            raise NotFound("There is no such session.")
        return HOME


def _download(session_id: str, content: bytes) -> BrowserDownload:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    return BrowserDownload(session_id, "report.csv", "text/csv", len(content), "http://site.test/file", chunks)


def test_a_download_is_listed_among_those_of_its_session(database: Database, tmp_path: Path) -> None:
    async def main() -> None:
        house = House(database, tmp_path / "objects")
        name = await BrowserDownloads(_Owners(), house.storage).keep(_download(SID, b"month"))
        (kept,) = await house.storage.downloads(HOME, SID)
        assert name == kept.name
        assert kept.name.endswith("-report.csv")
        assert await house.content(kept) == b"month"

    asyncio.run(main())


@pytest.mark.parametrize("gets_its_turn", [True, False])
def test_a_download_waits_for_its_turn_for_a_while(database: Database, tmp_path: Path, gets_its_turn: bool) -> None:
    async def main() -> None:
        house = House(database, tmp_path / "objects")
        may_end = asyncio.Event()

        async def waiting() -> AsyncIterator[bytes]:
            await may_end.wait()
            yield b"x"

        uploads = [
            asyncio.create_task(house.storage.upload(HOME, None, Given(f"{number}", None, waiting())))
            for number in range(32)
        ]
        await asyncio.sleep(0)
        browsers = BrowserDownloads(_Owners(), house.storage, turn_within_seconds=60 if gets_its_turn else 0)
        keeping = asyncio.create_task(browsers.keep(_download(SID, b"month")))
        if gets_its_turn:
            await asyncio.sleep(0.05)
            may_end.set()
            assert await keeping is not None
        else:
            assert await keeping is None
            may_end.set()
        await asyncio.gather(*uploads)

    asyncio.run(main())


def test_what_cannot_be_kept_is_told_once_and_not_by_its_name(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        house = House(database, tmp_path / "objects", quota_bytes=3)
        keeping = BrowserDownloads(_Owners(), house.storage)
        for _ in range(3):
            assert await keeping.keep(_download(SID, b"month")) is None
        assert await keeping.keep(_download("gone", b"month")) is None
        assert house.on_disk() == []

    with caplog.at_level(logging.WARNING):
        asyncio.run(main())
    told = [record.getMessage() for record in caplog.records if "was not kept" in record.getMessage()]
    assert len(told) == 2
    assert "report" not in "".join(told)
