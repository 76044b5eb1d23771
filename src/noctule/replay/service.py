"""The use cases of replays: kept, shown, given up.

What must always hold: a recording is acknowledged by its row, which is committed when its files are kept whole; its
files go before its row says so, and are asked for only through the session's owner or a link that we signed.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from noctule.browser.commands import Recorded
from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.errors import NotFound
from noctule.objects.links import Linked, Links
from noctule.objects.store import ObjectMissing, ObjectStore, key
from noctule.replay import store
from noctule.replay.domain import LONGEST_LINK, Recording, Replay, State, playlist_at, reads_raw_video
from noctule.sessions.service import Session, SessionView

__all__ = ["ReplayService", "Sessions", "reads_raw_video"]

log = logging.getLogger(__name__)

_AREA = "replays"
_VIDEO, _FRAGMENTS, _PLAYLIST = "video.mp4", "fragments.mp4", "playlist.m3u8"
_CHUNK_BYTES = 1024 * 1024
_SWEPT_AT_A_TIME = 50
# How long a recording of another machine is waited for after its session; that machine may be gone for good.
_LONGEST_MAKING = timedelta(minutes=15)


class Sessions(Protocol):
    """What this tag needs of sessions."""

    async def get(self, workspace_id: str, session_id: str) -> SessionView:
        """The session, if it is the workspace's. Raises ``NotFound``."""
        ...


class ReplayService:
    """Keeps recordings and shows them. ``is_pending`` says whether one of a session is under way on this machine."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        sessions: Sessions,
        objects: ObjectStore,
        links: Links,
        retention: timedelta,
        is_pending: Callable[[str], bool],
    ) -> None:
        self._database = database
        self._clock = clock
        self._sessions = sessions
        self._objects = objects
        self._links = links
        self._retention = retention
        self._is_pending = is_pending

    async def keep(self, recorded: Recorded) -> None:
        """Take a finished recording over; may be tried again after it raised."""
        now = self._clock.now()
        state, mp4_bytes, hls_bytes = State.EMPTY, 0, 0
        if recorded.mp4 is not None and recorded.fragments is not None and recorded.playlist is not None:
            state = State.READY
            mp4_bytes = await self._put(recorded.session_id, _VIDEO, recorded.mp4)
            hls_bytes = await self._put(recorded.session_id, _FRAGMENTS, recorded.fragments)
            await self._put(recorded.session_id, _PLAYLIST, recorded.playlist)
        has_video = state is State.READY
        kept = Recording(
            session_id=recorded.session_id,
            state=state,
            created_at=now,
            expires_at=now + self._retention,
            video_start_ms=recorded.started_ms if has_video else None,
            video_duration_ms=recorded.duration_ms if has_video else None,
            width=recorded.width if has_video else None,
            height=recorded.height if has_video else None,
            mp4_bytes=mp4_bytes,
            hls_bytes=hls_bytes,
        )
        await self._database.write(lambda connection: store.add(connection, kept))

    async def find(self, workspace_id: str, session_id: str, base_url: str) -> Replay:
        """The replay of a session that is over.

        Raises ``NotFound`` for a session of another workspace or none, for one that is still active, and for one whose
        recording is not ready yet.
        """
        recording = await self._find(workspace_id, session_id)
        now = self._clock.now()
        if recording is None:
            return Replay(now)
        if recording.state is not State.READY or recording.expires_at <= now:
            return Replay(recording.expires_at)
        lasts = min(recording.expires_at - now, LONGEST_LINK)

        def url(name: str) -> str:
            linked = Linked(key(_AREA, session_id, name), f"{session_id}.mp4", "video/mp4", is_inline=True)
            return self._links.url(base_url, linked, lasts)

        try:
            playlist = (await self._objects.get(key(_AREA, session_id, _PLAYLIST))).decode()
        except ObjectMissing:
            return Replay(recording.expires_at)
        return Replay(
            expires_at=now + lasts,
            mp4_url=url(_VIDEO),
            playlist=playlist_at(playlist, url(_FRAGMENTS)),
            video_start_ms=recording.video_start_ms,
            video_duration_ms=recording.video_duration_ms,
        )

    async def check(self, workspace_id: str, session_id: str) -> None:
        """Raises ``NotFound`` for a session of another workspace, or none."""
        await self._sessions.get(workspace_id, session_id)

    async def video(self, workspace_id: str, session_id: str) -> tuple[int, AsyncIterator[bytes]]:
        """Size and bytes of the video itself. Raises ``NotFound`` as ``find``, and where there is no video;
        ``Unavailable``."""
        recording = await self._find(workspace_id, session_id)
        if recording is None or recording.state is not State.READY or recording.expires_at <= self._clock.now():
            raise NotFound(f"Session {session_id} has no video.")
        try:
            return recording.mp4_bytes, await self._objects.begin(key(_AREA, session_id, _VIDEO))
        except ObjectMissing:
            raise NotFound(f"The video of session {session_id} is gone.") from None

    async def sweep(self) -> None:
        """Give up what has been kept long enough."""
        now = self._clock.now()
        old = await self._database.read(lambda connection: store.overdue(connection, now, _SWEPT_AT_A_TIME))
        if not old:
            return
        session_ids = [recording.session_id for recording in old]
        names = (_PLAYLIST, _FRAGMENTS, _VIDEO)
        await self._objects.delete([key(_AREA, session_id, name) for session_id in session_ids for name in names])
        await self._database.write(lambda connection: store.expire(connection, session_ids))

    async def _find(self, workspace_id: str, session_id: str) -> Recording | None:
        """The recording of a session that is over; ``None`` for one that was never recorded."""
        view = await self._sessions.get(workspace_id, session_id)
        if view.session.closed_at is None:
            raise NotFound(f"Session {session_id} is still active; stop it first, then its replay is made.")
        # Asked before the row: it ends with the row's commit.
        is_pending = self._is_pending(session_id)
        found = await self._database.read(lambda connection: store.find(connection, session_id))
        if found is None and (is_pending or self._may_be_elsewhere(view.session)):
            raise NotFound(f"The replay of session {session_id} is not ready yet; ask again in a moment.")
        return found

    def _may_be_elsewhere(self, session: Session) -> bool:
        """Whether another machine may be at work on the recording, or this one before it was killed."""
        assert session.closed_at is not None
        return session.is_recorded and self._clock.now() < session.closed_at + _LONGEST_MAKING

    async def _put(self, session_id: str, name: str, path: Path) -> int:
        return await self._objects.put(key(_AREA, session_id, name), _chunks(path))


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            yield chunk
    finally:
        file.close()
