"""A file of pictures, read by somebody else while it is written."""

import json
import subprocess
from pathlib import Path

import pytest

from noctule.browser.recording.matroska import Writer
from tests.unit.browser.recording.pictures import jpeg

pytestmark = pytest.mark.slow


def _times(path: Path) -> list[float]:
    done = subprocess.run(
        ["ffprobe", "-v", "quiet", "-of", "json", "-show_entries", "packet=pts_time,size", str(path)],
        capture_output=True,
        check=True,
        timeout=30,
    )
    return [float(packet["pts_time"]) for packet in json.loads(done.stdout)["packets"]]


def test_every_picture_has_its_time_to_the_millisecond(tmp_path: Path) -> None:
    writer, path = Writer(), tmp_path / "a.mkv"
    # Within a cluster, over its end, after a long rest, beyond what a block's 16 bits hold, and after a day.
    times = [0, 1, 250, 4_999, 5_000, 5_001, 37_768, 37_769, 3_600_000, 86_400_123]
    picture = jpeg("red", 64, 48)
    path.write_bytes(writer.head(64, 48) + b"".join(writer.picture(at, picture) for at in times))
    assert _times(path) == [at / 1000 for at in times]


def test_a_file_is_readable_wherever_its_writing_ended(tmp_path: Path) -> None:
    writer, path = Writer(), tmp_path / "a.mkv"
    picture = jpeg("red", 64, 48)
    whole = writer.head(64, 48)
    ends = []
    for number in range(30):
        whole += writer.picture(number * 400, picture)
        ends.append(len(whole))
    for cut in (ends[0], ends[9], ends[9] + 1, ends[20] + 11, ends[20] + len(picture) // 2, ends[29]):
        path.write_bytes(whole[:cut])
        complete = sum(end <= cut for end in ends)
        assert _times(path)[:complete] == [number * 400 / 1000 for number in range(complete)] or complete == 0
