"""One screencast of a session's page, for any number of takers.

What must always hold:

- No taker, no screencast. While nothing changes on the page, it costs nothing.
- A taker is never waited for: it gets the newest frame when it wants one, and at its own pace; frames between are
  lost to it, the last one never is.
- The screencast is that of the tab in view (``Tabs.in_view``), whoever opened it, and goes on after navigations,
  crashes and new sizes. It is our connection's own: other clients' screencasts of the same page are not touched.

Two ways of casting. Where somebody wants many frames a second the screencast runs, and each frame is acknowledged when
the next is due, since the browser sends no more than two ahead. Where a few a second do, an endless screencast would
still draw and compress every change, whatever is acknowledged; so it is stopped once a frame has come and started
again when the next is due. Started, it sends the present picture first, which shows whether anything has changed.
"""

import asyncio
import base64
import binascii
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from noctule.browser.driver.tab import Tab
from noctule.browser.driver.tabs import Tabs

log = logging.getLogger(__name__)

MOST_FRAMES_PER_SECOND = 30.0
# Up to this pace frames are sampled; above it the screencast runs.
_SAMPLED_FRAMES_PER_SECOND = 10.0
# A taker that wanted nothing for so long no longer sets the pace.
_STUCK_SECONDS = 1.0
# Chromium loses a picture now and then that changes while a page is being opened, so that a page which came to rest is
# looked at once more after so long.
_REST_SECONDS = 1.0
# How long the picture of one moment may take to come, on a machine that is busy.
_LOOK_SECONDS = 0.4
# Its first picture may be of before a change that is being drawn: that one follows a frame or two later.
_DRAWN_SECONDS = 0.06
# How long a picture may have been on its way.
_OLDEST_SECONDS = 60.0
_QUALITY = 75
_MOST_PIXELS_A_SIDE = 2560


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a page.

    ``at`` is when it was drawn, in epoch seconds. ``width`` and ``height`` are the size of the page's view in CSS
    pixels (the picture may be smaller), ``scale`` its pinch zoom, ``offset_top`` what is above the page in the picture,
    in CSS pixels, ``scroll_x`` and ``scroll_y`` where the page is scrolled to.
    """

    jpeg: bytes
    at: float
    tab_id: str
    width: int
    height: int
    scale: float
    offset_top: float
    scroll_x: float
    scroll_y: float


class Taker(Protocol):
    """Somebody who takes frames. ``frames_per_second`` is the most that it takes."""

    @property
    def frames_per_second(self) -> float: ...

    def wants(self) -> bool:
        """Whether it takes a frame now; once it does again, ``Screen.ready`` is to be called."""
        ...

    def take(self, frame: Frame) -> None:
        """Take a frame. Never blocks."""
        ...


class _Seat:
    """A taker's place: what it was given last, and when it may have the next."""

    def __init__(self, taker: Taker, now: float) -> None:
        self.taker = taker
        self.given: Frame | None = None
        self.next_at = now
        self.wanted_at = now
        self.timer: asyncio.TimerHandle | None = None

    def wants(self, now: float) -> bool:
        if self.taker.wants():
            self.wanted_at = now
            return True
        return False

    @property
    def pace(self) -> float:
        return min(max(self.taker.frames_per_second, 0.1), MOST_FRAMES_PER_SECOND)


