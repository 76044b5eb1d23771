"""The folder of one recording: what is in it, and what an earlier run left. Everything here blocks."""

import json
import logging
import re
import shutil
from pathlib import Path

from noctule.browser.commands import Viewport

log = logging.getLogger(__name__)

Size = tuple[int, int]
"""Width and height of a video, both even."""

_LONGEST_SIDE = 1920
_SHORTEST_SIDE = 64
_ABOUT = "about.json"
_HEAD_BYTES = 4096
_TARGET = re.compile(r"^#EXT-X-TARGETDURATION:\d+", re.MULTILINE)
_DURATION = re.compile(r"^#EXTINF:([0-9.]+)", re.MULTILINE)


def fitted(viewport: Viewport) -> Size:
    """The size of a video of that view: even, as H.264 wants it, and of a scale that players can show."""
    scale = min(1.0, _LONGEST_SIDE / max(viewport.width, viewport.height))
    width, height = (max(_SHORTEST_SIDE, int(side * scale) // 2 * 2) for side in (viewport.width, viewport.height))
    return width, height


def begin(folder: Path, view: Size, started_ms: int) -> None:
    """Make the folder, and write down what its files do not tell. Raises ``OSError``."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = {"width": view[0], "height": view[1], "started_ms": started_ms}
    (folder / _ABOUT).write_text(json.dumps(about))


def left_behind(root: Path) -> list[tuple[Path, Size]]:
    """Folders of an earlier run, with the sizes of their videos; one that tells nothing is removed."""
    found: list[tuple[Path, Size]] = []
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        try:
            about = json.loads((folder / _ABOUT).read_text())
            found.append((folder, (int(about["width"]), int(about["height"]))))
        except (OSError, ValueError, KeyError, TypeError):
            log.warning("%s is no recording that could be finished, and is removed", folder.name)
            remove(folder)
    return found


def concatenate(folder: Path) -> Path | None:
    """All video of a folder as one file; ``None`` where there is none. Raises ``OSError``."""
    parts = sorted(folder.glob("*.ts"))
    if not parts:
        return None
    whole = folder / "whole.mpegts"
    with whole.open("wb") as target:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, target)
    return whole


def started_ms(folder: Path) -> int:
    """When the recording began, in epoch milliseconds. Raises ``OSError``, ``ValueError``."""
    return int(json.loads((folder / _ABOUT).read_text())["started_ms"])


def duration_ms(mp4: Path) -> int:
    """How long a video is, by its header (ISO/IEC 14496-12, 8.2.2). Raises ``OSError``, ``ValueError``."""
    with mp4.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    at = head.index(b"mvhd") + 4
    wide = head[at] == 1
    scale_at, size = (at + 20, 8) if wide else (at + 12, 4)
    scale = int.from_bytes(head[scale_at : scale_at + 4], "big")
    duration = int.from_bytes(head[scale_at + 4 : scale_at + 4 + size], "big")
    return round(duration * 1000 / scale)


def correct_playlist(playlist: Path, total_ms: int) -> None:
    """Let the last part of a playlist be as long as it is: ffmpeg takes it for one of pictures that are all shown for
    the same time. Raises ``OSError``."""
    text = playlist.read_text()
    parts = list(_DURATION.finditer(text))
    if not parts:
        return
    others = [float(part[1]) for part in parts[:-1]]
    last = max(total_ms / 1000 - sum(others), 0.001)
    start, end = parts[-1].span(1)
    text = f"{text[:start]}{last:.6f}{text[end:]}"
    # RFC 8216, 4.3.3.1: no part, rounded, is longer.
    longest = max(1, *(round(seconds) for seconds in (*others, last)))
    playlist.write_text(_TARGET.sub(f"#EXT-X-TARGETDURATION:{longest}", text))


def remove(folder: Path) -> None:
    """Remove a folder, or a file in its place, as far as that can be done."""
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
    else:
        folder.unlink(missing_ok=True)


def size(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
