"""Whatever brings a file in a browser of ours, the file is handed out once, whole, and nothing of it stays."""

import asyncio
import logging
from functools import partial
from pathlib import Path

import pytest

from noctule.browser.commands import (
    CloseTab,
    CommandFailed,
    Downloaded,
    DownloadFile,
    EvaluateJs,
    Goto,
    GotoNewTab,
    Target,
)
from noctule.browser.driver.downloads import Limits
from tests.e2e.download_stage import SESSION, DownloadStage, Kept, staged, until
from tests.support.download_site import content, sha256

pytestmark = pytest.mark.slow

_BROWSERS = pytest.mark.parametrize("chromium", [False, True], ids=["shell", "chromium"])
_File = tuple[str, str, str]
_OCTETS = "application/octet-stream"


def _file(name: str, seed: str, kind: str = _OCTETS, *, before: bytes = b"", size: int = 300_000) -> _File:
    body = before + content(seed, size)
    return (name, kind, sha256(body))


def _facts(kept: list[Kept]) -> list[_File]:
    return sorted((each.name, each.content_type, each.hash) for each in kept)


_KINDS: dict[str, list[_File]] = {
    "attachment": [_file("report.csv", "attachment", "text/csv")],
    "attribute": [_file("notes äöü.txt", "attribute", "text/plain")],
    "popup": [_file("popup.bin", "popup")],
    "pdf": [_file("report.pdf", "pdf", "application/pdf", before=b"%PDF-1.4\n")],
    "forced-pdf": [_file("forced.pdf", "forced", "application/pdf")],
    "data": [("data.bin", "application/x-own", sha256(bytes(range(10))))],
    "empty": [_file("empty.bin", "empty", size=0)],
    "blob": [_file("made.bin", "blob")],
    "two": [_file("one.bin", "one"), _file("other.bin", "other")],
    "same": [_file("same.bin", "first"), _file("same.bin", "second")],
    "script": [_file("script.bin", "script")],
}


@_BROWSERS
def test_a_click_brings_a_file_of_every_kind_without_being_asked_for_one(chromium: bool, tmp_path: Path) -> None:
    async def act(stage: DownloadStage) -> None:
        for control, files in _KINDS.items():
            stage.keeper.kept.clear()
            await stage.run(Goto(stage.site.url()))
            await stage.click(f"#{control}")
            assert _facts(await stage.kept(len(files))) == sorted(files), control
        await stage.empty()

    staged(tmp_path, act, wants_chromium=chromium)


@_BROWSERS
def test_a_file_comes_from_a_frame_of_another_site_and_from_a_service_worker(chromium: bool, tmp_path: Path) -> None:
    async def act(stage: DownloadStage) -> None:
        await stage.run(Goto(stage.site.url("/frames")))
        assert _facts(await stage.kept()) == [_file("framed.bin", "framed")]
        stage.keeper.kept.clear()
        await stage.run(Goto(stage.site.url("/with-worker")))
        await stage.run(EvaluateJs("navigator.serviceWorker.ready.then(() => null)"))
        await stage.run(Goto(stage.site.url()))
        await stage.click("#worker")
        assert _facts(await stage.kept()) == [_file("worker.bin", "worker")]
        await stage.empty()

    staged(tmp_path, act, wants_chromium=chromium)


@_BROWSERS
def test_an_address_that_is_a_file_brings_it_and_is_not_kept_twice(chromium: bool, tmp_path: Path) -> None:
    async def act(stage: DownloadStage) -> None:
        paths = {"report.pdf": "/report.pdf?seed=pdf&token=secret", "r.csv": "/file?seed=direct&name=r.csv"}
        for name, path in paths.items():
            stage.keeper.kept.clear()
            with pytest.raises(CommandFailed, match="is a download"):
                await stage.run(Goto(stage.site.url(path)))
            (kept,) = await stage.kept()
            assert (kept.name, kept.url) == (name, stage.site.url(path.partition("?")[0]))
            result = await stage.run(DownloadFile(Target(selectors=("body",))))
            assert isinstance(result, Downloaded)
            assert (result.file, result.kept_as) == (None, f"kept-{name}")
            assert len(stage.keeper.kept) == 1

    staged(tmp_path, act, wants_chromium=chromium)