class Screen:
    """The page of one session, as pictures. All methods belong to one event loop and return at once.

    ``ended`` is done, with a sentence for people, when the session is over; nobody is given a frame after that.
    """

    def __init__(self, tabs: Tabs) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[str] = self._loop.create_future()
        self._tabs = tabs
        self._seats: dict[int, _Seat] = {}
        self._next_seat = 0
        self._tab: Tab | None = None
        self._is_casting = False
        self._last: Frame | None = None
        self._last_seen: tuple[str, dict[str, Any]] = ("", {})
        self._unacknowledged: deque[int] = deque()
        self._acknowledged_at = 0.0
        self._again_at = 0.0
        self._rested_at = 0.0
        self._is_settled = False
        self._timer: asyncio.TimerHandle | None = None
        self._look: asyncio.Future[Frame | None] | None = None
        self._looked_at = 0.0
        tabs.on_view = self._on_view
        tabs.on_screencast_frame = self._on_frame

    def join(self, taker: Taker) -> Callable[[], None]:
        """Give the taker frames from now on, the present one as soon as it wants it; answers how to leave."""
        number = self._next_seat = self._next_seat + 1
        seat = self._seats[number] = _Seat(taker, self._loop.time())
        if self.ended.done():
            self._seats.clear()
        else:
            self._serve(number, seat)
            self._keep_going()

        def leave() -> None:
            self._remove(number)

        return leave

    def ready(self) -> None:
        """A taker wants frames again."""
        for number, seat in list(self._seats.items()):
            self._serve(number, seat)
        self._keep_going()

    def last_look(self) -> "asyncio.Future[Frame | None]":
        """The picture of this moment, for a session that is about to be closed; it comes after that, within half a
        second, as long as the browser is there. ``None`` where it does not."""
        if self._look is None:
            self._look, self._looked_at = self._loop.create_future(), time.time()
            self._stop()
            if self._start():
                self._loop.call_later(_LOOK_SECONDS, self._end_look)
            else:
                self._end_look()
        return self._look

    def close(self, reason: str) -> None:
        """The session is over."""
        if self.ended.done():
            return
        for number in list(self._seats):
            self._remove(number)
        self._tabs.on_view = None
        self.ended.set_result(reason)
        if not self._is_looking:
            self._tabs.on_screencast_frame = None

    # -- the last look -------------------------------------------------------------------------------------

    @property
    def _is_looking(self) -> bool:
        return self._look is not None and not self._look.done()

    def _end_look(self) -> None:
        if self._look is not None and not self._look.done():
            self._look.set_result(self._last)
            self._tabs.on_screencast_frame = None
            self._stop()

    # -- takers --------------------------------------------------------------------------------------------

    def _serve(self, number: int, seat: _Seat) -> None:
        """Give the newest frame to a taker that wants it and whose time has come."""
        now = self._loop.time()
        if self._last is None or seat.given is self._last or not seat.wants(now):
            return
        if now < seat.next_at:
            if seat.timer is None:
                seat.timer = self._loop.call_at(seat.next_at, self._serve_later, number, seat)
            return
        seat.given = self._last
        seat.next_at = now + 1 / seat.pace
        try:
            seat.taker.take(self._last)
        except Exception:
            log.exception("a taker of frames failed, and gets no more")
            self._remove(number)

    def _serve_later(self, number: int, seat: _Seat) -> None:
        seat.timer = None
        self._serve(number, seat)

    def _remove(self, number: int) -> None:
        seat = self._seats.pop(number, None)
        if seat is not None and seat.timer is not None:
            seat.timer.cancel()
        if not self._seats:
            if not self._is_looking:
                self._stop()
            # It grows old from now on.
            self._last, self._last_seen = None, ("", {})

    def _pace(self) -> float:
        """Frames a second that are wanted; 0 when nobody wants one."""
        now = self._loop.time()
        return max((seat.pace for seat in self._seats.values() if seat.wants(now)), default=0.0)

    def _is_sampling(self) -> bool:
        now = self._loop.time()
        live = (seat for seat in self._seats.values() if seat.pace > _SAMPLED_FRAMES_PER_SECOND)
        return not any(seat.wants(now) or now - seat.wanted_at < _STUCK_SECONDS for seat in live)

    # -- casting -------------------------------------------------------------------------------------------

    def _on_view(self) -> None:
        """Another tab is in view, or the one that was is there again after a crash."""
        self._stop()
        self._again_at = 0.0
        self._is_settled = False
        self._keep_going()

    def _keep_going(self) -> None:
        """Do what is due: begin a cast, or let the running one go on. Comes back by itself when it is too early."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._seats or (pace := self._pace()) == 0.0:
            return
        now = self._loop.time()
        if not self._is_casting:
            due = self._again_at if self._is_sampling() else min(self._again_at, now)
            if now >= due:
                self._rested_at = now
                if not self._start():
                    return
                due = now + _REST_SECONDS
        elif self._unacknowledged:
            due = self._acknowledged_at + 1 / pace
            if now >= due:
                self._acknowledge(now)
                due = now + (1 / pace if self._unacknowledged else _REST_SECONDS)
        elif self._is_settled:
            return
        elif now >= (due := self._rested_at + _REST_SECONDS):
            self._is_settled = True
            self._stop()
            self._start()
            return
        self._timer = self._loop.call_at(due, self._keep_going)

    def _start(self) -> bool:
        tab = self._tabs.in_view
        if tab is None or tab.closed:
            return False
        self._tab, self._is_casting = tab, True
        self._unacknowledged.clear()
        side = _MOST_PIXELS_A_SIDE
        tab.post("Page.startScreencast", {"format": "jpeg", "quality": _QUALITY, "maxWidth": side, "maxHeight": side})
        return True

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._is_casting and self._tab is not None and not self._tab.closed:
            self._tab.post("Page.stopScreencast")
        self._is_casting = False
        self._unacknowledged.clear()

    def _is_cast(self, tab: Tab) -> bool:
        return self._is_casting and tab is self._tab

    def _acknowledge(self, now: float) -> None:
        assert self._tab is not None
        self._acknowledged_at = now
        self._tab.post("Page.screencastFrameAck", {"sessionId": self._unacknowledged.popleft()})

    def _on_frame(self, tab: Tab, params: dict[str, Any]) -> None:
        if not self._is_cast(tab):
            return
        if self._is_looking:
            # One that was on its way already is of before.
            is_of_now = float(params["metadata"].get("timestamp") or 0) >= self._looked_at
            self._keep(tab, params)
            if is_of_now:
                self._loop.call_later(max(_DRAWN_SECONDS, time.time() - self._looked_at), self._end_look)
            return
        self._unacknowledged.append(int(params["sessionId"]))
        is_new = self._keep(tab, params)
        if is_new:
            self._rested_at = self._loop.time()
            self._is_settled = False
            for number, seat in list(self._seats.items()):
                self._serve(number, seat)
        if not self._is_cast(tab):
            return
        if not self._is_sampling():
            self._keep_going()
        elif is_new:
            self._stop()
            self._again_at = self._loop.time() + 1 / (self._pace() or _SAMPLED_FRAMES_PER_SECOND)
            self._keep_going()
        else:
            self._acknowledge(self._loop.time())
            self._keep_going()

    def _keep(self, tab: Tab, params: dict[str, Any]) -> bool:
        """Take the frame in, if it shows anything new."""
        data, metadata = params["data"], params["metadata"]
        now, at = time.time(), float(metadata.pop("timestamp", 0))
        if not now - _OLDEST_SECONDS <= at <= now + 1:
            # Somebody else's browser has a clock of its own, and may say what it likes.
            at = now
        metadata.pop("monotonicTimestamp", None)
        last, seen = self._last, (data, metadata)
        if last is not None and last.tab_id == tab.target_id and (seen == self._last_seen or at < last.at):
            return False
        try:
            jpeg = base64.b64decode(data)
        except binascii.Error:
            return False
        self._last_seen = seen
        self._last = Frame(
            jpeg=jpeg,
            at=at,
            tab_id=tab.target_id,
            width=int(metadata["deviceWidth"]),
            height=int(metadata["deviceHeight"]),
            scale=float(metadata["pageScaleFactor"]),
            offset_top=float(metadata["offsetTop"]),
            scroll_x=float(metadata["scrollOffsetX"]),
            scroll_y=float(metadata["scrollOffsetY"]),
        )
        return True
