"""All recordings of one machine: begun with a session, encoded while it runs, then finished, and kept by somebody else.

Each has a folder under ``recordings``, named by its session: pictures as they came (``000000.mkv``), video that was
made of them (``000000.ts``), in the end the whole of it. What must always hold:

- Pictures are removed when their video is there, the folder when the ``Keeper`` has what it is for. Until then a
  recording is ``is_pending``, across restarts: what an earlier run left behind is finished at the start.
- At most ``_AT_A_TIME`` encoders run; recordings of sessions that are over come first.
- The bytes of a recording, and of all together, are bounded; at the bound it loses pictures, and says so in the log.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from noctule.browser.commands import BrowserSpec, Recorded, Viewport
from noctule.browser.recording import files
from noctule.browser.recording.ffmpeg import CannotEncode, Ffmpeg
from noctule.browser.recording.files import Size, fitted
from noctule.browser.recording.recorder import Recorder
from noctule.browser.screen import Frame, Screen
from noctule.kit.tasks import Owned

log = logging.getLogger(__name__)

_AT_A_TIME = 2 if (os.cpu_count() or 1) > 2 else 1
_ENCODE_SECONDS = 120.0
_JOIN_SECONDS = 300.0
_CLOSE_SECONDS = 4.0
_TRY_AGAIN_SECONDS = 15.0
# A picture takes ten milliseconds of a processor, and the first moments are when a client waits for its browser.
_FILMED_AFTER_SECONDS = 0.25
# Pictures of one recording that may wait for the encoder, its video, and the bytes of all recordings together.
_MOST_WAITING_BYTES = 256 * 1024 * 1024
_MOST_VIDEO_BYTES = 1024 * 1024 * 1024
_MOST_BYTES = 4 * 1024 * 1024 * 1024


class Keeper(Protocol):
    """Who takes finished recordings over."""

    async def keep(self, recorded: Recorded) -> None:
        """Have all of it when this returns: its files go away then. What it raises is tried again."""
        ...


@dataclass(eq=False)
class _Recording:
    """One recording. ``encoded_bytes`` are those of pictures whose video is there."""

    session_id: str
    folder: Path
    size: Size
    recorder: Recorder | None = None
    screen: Screen | None = None
    began_at: float = 0.0
    leave: Callable[[], None] = lambda: None
    is_over: bool = False
    is_waiting_for_room: bool = False
    has_complained: bool = False
    encoded_bytes: int = 0
    video_bytes: int = 0
    encoding: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def waiting_bytes(self) -> int:
        return self.recorder.taken_bytes - self.encoded_bytes if self.recorder is not None else 0


class Recordings:
    """The recordings of this machine. All methods belong to one event loop.

    ``is_default`` says whether a session that does not say is recorded.
    """

    def __init__(
        self,
        folder: Path,
        ffmpeg: Ffmpeg,
        *,
        is_default: bool,
        try_again_seconds: float = _TRY_AGAIN_SECONDS,
        most_waiting_bytes: int = _MOST_WAITING_BYTES,
    ) -> None:
        self._is_default = is_default
        self._root = folder
        self._ffmpeg = ffmpeg
        self._try_again_seconds = try_again_seconds
        self._most_waiting_bytes = most_waiting_bytes
        self._keeper: Keeper | None = None
        self._loop = asyncio.get_running_loop()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="recording")
        self._encoders = 0
        self._waiting: list[tuple[_Recording, asyncio.Future[None]]] = []
        self._tasks = Owned()
        self._all: dict[str, _Recording] = {}
        self._closing = False

    async def start(self, keeper: Keeper) -> None:
        """Hand finished recordings to ``keeper`` from now on, those that an earlier run left behind first."""
        self._keeper = keeper
        left = await self._loop.run_in_executor(self._disk, files.left_behind, self._root)
        for folder, view in left:
            recording = self._all[folder.name] = _Recording(folder.name, folder, view, is_over=True)
            self._tasks.spawn(self._finish_left(recording))
        if left:
            log.warning("finishing %d recordings that an earlier run left behind", len(left))

    async def close(self) -> None:
        """Finish what can be finished in a few seconds; the rest is left to the next start."""
        for session_id, recording in list(self._all.items()):
            if not recording.is_over:
                self.end(session_id)
        await self._tasks.drain(_CLOSE_SECONDS)
        self._closing = True
        await self._loop.run_in_executor(None, self._disk.shutdown)

    def is_pending(self, session_id: str) -> bool:
        """Whether the session is being recorded, or its recording not yet with the keeper."""
        return session_id in self._all

    def applies_to(self, spec: BrowserSpec) -> bool:
        """Whether the session of that spec is recorded."""
        return self._is_default if spec.is_recorded is None else spec.is_recorded

    def begin(self, session_id: str, screen: Screen, viewport: Viewport) -> None:
        """Record a session from now on."""
        if self._closing or session_id in self._all:
            return
        folder = self._root / session_id
        recording = _Recording(session_id, folder, fitted(viewport), screen=screen, began_at=time.time())
        recording.recorder = Recorder(
            folder,
            recording.size,
            self._disk,
            has_room=lambda: self._has_room(recording),
            segmented=lambda path: self._soon(self._segmented, recording, path),
            willing=lambda: self._soon(screen.ready),
        )
        self._all[session_id] = recording
        joining = self._loop.call_later(_FILMED_AFTER_SECONDS, _join, recording, screen, recording.recorder)
        recording.leave = joining.cancel

    def end(self, session_id: str) -> "asyncio.Future[Frame | None] | None":
        """The session is about to be closed: finish its recording behind the caller's back. Unknown ids are fine.

        Answers what its browser is still wanted for, which is bounded: a last look at the page.
        """
        recording = self._all.get(session_id)
        if recording is None or recording.recorder is None or recording.screen is None or recording.is_over:
            return None
        recording.is_over = True
        recording.leave()
        look = recording.screen.last_look() if recording.recorder.wants() else None
        self._tasks.spawn(self._finish(recording, recording.recorder, look, time.time()))
        return look

    # -- while it runs -------------------------------------------------------------------------------------

    def _soon(self, work: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(work, *arguments)

    def _has_room(self, recording: _Recording) -> bool:
        together = sum(other.waiting_bytes + other.video_bytes for other in self._all.values())
        if (
            recording.waiting_bytes < self._most_waiting_bytes
            and recording.video_bytes < _MOST_VIDEO_BYTES
            and together < _MOST_BYTES
        ):
            return True
        recording.is_waiting_for_room = True
        if not recording.has_complained:
            recording.has_complained = True
            log.warning("the recording of session %s loses pictures: there is no room for more", recording.session_id)
        return False

    def _ask_again(self) -> None:
        """There is more room than there was."""
        for recording in self._all.values():
            if recording.is_waiting_for_room and recording.screen is not None and self._has_room(recording):
                recording.is_waiting_for_room = False
                recording.screen.ready()

    def _segmented(self, recording: _Recording, path: Path) -> None:
        if not self._closing:
            task = self._tasks.spawn(self._encode(recording, path))
            recording.encoding.add(task)
            task.add_done_callback(recording.encoding.discard)

    async def _encode(self, recording: _Recording, path: Path) -> None:
        """Make video of one file of pictures, when its turn has come; pictures that nothing can be made of are lost."""
        target = path.with_suffix(".ts")
        pictures_bytes = files.size(path)
        async with self._turn(recording):
            try:
                if not target.exists():
                    await self._ffmpeg.encode(
                        path, target, recording.size, is_urgent=recording.is_over, timeout_seconds=_ENCODE_SECONDS
                    )
                recording.video_bytes += files.size(target)
            except (CannotEncode, OSError) as error:
                log.error("a part of the recording of session %s is lost: %s", recording.session_id, error)
            await self._loop.run_in_executor(self._disk, path.unlink, True)
        recording.encoded_bytes += pictures_bytes
        self._ask_again()

    @contextlib.asynccontextmanager
    async def _turn(self, recording: _Recording) -> AsyncIterator[None]:
        """One of the few places at the encoder; who waits for a session that is over goes first."""
        if self._encoders >= _AT_A_TIME:
            mine: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append((recording, mine))
            await mine
        else:
            self._encoders += 1
        try:
            yield
        finally:
            waiting = [entry for entry in self._waiting if not entry[1].done()]
            following = min(waiting, key=lambda entry: not entry[0].is_over, default=None)
            self._waiting = [entry for entry in waiting if entry is not following]
            if following is None:
                self._encoders -= 1
            else:
                following[1].set_result(None)

    # -- after it ------------------------------------------------------------------------------------------

    async def _finish(
        self,
        recording: _Recording,
        recorder: Recorder,
        look: "asyncio.Future[Frame | None] | None",
        ended_at: float,
    ) -> None:
        last = await look if look is not None else None
        if last is not None:
            # Of a session that was over so soon it is the only one, and stands for all of it.
            at = min(last.at, ended_at) if recorder.taken_bytes else recording.began_at
            try:
                recorder.take(replace(last, at=at))
            except ValueError:
                log.exception("the last picture of a recording could not be read")
        await asyncio.wrap_future(recorder.finish(ended_at))
        # What the writing thread said of the last file comes in before this, or in this very turn of the loop.
        await asyncio.sleep(0)
        while recording.encoding:
            await asyncio.wait(tuple(recording.encoding))
        await self._hand_over(recording)

    async def _finish_left(self, recording: _Recording) -> None:
        for path in sorted(recording.folder.glob("*.mkv")):
            await self._encode(recording, path)
        await self._hand_over(recording)

    async def _hand_over(self, recording: _Recording) -> None:
        while True:
            try:
                recorded = await self._joined(recording)
                assert self._keeper is not None
                await self._keeper.keep(recorded)
                break
            except Exception as error:
                # A full disk, a database or a bucket that is away: none of them for ever.
                log.error("the recording of session %s cannot be kept yet: %s", recording.session_id, error)
                await asyncio.sleep(self._try_again_seconds)
        await self._loop.run_in_executor(self._disk, files.remove, recording.folder)
        self._all.pop(recording.session_id, None)
        self._ask_again()

    async def _joined(self, recording: _Recording) -> Recorded:
        folder, (width, height) = recording.folder, recording.size
        whole = await self._loop.run_in_executor(self._disk, files.concatenate, folder)
        if whole is None:
            return Recorded(recording.session_id)
        mp4, fragments, playlist = (folder / name for name in ("video.mp4", "fragments.mp4", "playlist.m3u8"))
        try:
            async with self._turn(recording):
                await self._ffmpeg.join(
                    whole, mp4=mp4, fragments=fragments, playlist=playlist, timeout_seconds=_JOIN_SECONDS
                )
        except CannotEncode as error:
            log.error("the recording of session %s is lost: %s", recording.session_id, error)
            return Recorded(recording.session_id)
        started_ms, duration_ms = await self._loop.run_in_executor(self._disk, _measured, folder, mp4, playlist)
        return Recorded(recording.session_id, mp4, fragments, playlist, started_ms, duration_ms, width, height)


def _join(recording: _Recording, screen: Screen, recorder: Recorder) -> None:
    recording.leave = screen.join(recorder)


def _measured(folder: Path, mp4: Path, playlist: Path) -> tuple[int, int]:
    duration_ms = files.duration_ms(mp4)
    files.correct_playlist(playlist, duration_ms)
    return files.started_ms(folder), duration_ms
