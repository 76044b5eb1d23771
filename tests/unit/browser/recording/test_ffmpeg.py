"""ffmpeg: found or refused with a reason, run inside bounds."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from noctule.browser.recording.ffmpeg import CannotEncode, Ffmpeg, NoEncoder
from noctule.browser.recording.matroska import Writer
from tests.unit.browser.recording.pictures import jpeg

pytestmark = pytest.mark.slow


def _program(folder: Path, script: str) -> Path:
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ('echo "ffmpeg version 4.4.2 Copyright"', "too old"),
        ('[ "$1" = -version ] && echo "ffmpeg version 7.1 Copyright"', "without libx264"),
        ("echo something else", "does not say"),
        ("exit 3", "does not say"),
    ],
)
def test_a_program_that_will_not_do_is_refused_in_words(tmp_path: Path, script: str, reason: str) -> None:
    with pytest.raises(NoEncoder, match=reason):
        Ffmpeg.find(_program(tmp_path, script))


def test_no_program_is_told_with_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoEncoder, match="NOCTULE_FFMPEG_PATH names"):
        Ffmpeg.find(tmp_path / "nothing")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoEncoder, match="apt-get install ffmpeg"):
        Ffmpeg.find()


def test_a_version_without_a_number_is_believed(tmp_path: Path) -> None:
    found = Ffmpeg.find(_program(tmp_path, 'echo "ffmpeg version N-117-gabc Copyright"; echo libx264'))
    assert found.version == "N-117-gabc"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may write to, on a way that everybody may go."""
    with tempfile.TemporaryDirectory(prefix="noctule-test-ffmpeg-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def _slow(folder: Path) -> tuple[Ffmpeg, Path]:
    """An ffmpeg that never ends, and where it notes its process."""
    noted = folder / "pid"
    script = f'case "$*" in *pipe:0*) echo $$ > {noted}; exec sleep 60;; esac; echo "ffmpeg version 7.1"; echo libx264'
    return Ffmpeg.find(_program(folder, script)), noted


@pytest.mark.parametrize(("is_urgent", "niceness"), [(True, 10), (False, 19)])
def test_a_run_gives_way_to_sessions_alone_and_as_a_group(open_folder: Path, is_urgent: bool, niceness: int) -> None:
    slow, noted = _slow(open_folder)
    source = open_folder / "a.mkv"
    source.write_bytes(b"pictures")

    async def act() -> None:
        encoding = slow.encode(source, open_folder / "a.ts", (64, 64), is_urgent=is_urgent, timeout_seconds=30)
        task = asyncio.ensure_future(encoding)
        while not noted.exists() or not noted.read_text().strip():
            await asyncio.sleep(0.02)
        pid = int(noted.read_text())
        assert psutil.Process(pid).nice() == niceness
        # A kernel without groups has nothing to say here.
        group = Path(f"/proc/{pid}/autogroup")
        assert not group.exists() or group.read_text().split()[-1] == str(niceness)
        task.cancel()
        await asyncio.wait((task,))

    asyncio.run(act())


def test_a_run_ends_at_its_deadline_and_with_its_caller(open_folder: Path) -> None:
    tmp_path = open_folder
    slow, noted = _slow(open_folder)
    source = tmp_path / "a.mkv"
    source.write_bytes(b"pictures")

    async def run(timeout_seconds: float) -> None:
        await slow.encode(source, tmp_path / "a.ts", (64, 64), is_urgent=False, timeout_seconds=timeout_seconds)

    async def bounded() -> None:
        with pytest.raises(CannotEncode, match="did not end"):
            await run(1.0)
        assert not psutil.pid_exists(int(noted.read_text()))
        noted.unlink()
        task = asyncio.create_task(run(30))
        while not noted.exists() or not noted.read_text().strip():
            await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.wait((task,))
        assert not psutil.pid_exists(int(noted.read_text()))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mkv", "ffmpeg", "pid"]

    asyncio.run(bounded())


def test_what_cannot_be_encoded_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "a.mkv"
    source.write_bytes(b"no pictures at all" * 50)
    encode = Ffmpeg.find().encode(source, tmp_path / "a.ts", (64, 64), is_urgent=True, timeout_seconds=30)
    with pytest.raises(CannotEncode):
        asyncio.run(encode)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only a root server has privileges to drop")
def test_the_run_that_reads_what_a_browser_made_is_nobody(open_folder: Path) -> None:
    tmp_path, told = open_folder, open_folder / "told"
    told.touch()
    told.chmod(0o666)
    script = f'id -u > {told}; grep -E "CapEff|NoNewPrivs" /proc/self/status >> {told}; echo ffmpeg version 7.1 libx264'
    source = tmp_path / "a.mkv"
    source.write_bytes(Writer().head(64, 64) + jpeg("red", 64, 64))
    found = Ffmpeg.find(_program(tmp_path, script))
    asyncio.run(found.encode(source, tmp_path / "a.ts", (64, 64), is_urgent=True, timeout_seconds=30))
    assert told.read_text().split() == ["65534", "NoNewPrivs:", "1", "CapEff:", "0000000000000000"] or (
        told.read_text().split() == ["65534", "CapEff:", "0000000000000000", "NoNewPrivs:", "1"]
    )
