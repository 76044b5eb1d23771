"""One client joined to one browser.

What must always hold: a client's message reaches the browser only as the judge passed it and as we wrote
it; the browser's bytes reach the client in order and unchanged but for the paths of this machine, and what we
say ourselves stands between messages, never inside one. What one side does not take is not read from the other,
so the memory of a relay is bounded by its write buffers and one message. Closing is bounded in time whatever
either side does.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from noctule.browser.door import Door
from noctule.browser.relay import frames, messages
from noctule.browser.relay.downloads import PROGRESS_PREFIX, without_folder
from noctule.browser.relay.frames import CloseCode, FrameCursor, FrameError, MessageReader, Opcode
from noctule.browser.relay.judge import Forward, Judge, Refuse
from noctule.browser.relay.targets import EVENT_LIMIT_BYTES, EVENT_PREFIX, Sessions
from noctule.browser.relay.upstream import Upstream, connect, no_delay

log = logging.getLogger(__name__)

CLIENT_MESSAGE_LIMIT_BYTES: Final = 64 << 20
BROWSER_MESSAGE_LIMIT_BYTES: Final = 256 << 20
CLOSE_TIMEOUT_SECONDS: Final = 3.0
_SILENT_INTERVALS: Final = 3
_HIGH_WATER_BYTES: Final = 1 << 20
_LOW_WATER_BYTES: Final = 1 << 18
_OWN_REPLIES_LIMIT_BYTES: Final = 1 << 16

_TEXT: Final = int(Opcode.TEXT)
_DATA: Final = int(Opcode.DATA)
_WATCHED: Final = (EVENT_PREFIX, PROGRESS_PREFIX)


@dataclass(frozen=True)
class Patience:
    """How long a relay waits for its two sides.

    A ping goes out every ``ping_interval_seconds``, and a side that is silent for three of them has missed
    two. A client that takes nothing of a full buffer for ``stuck_after_seconds`` is disconnected.
    """

    ping_interval_seconds: float = 20.0
    stuck_after_seconds: float = 60.0


class Relay(asyncio.Protocol):
    """The protocol of the client's connection, and the listener of the browser's.

    ``on_closed`` is called once, when both connections are gone.
    """

    def __init__(
        self,
        client: asyncio.Transport,
        upstream: Upstream,
        door: Door,
        on_closed: Callable[[], None],
        patience: Patience,
    ) -> None:
        self._client = client
        self._browser = upstream.transport
        self._upstream = upstream
        self._door = door
        self._on_closed = on_closed
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._sessions = Sessions()
        self._judge = Judge(
            door.downloads,
            self._sessions,
            has_window=door.has_window,
            on_denied_downloads=door.downloads_denied,
            page_is_open=door.page_is_open,
        )
        self._reader = MessageReader(CLIENT_MESSAGE_LIMIT_BYTES)
        self._cursor = FrameCursor(BROWSER_MESSAGE_LIMIT_BYTES, _WATCHED, EVENT_LIMIT_BYTES, self._shown)

        self._closing = False
        self._client_lost = False
        self._browser_lost = False
        self._deadline: asyncio.TimerHandle | None = None
        self._unregister: Callable[[], None] | None = None

        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._client_full = False
        self._browser_full = False
        self._replies_full = False
        self._reading_client = False
        self._stuck: asyncio.TimerHandle | None = None

        self._heard_client = self._heard_browser = True
        self._client_silent = self._browser_silent = 0
        self._beat_timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Take both connections over. The client's has been answered with 101 and is paused."""
        no_delay(self._client)
        for transport in (self._client, self._browser):
            transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES, low=_LOW_WATER_BYTES)
        self._client.set_protocol(self)
        self._beat_timer = self._loop.call_later(self._patience.ping_interval_seconds, self._beat)
        self._unregister = self._door.on_release(self._released)
        self._upstream.listen(self)
        self._gate_client()

    def close(self, code: int, reason: str) -> None:
        """Say good-bye to the client, let the browser go, and be gone within ``CLOSE_TIMEOUT_SECONDS``."""
        if not self._begin_closing():
            return
        if self._client.is_closing():
            return
        if self._cursor.between_messages:
            self._client.write(frames.frame(Opcode.CLOSE, frames.close_payload(code, reason)))
        else:
            # A close frame cannot stand inside a message that will never be complete.
            self._client.abort()

    def shutdown(self) -> None:
        """Called by uvicorn when the server stops."""
        self.close(CloseCode.GOING_AWAY, "The server is shutting down.")

    # -- the client's side ---------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._heard_client = True
        if not self._closing and (text := self._reader.whole_text(data)) is not None:
            self._from_client(text)
            return
        try:
            for opcode, payload in self._reader.feed(data):
                if opcode == _TEXT:
                    if not self._closing:
                        self._from_client(payload)
                else:
                    self._client_control(opcode, payload)
        except FrameError as error:
            # What follows is read afresh, for the client's own close frame is most likely next.
            self._reader = MessageReader(CLIENT_MESSAGE_LIMIT_BYTES)
            self.close(error.code, error.reason)

    def connection_lost(self, exc: Exception | None) -> None:
        self._client_lost = True
        self._begin_closing()
        self._finish()

    def pause_writing(self) -> None:
        self._client_full = True
        if not self._browser.is_closing():
            self._browser.pause_reading()
        if not self._closing:
            self._watch_stuck()

    def resume_writing(self) -> None:
        self._client_full = self._replies_full = False
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
        if not self._browser.is_closing():
            self._browser.resume_reading()
        self._gate_client()

    def _from_client(self, payload: bytes) -> None:
        self._door.touch()
        try:
            message = messages.parse(payload)
            verdict = self._judge.judge(message)
            if isinstance(verdict, Forward):
                self._browser.write(frames.masked_frame(_TEXT, messages.dump(verdict.message)))
                return
            if isinstance(verdict, Refuse):
                error = {"code": verdict.code, "message": verdict.message}
                self._say(frames.frame(_TEXT, messages.reply(message, error=error)))
                return
            self._say(frames.frame(_TEXT, messages.reply(message, result=verdict.result)))
            if verdict.hang_up:
                self.close(CloseCode.NORMAL, "The session goes on; stop it through the API.")
        except messages.NotText:
            self.close(CloseCode.INVALID_PAYLOAD, "A text message is not UTF-8.")
        except messages.NotAMessage:
            error = {"code": -32700, "message": "Message must be a valid JSON."}
            self._say(frames.frame(_TEXT, messages.reply(None, error=error)))

    def _client_control(self, opcode: int, payload: bytes) -> None:
        if opcode == Opcode.CLOSE:
            code, _ = frames.read_close(payload)
            answer = b"" if code == CloseCode.NO_STATUS else frames.close_payload(code)
            first = self._begin_closing()
            if first and self._cursor.between_messages:
                self._client.write(frames.frame(Opcode.CLOSE, answer))
            self._client.close()
        elif self._closing or opcode == Opcode.PONG:
            return
        elif opcode == Opcode.PING:
            self._say(frames.frame(Opcode.PONG, payload))
        else:
            self.close(CloseCode.UNSUPPORTED, "CDP is text.")

    def _say(self, data: bytes) -> None:
        """Send a frame of our own, as soon as it can stand between messages."""
        if self._cursor.between_messages:
            self._client.write(data)
        else:
            self._pending.append(data)
            self._pending_bytes += len(data)
        # A client that asks without reading the answers is not heard until it reads.
        if self._client_full or self._pending_bytes > _OWN_REPLIES_LIMIT_BYTES:
            self._replies_full = True
            self._gate_client()

    def _gate_client(self) -> None:
        wanted = self._closing or not (self._browser_full or self._replies_full)
        if wanted != self._reading_client and not self._client.is_closing():
            self._reading_client = wanted
            if wanted:
                self._client.resume_reading()
            else:
                self._client.pause_reading()

    # -- the browser's side --------------------------------------------------------------------------------

    def browser_sent(self, data: bytes) -> None:
        """Pass the browser's bytes on."""
        if self._closing:
            return
        self._heard_browser = True
        if payload_at := self._cursor.whole_message(data):
            if data.startswith(_WATCHED, payload_at):
                data = data[:payload_at] + self._shown(data[payload_at:])
            self._client.write(data)
            return
        try:
            for opcode, run in self._cursor.walk(data, every_frame=bool(self._pending)):
                if opcode == _DATA:
                    self._client.write(run)
                    if self._pending and self._cursor.between_messages:
                        self._say_pending()
                elif opcode == Opcode.PING:
                    self._browser.write(frames.masked_frame(Opcode.PONG, bytes(run)))
                elif opcode == Opcode.CLOSE:
                    self.close(CloseCode.GOING_AWAY, "The session's browser closed the connection.")
                    return
        except FrameError as error:
            self.close(CloseCode.TOO_BIG if error.code == CloseCode.TOO_BIG else CloseCode.INTERNAL_ERROR, error.reason)

    def _shown(self, event: bytes) -> bytes:
        """What the client is told in the place of an event that is watched."""
        if event.startswith(PROGRESS_PREFIX):
            return without_folder(event)
        self._sessions.note(event)
        return event

    def browser_full(self, full: bool) -> None:
        """Read the client only while the browser takes what it sends."""
        self._browser_full = full
        self._gate_client()

    def browser_lost(self) -> None:
        """The browser is gone, so the client goes too."""
        self._browser_lost = True
        self.close(CloseCode.GOING_AWAY, "The session's browser has gone.")
        self._finish()

    def _say_pending(self) -> None:
        self._client.write(b"".join(self._pending))
        self._pending.clear()
        self._pending_bytes = 0
        if self._replies_full and not self._client_full:
            self._replies_full = False
            self._gate_client()

    # -- time ----------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        """Ping both sides, and give up on one that has been silent for too long."""
        self._beat_timer = self._loop.call_later(self._patience.ping_interval_seconds, self._beat)
        # A side that we do not read, or that we have not got through to, cannot be heard.
        deaf = not self._reading_client or self._client_full
        self._client_silent = 0 if self._heard_client or deaf else self._client_silent + 1
        deaf = self._client_full or self._browser_full
        self._browser_silent = 0 if self._heard_browser or deaf else self._browser_silent + 1
        self._heard_client = self._heard_browser = False
        if self._client_silent >= _SILENT_INTERVALS:
            log.info("a CDP client has not answered two pings; it is disconnected")
            self._begin_closing()
            self._client.abort()
        elif self._browser_silent >= _SILENT_INTERVALS:
            self.close(CloseCode.GOING_AWAY, "The session's browser does not answer.")
        else:
            if self._cursor.between_messages and not self._client_full:
                self._client.write(frames.frame(Opcode.PING, b""))
            if not self._browser_full:
                self._browser.write(frames.masked_frame(Opcode.PING, b""))

    def _watch_stuck(self) -> None:
        buffered_bytes = self._client.get_write_buffer_size()
        self._stuck = self._loop.call_later(self._patience.stuck_after_seconds, self._check_stuck, buffered_bytes)

    def _check_stuck(self, buffered_bytes: int) -> None:
        if self._client.get_write_buffer_size() < buffered_bytes:
            self._watch_stuck()
        else:
            self.close(CloseCode.TRY_AGAIN_LATER, "The client does not read what it is sent.")

    # -- the end -------------------------------------------------------------------------------------------

    def _released(self, reason: str) -> None:
        self.close(CloseCode.GOING_AWAY, reason)

    def _begin_closing(self) -> bool:
        """Stop everything but the good-byes; whether this call was the first."""
        if self._closing:
            return False
        self._closing = True
        for timer in (self._beat_timer, self._stuck):
            if timer is not None:
                timer.cancel()
        if self._unregister is not None:
            self._unregister()
        self._deadline = self._loop.call_later(CLOSE_TIMEOUT_SECONDS, self._abort)
        if not self._browser.is_closing():
            self._browser.write(frames.masked_frame(Opcode.CLOSE, frames.close_payload(CloseCode.NORMAL)))
            self._browser.close()
        self._pending.clear()
        self._gate_client()
        return True

    def _abort(self) -> None:
        for transport in (self._client, self._browser):
            transport.abort()

    def _finish(self) -> None:
        if self._client_lost and self._browser_lost and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            if self._judge.has_set_downloads:
                self._door.downloads_left()
            self._on_closed()


async def open_relay(
    client: asyncio.Transport, response: bytes, door: Door, on_closed: Callable[[], None], patience: Patience
) -> Relay:
    """Connect to the browser, answer the client with ``response`` (its 101), and join the two.

    ``client`` must be paused. Raises ``OSError`` or ``BadHandshake`` before anything was answered.
    """
    upstream = await connect(door)
    relay = Relay(client, upstream, door, on_closed, patience)
    client.write(response)
    relay.start()
    return relay
