"""The API's models of replays."""

from typing import Self

from noctule.kit.web import WireResponse
from noctule.replay.domain import Replay


class ReplayResponse(WireResponse):
    """A replay: an MP4, and the same as an HLS playlist."""

    playlist_content: str | None = None
    mp4_url: str | None = None
    expires_at: str
    video_start_ms: int | None = None
    video_duration_ms: int | None = None

    @classmethod
    def of(cls, replay: Replay) -> Self:
        """The wire shape of a replay."""
        return cls(
            playlist_content=replay.playlist,
            mp4_url=replay.mp4_url,
            expires_at=replay.expires_at.isoformat(),
            video_start_ms=replay.video_start_ms,
            video_duration_ms=replay.video_duration_ms,
        )


class MouseReplayPage(WireResponse):
    """Where the pointer was; it is in the video, and nowhere else."""

    mouse_manifest_url: str | None = None
    mouse_chunk_urls: list[str] | None = None
    mouse_next_offset: int | None = None
