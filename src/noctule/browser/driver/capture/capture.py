"""What happens in one browser, taken from our own connection to it and told in batches.

A message is put aside as it comes and read a moment later, a few at a time, so that no command waits for it. Most is
read straight from the bytes; the few kinds that the driver reads itself come by ``on_event``.

What must always hold: memory is bounded at every stage, and what had no room is counted and told as ``left_out``; the
listener hears in the order of the clock within a batch, never of anything after the batch that is the last; a browser
that sends nonsense costs its own messages and nothing else.
"""

import asyncio
import contextlib
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any

from noctule.browser.cdp import CdpConnection
from noctule.browser.commands import CapturedEvent, CaptureLevel
from noctule.browser.driver.capture import messages, shaping
from noctule.browser.driver.capture.bodies import Bodies
from noctule.browser.driver.capture.clock import BrowserClock
from noctule.browser.driver.capture.errors import ErrorLog
from noctule.browser.driver.capture.exchanges import Exchanges
from noctule.browser.driver.capture.hops import Place
from noctule.browser.driver.capture.pages import Pages
from noctule.browser.driver.capture.sockets import Sockets

log = logging.getLogger(__name__)

Listener = Callable[[tuple[CapturedEvent, ...], bool], None]
"""Takes a batch, and whether it is the last."""

_MAX_QUEUED_BYTES = 8 * 1024 * 1024
_MAX_QUEUED = 20_000
_CONSOLE = b'{"method":"Console.'
_READ_EVERY_SECONDS = 0.25
_READ_AT_A_TIME = 150
_PAUSE_SECONDS = 0.003
_READ_AT_ONCE_AT_THE_END = 500
_MAX_EVENTS_A_SECOND = 500
_MAX_BURST = 3000
_MAX_CONSOLE_CHARACTERS = 4096
_ERROR_SETTLES_SECONDS = 0.4


