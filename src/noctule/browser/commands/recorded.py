"""A film of a session, as the machine that made it hands it over."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording that is finished. ``mp4`` begins with its index; ``fragments`` is the same video in pieces, which
    the HLS playlist tells of. Without a single picture all three are ``None``.

    ``started_ms`` is when its first picture was drawn, in epoch milliseconds.
    """

    session_id: str
    mp4: Path | None = None
    fragments: Path | None = None
    playlist: Path | None = None
    started_ms: int = 0
    duration_ms: int = 0
    width: int = 0
    height: int = 0
