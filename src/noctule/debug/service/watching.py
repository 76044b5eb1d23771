"""What goes out to one client that watches: events, all of them, and frames, the newest one when it can take it.

What must always hold: nobody waits for a client. A frame that it cannot take yet is replaced by the next one; an event
is never dropped, so a client that lets too many of them wait is told so and let go. A client that acknowledges frames
is sent the next while at most one is on its way; one that never does is paced by its connection.
"""

import asyncio
from collections import deque

from noctule.browser.screen import Frame

MOST_EVENTS_WAITING = 1000
_MOST_BYTES_WAITING = 16 << 20
_MOST_ON_THEIR_WAY = 2


class Watcher:
    """One client's queue. ``next`` gives what is to be sent; ``sent`` says that it was. ``is_overrun`` says that the
    client was let go because it did not take its events."""

    def __init__(self, frames_per_second: float) -> None:
        self.frames_per_second = frames_per_second
        self._events: deque[str] = deque()
        self._events_bytes = 0
        self._frame: Frame | None = None
        self._is_sending = False
        self._is_paced = False
        self._on_their_way = 0
        self._is_over = False
        self.is_overrun = False
        self._something = asyncio.Event()

    # -- what comes in -------------------------------------------------------------------------------------

    def wants(self) -> bool:
        """Whether a frame would be sent at once."""
        has_room = not self._is_paced or self._on_their_way < _MOST_ON_THEIR_WAY
        return has_room and self._frame is None and not self._is_sending and not self._is_over

    def take(self, frame: Frame) -> None:
        """Send this frame next."""
        self._frame = frame
        self._something.set()

    def tell(self, text: str) -> None:
        """Send this event, after those that wait."""
        if self._is_over:
            return
        self._events.append(text)
        self._events_bytes += len(text)
        if len(self._events) > MOST_EVENTS_WAITING or self._events_bytes > _MOST_BYTES_WAITING:
            self._events.clear()
            self._is_over = self.is_overrun = True
        self._something.set()

    def end(self, last: str) -> None:
        """Send this event, and nothing after it."""
        self.tell(last)
        self._is_over = True
        self._frame = None
        self._something.set()

    def received(self) -> bool:
        """A frame has arrived; from now on receipts set the pace. Says whether one was on its way at all."""
        self._is_paced = True
        if self._on_their_way == 0:
            return False
        self._on_their_way -= 1
        return True

    # -- what goes out -------------------------------------------------------------------------------------

    async def next(self) -> str | Frame | None:
        """The next event or frame; ``None`` when nothing more will come."""
        while True:
            if self._events:
                text = self._events.popleft()
                self._events_bytes -= len(text)
                return text
            if self._is_over:
                return None
            if self._frame is not None:
                frame, self._frame = self._frame, None
                self._is_sending = True
                self._on_their_way += 1
                return frame
            self._something.clear()
            await self._something.wait()

    def sent(self) -> None:
        """What ``next`` gave is on its way."""
        self._is_sending = False
        if not self._is_paced:
            # Nobody has acknowledged anything yet; should the first receipt come now, it is for one of these.
            self._on_their_way = min(self._on_their_way, _MOST_ON_THEIR_WAY)
