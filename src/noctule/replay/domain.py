"""What a kept recording is, and for how long; no I/O.

::

    ready ──> expired      its time is over, its files are gone
    empty                  the session was recorded, and there was nothing to be seen
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Clients up to this version read the body of a replay as the video itself.
_LAST_RAW_VERSION = (1, 8, 9)

LONGEST_LINK = timedelta(days=7)
"""How long a link to a video leads somewhere, at most."""


class State(StrEnum):
    """What has become of a recording."""

    READY = "ready"
    EMPTY = "empty"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Recording:
    """The recording of one session. ``video_start_ms`` is in epoch milliseconds; sizes are pixels and bytes."""

    session_id: str
    state: State
    created_at: datetime
    expires_at: datetime
    video_start_ms: int | None = None
    video_duration_ms: int | None = None
    width: int | None = None
    height: int | None = None
    mp4_bytes: int = 0
    hls_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Replay:
    """What a client gets of a recording, until ``expires_at``. Without a video there is nothing but that."""

    expires_at: datetime
    mp4_url: str | None = None
    playlist: str | None = None
    video_start_ms: int | None = None
    video_duration_ms: int | None = None


def reads_raw_video(sdk_version: str | None) -> bool:
    """Whether a client of that version takes the body for the video."""
    numbers = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", sdk_version or "")
    return numbers is not None and tuple(int(part or 0) for part in numbers.groups()) <= _LAST_RAW_VERSION


def playlist_at(playlist: str, url: str) -> str:
    """An HLS playlist all of whose parts are in one file, with that file at ``url``."""
    lines = []
    for line in playlist.splitlines():
        if line and not line.startswith("#"):
            line = url
        lines.append(re.sub(r'URI="[^"]*"', lambda _: f'URI="{url}"', line))
    return "\n".join(lines) + "\n"
