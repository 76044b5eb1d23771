"""Downloads are somebody's once, bounded, and leave nothing in the folder."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from noctule.browser.driver.downloads import Download, Downloads, Limits
from noctule.browser.driver.files import OpenFile

_GUID = "00000000-0000-0000-0000-00000000000"
_URL = "https://x.example/file"


class _Browser:
    """What a browser is told."""

    def __init__(self) -> None:
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.told: list[tuple[str, dict[str, Any]]] = []

    def post(self, method: str, params: dict[str, Any] | None = None) -> None:
        self.told.append((method, params or {}))

    @property
    def cancelled(self) -> list[str]:
        return [params["guid"] for method, params in self.told if method == "Browser.cancelDownload"]


class _House:
    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder = folder
        self.browser = _Browser()
        self.downloads = Downloads(self.browser)
        self.downloads.limits = limits
        self.downloads.folder = folder
        self.downloads.deliver = self._deliver
        self.delivered: list[bytes] = []

    async def _deliver(self, download: Download, file: OpenFile) -> str | None:
        self.delivered.append(file.read())
        return download.name

    def begin(self, number: int, **more: Any) -> str:
        guid = f"{_GUID}{number}"
        begun = {"guid": guid, "url": _URL, "suggestedFilename": "a.txt", "frameId": "F"} | more
        self.downloads.on_event("Browser.downloadWillBegin", begun)
        (self.folder / f"{guid}.crdownload").write_bytes(b"part")
        return guid

    def progress(self, guid: str, **more: Any) -> None:
        self.downloads.on_event("Browser.downloadProgress", {"guid": guid, "state": "inProgress"} | more)

    def complete(self, guid: str, content: bytes = b"content") -> None:
        (self.folder / f"{guid}.crdownload").unlink()
        (self.folder / guid).write_bytes(content)
        self.progress(guid, state="completed", receivedBytes=len(content))

    def left(self) -> list[str]:
        return os.listdir(self.folder)


Play = Callable[[_House], Awaitable[None]]


def _played(folder: Path, play: Play, limits: Limits | None = None) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            house = _House(folder, limits or Limits())
            try:
                await play(house)
            finally:
                house.downloads.close()

    asyncio.run(bounded())


def test_a_browser_is_told_where_downloads_go(tmp_path: Path) -> None:
    async def play(house: _House) -> None:
        house.downloads.start()
        house.downloads.follow_context("C")
        house.downloads.follow_context("C")
        behavior = {"behavior": "allowAndName", "eventsEnabled": True, "downloadPath": str(tmp_path)}
        expected = [behavior, behavior | {"browserContextId": "C"}]
        assert house.browser.told == [("Browser.setDownloadBehavior", params) for params in expected]

    _played(tmp_path, play)


def test_a_context_whose_client_wants_no_downloads_is_left_alone(tmp_path: Path) -> None:
    async def play(house: _House) -> None:
        house.downloads.deny("C")
        house.downloads.follow_context("C")
        assert house.browser.told == []

    _played(tmp_path, play)


def test_contexts_are_followed_however_many_there_were_before(tmp_path: Path) -> None:
    async def play(house: _House) -> None:
        contexts = [f"C{number}" for number in range(200)]
        for context_id in contexts:
            house.downloads.follow_context(context_id)
        assert [params["browserContextId"] for _, params in house.browser.told] == contexts

    _played(tmp_path, play)


def test_one_download_is_the_claims_and_the_others_are_delivered(tmp_path: Path) -> None:
    async def play(house: _House) -> None:
        with house.downloads.claim() as claim:
            early, wanted, late = house.begin(1), house.begin(2, url=f"{_URL}?wanted"), house.begin(3)
            house.complete(early, b"early")
            assert house.delivered == []
            found = claim.find(f"{_URL}?wanted")
            assert found is not None
            assert found.guid == wanted
            house.downloads.take(claim, found)
            house.complete(late, b"late")
            house.complete(wanted, b"wanted")
            house.complete(house.begin(4), b"later still")
            assert found.ended.is_set()
            assert house.downloads.read(found) == b"wanted"
        await house.downloads.drain(5)
        assert house.delivered == [b"early", b"late", b"later still"]
        assert house.left() == []
        assert house.downloads.brought_by("F", _URL) is not None

    _played(tmp_path, play)


def test_a_claim_that_ends_early_cancels_what_it_had(tmp_path: Path) -> None:
    async def play(house: _House) -> None:
        with house.downloads.claim() as claim:
            guid = house.begin(1)
            house.downloads.take(claim, claim.downloads[0])
        assert house.browser.cancelled == [guid]
        assert house.left() == []
        assert house.downloads.brought_by("F", _URL) is None

    _played(tmp_path, play)


def test_a_claim_that_takes_nothing_loses_nothing(tmp_path: Path) -> None:
    async def play(house: _House) -> None:
        with house.downloads.claim() as claim:
            first, second = house.begin(1), house.begin(2)
            house.complete(first, b"first")
            assert claim.find("https://x.example/another") is None
            assert claim.find("") is claim.downloads[0]
        house.complete(second, b"second")
        await house.downloads.drain(5)
        assert house.delivered == [b"first", b"second"]
        assert house.left() == []

    _played(tmp_path, play)


@pytest.mark.parametrize(
    ("limits", "progress"),
    [
        (Limits(file_bytes=10), {"receivedBytes": 11}),
        (Limits(file_bytes=10), {"totalBytes": 11}),
        (Limits(held_bytes=10), {"receivedBytes": 11}),
        (Limits(total_bytes=10), {"receivedBytes": 11}),
        (Limits(seconds=-1), {"receivedBytes": 1}),
    ],
)
def test_what_goes_beyond_a_bound_is_cancelled(limits: Limits, progress: dict[str, int], tmp_path: Path) -> None:
    async def play(house: _House) -> None:
        guid = house.begin(1)
        house.progress(guid, **progress)
        assert house.browser.cancelled == [guid]
        assert house.left() == []
        house.progress(guid, state="completed")
        await house.downloads.drain(5)
        assert house.delivered == []

    _played(tmp_path, play, limits)


def test_a_file_that_grows_faster_than_the_browser_tells_is_cancelled(tmp_path: Path) -> None:
    async def play(house: _House) -> None:
        guid = house.begin(1)
        (tmp_path / f"{guid}.crdownload").write_bytes(bytes(11))
        while not house.browser.cancelled:
            await asyncio.sleep(0.01)
        assert house.left() == []

    _played(tmp_path, play, Limits(file_bytes=10))


def test_only_so_many_run_at_a_time_and_in_all(tmp_path: Path) -> None:
    async def play(house: _House) -> None:
        first, second, third = house.begin(1), house.begin(2), house.begin(3)
        assert house.browser.cancelled == [third]
        house.complete(first)
        house.complete(second)
        assert house.begin(4) in house.browser.cancelled

    _played(tmp_path, play, Limits(at_a_time=2, in_all=3))


@pytest.mark.parametrize("guid", ["../../etc/passwd", "", "a/b/c/d/e/f/g"])
def test_a_number_that_is_a_path_leads_nowhere(guid: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "passwd").write_text("secret")

    async def play(house: _House) -> None:
        house.downloads.on_event("Browser.downloadWillBegin", {"guid": guid, "url": _URL})
        house.downloads.on_event("Browser.downloadProgress", {"guid": guid, "state": "completed"})
        await house.downloads.drain(5)
        assert house.delivered == []

    _played(folder, play)


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")

    async def play(house: _House) -> None:
        guid = house.begin(1)
        (folder / f"{guid}.crdownload").unlink()
        (folder / guid).symlink_to(tmp_path / "secret")
        house.progress(guid, state="completed")
        await house.downloads.drain(5)
        assert house.delivered == []
        assert house.left() == []
        assert (tmp_path / "secret").exists()

    _played(folder, play)


def test_deliveries_that_nobody_waits_for_any_more_are_given_up(tmp_path: Path) -> None:
    async def play(house: _House) -> None:
        given_up = asyncio.Event()

        async def never(download: Download, file: OpenFile) -> str | None:
            try:
                await asyncio.sleep(60)
            finally:
                given_up.set()
            return None

        house.downloads.deliver = never
        house.complete(house.begin(1))
        draining = asyncio.create_task(house.downloads.drain(60))
        await asyncio.sleep(0.05)
        draining.cancel()
        async with asyncio.timeout(5):
            await given_up.wait()

    _played(tmp_path, play)


def test_deliveries_that_take_too_long_after_the_end_are_given_up(tmp_path: Path) -> None:
    async def play(house: _House) -> None:
        async def never(download: Download, file: OpenFile) -> str | None:
            await asyncio.sleep(60)
            return None

        house.downloads.deliver = never
        house.complete(house.begin(1))
        house.begin(2)
        house.downloads.close()
        assert house.left() == []
        await house.downloads.drain(0.05)
        brought = house.downloads.brought_by("F", _URL)
        assert brought is not None
        assert brought.problem == "the browser has gone"

    _played(tmp_path, play)
