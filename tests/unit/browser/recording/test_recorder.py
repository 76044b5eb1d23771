"""Frames onto the disk, without a browser."""

import json
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from noctule.browser.recording.recorder import Recorder
from tests.unit.browser.recording.pictures import frame

pytestmark = pytest.mark.slow


class Stage:
    """A recorder with a disk of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "recording"
        self.disk = ThreadPoolExecutor(1)
        self.has_room = True
        self.segments: list[str] = []
        self.willing = 0
        self.recorder = Recorder(
            self.folder,
            (320, 240),
            self.disk,
            has_room=lambda: self.has_room,
            segmented=lambda path: self.segments.append(path.name),
            willing=self._willing,
        )

    def _willing(self) -> None:
        self.willing += 1

    def finish(self, at: float) -> None:
        self.recorder.finish(at).result(10)

    def times(self, name: str) -> list[float]:
        """When each picture of a file is shown, in seconds."""
        command = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", "packet=pts_time"]
        done = subprocess.run([*command, str(self.folder / name)], capture_output=True, check=True, timeout=30)
        return [float(packet["pts_time"]) for packet in json.loads(done.stdout)["packets"]]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_pictures_have_the_times_of_the_browser_and_the_last_stays_to_the_end(stage: Stage) -> None:
    for at, colour in ((1000.0, "red"), (1000.25, "green"), (1003.1, "blue")):
        stage.recorder.take(frame(at, colour))
    stage.finish(1007.5)
    assert stage.times("000000.mkv") == [0.0, 0.25, 3.1, 7.5]
    assert stage.segments == ["000000.mkv"]
    about = json.loads((stage.folder / "about.json").read_text())
    assert about == {"width": 320, "height": 240, "started_ms": 1_000_000}


def test_a_file_ends_after_ten_seconds_and_where_the_picture_has_another_size(stage: Stage) -> None:
    for at in (0.0, 5.0, 9.9, 10.0, 12.0):
        stage.recorder.take(frame(1000 + at, "red"))
    stage.recorder.take(frame(1013, "red", 160, 120))
    stage.finish(1014)
    names = ["000000.mkv", "000001.mkv", "000002.mkv"]
    assert stage.segments == names
    assert [stage.times(name) for name in names] == [[0.0, 5.0, 9.9], [10.0, 12.0], [13.0, 14.0]]


def test_a_picture_that_stays_is_written_once_a_minute(stage: Stage) -> None:
    stage.recorder.take(frame(1000, "red"))
    stage.recorder.take(frame(1150, "green"))
    stage.finish(1290)
    assert stage.times("000000.mkv") == [0.0, 60.0, 120.0]
    assert stage.times("000001.mkv") == [150.0, 210.0, 270.0, 290.0]


def test_times_never_fall(stage: Stage) -> None:
    for at in (1000.0, 1001.0, 1000.5, 1001.0):
        stage.recorder.take(frame(at, "red"))
    stage.finish(1000.2)
    assert stage.times("000000.mkv") == [0.0, 1.0, 1.001, 1.002]


def test_a_clock_that_was_set_makes_no_film_of_years(stage: Stage) -> None:
    for at in (1000.0, 1001.0, 2e9, 2e9 + 1):
        stage.recorder.take(frame(at, "red"))
    stage.finish(4e9)
    assert stage.times("000000.mkv") == [0.0, 1.0, 1.001, 2.001, 2.002]


def test_without_a_picture_there_is_nothing_on_the_disk(stage: Stage) -> None:
    stage.finish(1000)
    assert stage.segments == []
    assert not stage.folder.exists()


def test_it_takes_no_more_than_the_disk_takes_and_asks_again(stage: Stage) -> None:
    going_on = threading.Event()
    stage.disk.submit(going_on.wait, 10)
    taken = 0
    while stage.recorder.wants():
        stage.recorder.take(frame(1000 + taken, "red"))
        taken += 1
    assert 4 <= taken <= 8
    assert stage.willing == 0
    going_on.set()
    stage.disk.submit(lambda: None).result(10)
    assert stage.willing == 1
    assert stage.recorder.wants()
    stage.has_room = False
    assert not stage.recorder.wants()


def _in_the_way(folder: Path) -> None:
    folder.write_text("a file")


def _gone(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o700)
    (folder / "000000.mkv").mkdir()


@pytest.mark.parametrize("hinder", [_in_the_way, _gone])
def test_a_disk_that_takes_nothing_ends_the_recording_alone(stage: Stage, hinder: Callable[[Path], None]) -> None:
    hinder(stage.folder)
    stage.recorder.take(frame(1000, "red"))
    stage.disk.submit(lambda: None).result(10)
    assert not stage.recorder.wants()
    stage.recorder.take(frame(1001, "red"))
    stage.finish(1002)
    assert stage.segments == []


def test_on_a_disk_that_becomes_full_what_was_written_before_is_encoded(stage: Stage) -> None:
    stage.recorder.take(frame(1000, "red"))
    stage.disk.submit(lambda: None).result(10)
    assert stage.recorder._open is not None
    file, writer, path = stage.recorder._open
    full = open("/dev/full", "wb")  # noqa: SIM115 - closed by the recorder
    stage.recorder._open = (full, writer, path)
    stage.recorder.take(frame(1001, "green"))
    stage.finish(1002)
    file.close()
    assert not stage.recorder.wants()
    assert stage.segments == ["000000.mkv"]
    assert stage.times("000000.mkv") == [0.0]