class _Allowance:
    """How many events of one kind may be told: a page that shouts in one way is still heard in the others."""

    def __init__(self, now: float) -> None:
        self._left = float(_MAX_BURST)
        self._at = now

    def takes_one(self, now: float) -> bool:
        """Whether one more may be told."""
        if self._left < 1:
            self._left = min(_MAX_BURST, self._left + (now - self._at) * _MAX_EVENTS_A_SECOND)
            self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Capture:
    """Captures one browser from ``start`` until ``finish``. ``is_ours``: it runs on this machine's clock."""

    def __init__(self, connection: CdpConnection, *, is_ours: bool) -> None:
        self._connection = connection
        self._clock = BrowserClock(is_ours=is_ours)
        self._listener: Listener | None = None
        self._with_bodies = False
        self._is_ending = False
        self._queue: deque[tuple[float, bytes]] = deque()
        self._queued_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._events: list[tuple[float, str, dict[str, Any]]] = []
        self._left_out: Counter[str] = Counter()
        self._allowances: dict[str, _Allowance] = {}
        self._errors = ErrorLog()
        self._bodies = Bodies(connection, self._body_came)
        self._pages = Pages(self._clock, self._tell)
        self._exchanges = Exchanges(self._clock, self._exchange_over, wants_body=self._wants_body)
        self._sockets = Sockets(self._clock, self._exchange_over, with_texts=False)

    @property
    def is_on(self) -> bool:
        """Whether anything is captured."""
        return self._listener is not None

    def start(self, level: CaptureLevel, listener: Listener) -> None:
        """Begin; what the targets have to be told for it is in ``calls``."""
        if level == "off":
            return
        self._clock.begin()
        self._listener = listener
        self._with_bodies = level == "bodies"
        self._sockets = Sockets(self._clock, self._exchange_over, with_texts=self._with_bodies)
        self._connection.taken_events = messages.TAKEN
        self._connection.on_taken = self._take
        self._pages.begin()
        self._schedule(_READ_EVERY_SECONDS)

    def on_event(self, session_id: str, method: str, params: dict[str, Any]) -> None:
        """One of the events that the driver reads as well. Call it before the driver's own handler."""
        if method in self._pages.METHODS:
            with self._unharmed():
                if self._listener is not None and not self._clock.is_set:
                    self._set_clock(float(params.get("timestamp", 0.0)))
                self._pages.take(session_id, method, params, is_told=self._listener is not None)

    def on_log(self, data: bytes) -> None:
        """A piece of what the browser wrote to its log."""
        if self._listener is not None:
            self._errors.feed(data, self._clock.now)

    def finish(self) -> None:
        """Tell what there is, as the last batch: a little is read at once, much behind the caller's back."""
        if self._listener is None or self._is_ending:
            return
        self._is_ending = True
        self._stop()
        self._read(_READ_AT_ONCE_AT_THE_END)
        self._end_or_go_on()

    def drop(self) -> None:
        """Tell nothing more but that this was all, unless ``finish`` was called: then it goes on to its end."""
        if not self._is_ending:
            self._stop()
            self._events.clear()
            self._left_out.clear()
            self._deliver(is_last=True)

    def _stop(self) -> None:
        self._connection.on_taken = None
        if self._timer is not None:
            self._timer.cancel()
        self._bodies.close()

    # -- taking in -----------------------------------------------------------------------------------------

    def _take(self, payload: bytes) -> None:
        if not messages.is_read(payload):
            return
        most = _MAX_QUEUED // 2 if payload.startswith(_CONSOLE) else _MAX_QUEUED
        if len(self._queue) >= most or self._queued_bytes + len(payload) > _MAX_QUEUED_BYTES:
            self._left_out["messages of the browser came faster than they could be read"] += 1
            return
        if not self._clock.is_set:
            with contextlib.suppress(ValueError):
                self._set_clock(messages.timestamp_of(payload))
        self._queue.append((self._clock.now, payload))
        self._queued_bytes += len(payload)
        if self._with_bodies and len(self._queue) == 1:
            # A body can be asked for only as long as its page is there.
            self._schedule(0.0)

    def _set_clock(self, timestamp: float) -> None:
        """A browser elsewhere says how late it is there; what was noted before that moves along."""
        if moved := self._clock.set(timestamp):
            self._events = [(at + moved, kind, data) for at, kind, data in self._events]
            self._queue = deque((came + moved, payload) for came, payload in self._queue)
            self._allowances.clear()

    def _schedule(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._work)

    def _work(self) -> None:
        self._read(_READ_AT_A_TIME)
        if self._queue:
            self._schedule(_PAUSE_SECONDS)
            return
        self._settle()
        self._deliver(is_last=False)
        self._schedule(_READ_EVERY_SECONDS)

    def _end_or_go_on(self) -> None:
        if self._queue:
            self._read(_READ_AT_A_TIME)
            asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._end_or_go_on)
            return
        now = self._clock.now
        for unfinished in (self._exchanges.finish(), self._sockets.finish()):
            with self._unharmed():
                for exchange in unfinished:
                    self._tell(now, "request", exchange)
        self._settle(is_last=True)
        self._deliver(is_last=True)

    def _settle(self, *, is_last: bool = False) -> None:
        now = self._clock.now
        with self._unharmed():
            if gone := self._pages.forget_gone():
                self._exchanges.leave(gone, now)
                self._sockets.leave(gone, now)
            self._exchanges.settle(now)
        for error in self._errors.settled(now if is_last else now - _ERROR_SETTLES_SECONDS):
            self._tell(
                error.heard,
                "page_error",
                {
                    "text": shaping.cut(error.text, _MAX_CONSOLE_CHARACTERS),
                    "url": shaping.cut_url(error.url),
                    "line": error.line,
                },
            )

    def _read(self, at_most: int) -> None:
        for _ in range(min(at_most, len(self._queue))):
            came, payload = self._queue.popleft()
            self._queued_bytes -= len(payload)
            with self._unharmed():
                session_id, message = messages.decode(payload)
                self._read_one(session_id, message, came, len(payload))

    @contextlib.contextmanager
    def _unharmed(self) -> Iterator[None]:
        """A browser of another kind may say things in another form."""
        try:
            yield
        except Exception as error:
            log.debug("a message could not be captured: %s", type(error).__name__)
            self._left_out["messages of the browser were not understood"] += 1

    def _read_one(self, session_id: str, message: messages.Message, came: float, size: int) -> None:
        place = self._pages.place(session_id)
        if place is None:
            return
        if isinstance(message, messages.ConsoleMessage):
            self._console(place, message.message, came)
            return
        if not self._sockets.take(place, message, came):
            self._exchanges.take(place, message, came, size)

    def _console(self, place: Place, said: messages.ConsoleText, came: float) -> None:
        self._errors.heard(said.text)
        self._tell(
            came,
            "console",
            {
                "tab": place.tab,
                "target": place.target,
                "level": said.level,
                "text": shaping.cut(said.text, _MAX_CONSOLE_CHARACTERS),
                "source": said.source,
                "url": shaping.cut_url(said.url),
                "line": said.line,
                "column": said.column,
            },
        )

    # -- bodies --------------------------------------------------------------------------------------------

    def _wants_body(self, request_id: str, hop: Any) -> bool:
        return self._with_bodies and self._bodies.ask(request_id, hop)

    def _body_came(self, request_id: str, body: dict[str, Any] | None) -> None:
        self._exchanges.give_body(request_id, body)

    # -- telling -------------------------------------------------------------------------------------------

    def _exchange_over(self, ended: float, exchange: dict[str, Any]) -> None:
        self._tell(ended, "request", exchange)

    def _tell(self, at: float, kind: str, data: dict[str, Any]) -> None:
        if self._listener is None:
            return
        allowance = self._allowances.get(kind) or self._allowances.setdefault(kind, _Allowance(self._clock.now))
        if allowance.takes_one(self._clock.now):
            self._events.append((at, kind, data))
        else:
            self._left_out[f"too many events of kind {kind}"] += 1

    def _deliver(self, *, is_last: bool) -> None:
        for why, count in self._left_out.items():
            self._events.append((self._clock.now, "left_out", {"count": count, "why": why}))
        self._left_out.clear()
        events, self._events = self._events, []
        listener = self._listener
        if listener is None or not (events or is_last):
            return
        if is_last:
            self._listener = None
        events.sort(key=lambda event: event[0])
        told = tuple(CapturedEvent(self._clock.at(at), kind, data) for at, kind, data in events)  # type: ignore[arg-type]
        try:
            listener(told, is_last)
        except Exception:
            log.exception("what was captured could not be handed on")
