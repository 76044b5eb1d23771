"""Files go into pages and come out of them."""

from pathlib import Path

import pytest

from noctule.browser.commands import Click, Downloaded, DownloadFile, File, Goto, UploadFile
from tests.e2e.acting_stage import SESSION, Stage, on, staged
from tests.support.site import fields

pytestmark = pytest.mark.slow


async def _download(stage: Stage, selector: str, timeout_seconds: float = 45.0) -> File:
    result = await stage.run(DownloadFile(on(selector), timeout_seconds))
    assert isinstance(result, Downloaded)
    assert result.acted.message
    assert result.file is not None
    return result.file


def test_a_file_reaches_the_server_whole(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("uploads.html")
        content = bytes(range(256)) * 20_000
        acted = await stage.act(UploadFile(on("#recording"), File("night walk.wav", content)))
        assert "'night walk.wav'" in acted.message
        await stage.act(Click(on("#send")))
        (request,) = stage.site.seen("/submit")
        assert dict(fields(request))["recording"] == f"night walk.wav ({len(content)} bytes)"

    staged(tmp_path, act)


def test_what_takes_no_file_says_so(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<button id=go>Go</button><input id=off type=file disabled>")
        file = File("a.txt", b"hello")
        assert "No file chooser opened" in (await stage.fails(UploadFile(on("#go"), file))).message
        assert "disabled" in (await stage.fails(UploadFile(on("#off"), file, timeout_seconds=0.5))).message

    staged(tmp_path, act)


@pytest.mark.parametrize(
    ("selector", "name", "content"),
    [
        ("#download-attribute", "field-notes.txt", b"Field notes"),
        ("#download-header", "report.csv", b"month,sessions"),
        ("#download-blank", "report.csv", b"month,sessions"),
        ("#download-blob", "calls.csv", b"call,seconds"),
        ("#download-data", "note.txt", b"A short note"),
        ("#download-late", "late.csv", b"call,seconds"),
        ("#raw-text", "notes.txt", b"Field notes"),
        ("#raw-json", "data.json", b'{"species"'),
        ("#raw-image", "picture.png", b"\x89PNG"),
        ("#raw-pdf", "report.pdf", b"%PDF"),
    ],
)
def test_a_click_brings_a_file(selector: str, name: str, content: bytes, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("popups.html")
        file = await _download(stage, selector)
        assert (file.name, file.content[: len(content)]) == (name, content)
        downloads = stage.node.door(SESSION)
        assert downloads is not None
        assert list(downloads.downloads.iterdir()) == []

    staged(tmp_path, act)


@pytest.mark.parametrize(
    ("path", "content"), [("notes.txt", b"Field notes"), ("data.json", b'{"species"'), ("picture.png", b"\x89PNG")]
)
def test_a_tab_that_shows_a_file_gives_it(path: str, content: bytes, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open(path)
        file = await _download(stage, "body")
        assert (file.name, file.content[: len(content)]) == (path, content)

    staged(tmp_path, act)


def test_an_address_that_is_a_file_and_no_page_can_be_downloaded(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        for before in ("about:blank", stage.pages.add("/elsewhere", "elsewhere"), stage.site.url("landing.html")):
            await stage.run(Goto(before))
            failed = await stage.fails(Goto(stage.site.url("download/report.csv")))
            assert "is a download" in failed.message
            assert failed.context == {"download_url": stage.site.url("download/report.csv")}
            file = await _download(stage, "body")
            assert (file.name, file.content[:14]) == ("report.csv", b"month,sessions")

    staged(tmp_path, act)


def test_a_browser_without_a_folder_of_ours_loads_the_file_once_more(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        # As for somebody else's browser, whose files we cannot see.
        stage.node._sessions[SESSION].browser.driver.downloads.folder = None
        await stage.open("popups.html")
        file = await _download(stage, "#download-header")
        assert (file.name, file.content[:14]) == ("report.csv", b"month,sessions")

    staged(tmp_path, act)


def test_a_click_that_brings_no_file_says_so(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<button id=go>Go</button>")
        failed = await stage.fails(DownloadFile(on("#go"), timeout_seconds=1.5))
        assert "No file came" in failed.message

    staged(tmp_path, act)
