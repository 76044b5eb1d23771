"""One session's frames, onto the disk as they come.

What must always hold: a picture that was written is readable whatever happens to us afterwards; the event loop never
waits for the disk; what waits in memory, and on the disk to be encoded, is bounded, at the price of pictures.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import IO

from noctule.browser.driver.picture import size
from noctule.browser.recording import files
from noctule.browser.recording.files import Size
from noctule.browser.recording.matroska import Writer
from noctule.browser.screen import Frame

log = logging.getLogger(__name__)

FRAMES_PER_SECOND = 4.0
_SEGMENT_MS = 10_000
# A picture that stays is written again so often: players find their way, and no time in a file grows too large.
_LONGEST_STILL_MS = 60_000
# No session lives half as long: what says so is a clock that was set.
_LONGEST_GAP_MS = 48 * 3_600_000
_MOST_UNWRITTEN = 8

Segmented = Callable[[Path], None]


class Recorder:
    """Takes the frames of one session; ``taken_bytes`` is how much of them. ``has_room`` tells whether to go on.

    On the writing thread, ``segmented`` is called with each file that nothing will be added to any more, and
    ``willing`` when frames are wanted again after one was not.
    """

    frames_per_second = FRAMES_PER_SECOND

    def __init__(
        self,
        folder: Path,
        view: Size,
        disk: Executor,
        *,
        has_room: Callable[[], bool],
        segmented: Segmented,
        willing: Callable[[], None],
    ) -> None:
        self.taken_bytes = 0
        self._started_at: float | None = None
        self._last_ms = 0
        self._folder = folder
        self._view = view
        self._disk = disk
        self._has_room = has_room
        self._segmented = segmented
        self._willing = willing
        self._has_refused = False
        # Each is written by one thread alone.
        self._submitted = 0
        self._written = 0
        self._number = 0
        self._segment_ms: int | None = None
        self._size = (0, 0)
        self._jpeg = b""
        self._open: tuple[IO[bytes], Writer, Path] | None = None
        self._failed = False

    def wants(self) -> bool:
        # Before the look at what is written: else all of it could be written in between, and nobody would ask again.
        self._has_refused = True
        is_behind = self._submitted - self._written >= _MOST_UNWRITTEN
        self._has_refused = is_behind
        return not (is_behind or self._failed) and self._has_room()

    def take(self, frame: Frame) -> None:
        if self._started_at is None:
            self._started_at = frame.at
            self._submit(files.begin, self._folder, self._view, round(frame.at * 1000))
        at_ms = max(self._ms(frame.at), self._last_ms + 1 if self._jpeg else 0)
        shape = size(frame.jpeg)
        self._fill(at_ms)
        if self._segment_ms is None or at_ms - self._segment_ms >= _SEGMENT_MS or shape != self._size:
            self._size, self._segment_ms = shape, at_ms
            self._submit(self._next, shape)
        self._add(at_ms, frame.jpeg)

    def finish(self, ended_at: float) -> "Future[None]":
        """The session ended then; done when all is on the disk. Nothing may be taken after it."""
        if self._started_at is not None and self._jpeg:
            at_ms = self._ms(ended_at)
            self._fill(at_ms)
            if at_ms > self._last_ms:
                self._add(at_ms, self._jpeg)
        return self._submit(self._close)

    # -- on the event loop ---------------------------------------------------------------------------------

    def _ms(self, at: float) -> int:
        """Where in the film that instant is."""
        assert self._started_at is not None
        at_ms = round((at - self._started_at) * 1000)
        if at_ms - self._last_ms > _LONGEST_GAP_MS:
            self._started_at = at - (self._last_ms + 1) / 1000
            at_ms = self._last_ms + 1
        return at_ms

    def _fill(self, until_ms: int) -> None:
        while self._jpeg and self._last_ms + _LONGEST_STILL_MS < until_ms:
            self._add(self._last_ms + _LONGEST_STILL_MS, self._jpeg)

    def _add(self, at_ms: int, jpeg: bytes) -> None:
        self._last_ms, self._jpeg = at_ms, jpeg
        self.taken_bytes += len(jpeg)
        self._submit(self._write, at_ms, jpeg)

    def _submit(self, work: Callable[..., None], *arguments: object) -> "Future[None]":
        self._submitted += 1
        return self._disk.submit(self._done, work, *arguments)

    # -- on the writing thread -----------------------------------------------------------------------------

    def _done(self, work: Callable[..., None], *arguments: object) -> None:
        try:
            if not self._failed or work == self._close:
                work(*arguments)
        except OSError as error:
            self._failed = True
            log.error("a recording stopped: its frames cannot be written: %s", error)
        finally:
            self._written += 1
            if self._has_refused:
                self._has_refused = False
                self._willing()

    def _next(self, shape: tuple[int, int]) -> None:
        self._close()
        path = self._folder / f"{self._number:06d}.mkv"
        self._number += 1
        file = path.open("wb")
        writer = Writer()
        self._open = (file, writer, path)
        file.write(writer.head(*shape))
        file.flush()

    def _write(self, at_ms: int, jpeg: bytes) -> None:
        assert self._open is not None
        file, writer, _ = self._open
        file.write(writer.picture(at_ms, jpeg))
        file.flush()

    def _close(self) -> None:
        if self._open is not None:
            file, _, path = self._open
            self._open = None
            try:
                file.close()
            finally:
                # On a full disk what was written before is whole.
                self._segmented(path)