@_BROWSERS
def test_a_file_that_an_action_asks_for_is_the_actions_alone(chromium: bool, tmp_path: Path) -> None:
    async def act(stage: DownloadStage) -> None:
        for control, files in _KINDS.items():
            stage.keeper.kept.clear()
            await stage.run(Goto(stage.site.url()))
            result = await stage.run(DownloadFile(Target(selectors=(f"#{control}",))))
            assert isinstance(result, Downloaded)
            assert result.file is not None
            got = (result.file.name, sha256(result.file.content))
            expected = [(name, hashed) for name, _, hashed in files]
            assert got in expected, control
            expected.remove(got)
            rest = await stage.kept(len(expected))
            assert [(each.name, each.hash) for each in rest] == expected
        await stage.empty()

    staged(tmp_path, act, wants_chromium=chromium)


def test_an_action_has_the_file_of_its_link_though_others_come_first(tmp_path: Path) -> None:
    async def act(stage: DownloadStage) -> None:
        await stage.run(Goto(stage.site.url()))
        later = "setTimeout(() => document.getElementById('blob').click(), {0})"
        for wait_ms in (0, 20, 60, 120):
            stage.keeper.kept.clear()
            await stage.run(EvaluateJs(later.format(wait_ms)))
            result = await stage.run(DownloadFile(Target(selectors=("#attachment",))))
            assert isinstance(result, Downloaded)
            assert result.file is not None
            assert result.file.name == "report.csv"
            assert _facts(await stage.kept()) == [_file("made.bin", "blob")]
        await stage.empty()

    staged(tmp_path, act)


def test_what_breaks_off_is_cancelled_or_too_large_leaves_nothing(tmp_path: Path) -> None:
    async def act(stage: DownloadStage) -> None:
        downloads = stage.node._sessions[SESSION].browser.driver.downloads
        downloads.limits = Limits(file_bytes=2_000_000)
        await stage.run(Goto(stage.site.url()))
        for control in ("breaks", "large", "unsized"):
            await stage.click(f"#{control}")
            await stage.empty()
        await stage.run(GotoNewTab(stage.site.url()))
        await stage.click("#stall")
        await until(stage.site.stalled.is_set)
        await stage.run(EvaluateJs("location.reload()"))
        await stage.run(CloseTab())
        await stage.click("#attachment")
        assert _facts(await stage.kept()) == [_file("report.csv", "attachment", "text/csv")]
        failed = None
        try:
            await stage.run(DownloadFile(Target(selectors=("#large",))))
        except CommandFailed as error:
            failed = error
        assert failed is not None
        assert "larger than" in failed.message

    staged(tmp_path, act)


def test_a_session_brings_only_so_many_and_so_much(tmp_path: Path) -> None:
    async def act(stage: DownloadStage) -> None:
        downloads = stage.node._sessions[SESSION].browser.driver.downloads
        downloads.limits = Limits(in_all=3)
        await stage.run(Goto(stage.site.url()))
        for _ in range(5):
            await stage.click("#blob")
        await until(lambda: downloads._count == 5)
        await stage.kept(3)
        downloads.limits = Limits(in_all=100, total_bytes=1_500_000)
        for count in (4, 5):
            await stage.click("#attachment")
            await stage.kept(count)
        await stage.click("#attachment")
        await stage.empty()
        assert len(stage.keeper.kept) == 5

    staged(tmp_path, act)


def test_a_listener_that_fails_is_told_of_once_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(stage: DownloadStage) -> None:
        stage.keeper.error = RuntimeError("no room")
        await stage.run(Goto(stage.site.url()))
        for count in (1, 2, 3):
            await stage.click("#attachment")
            await until(partial(stage.has_begun, count))
        await stage.empty()
        stage.keeper.error = None
        await stage.click("#attachment")
        await stage.kept()

    with caplog.at_level(logging.WARNING):
        staged(tmp_path, act)
    assert len([record for record in caplog.records if "no room" in record.getMessage()]) == 1


def test_a_session_that_ends_gives_what_was_complete(tmp_path: Path) -> None:
    async def act(stage: DownloadStage) -> None:
        stage.keeper.gate.clear()
        await stage.run(Goto(stage.site.url()))
        await stage.click("#two")
        await until(lambda: stage.keeper.begun == 2)
        await stage.node.release(SESSION)
        assert stage.keeper.kept == []
        await asyncio.sleep(0.5)
        stage.keeper.gate.set()
        assert _facts(await stage.kept(2)) == [_file("one.bin", "one"), _file("other.bin", "other")]

    staged(tmp_path, act)
