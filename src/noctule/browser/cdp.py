"""Our own connection to a browser's DevTools endpoint: a WebSocket that speaks JSON messages.

What must always hold:

- Every call is bounded by a time-out, and ends at once when its connection or its target session goes away.
- No answer, however large, can end the connection or fill our memory: a message of more than
  ``MAX_MESSAGE_BYTES`` is thrown away as it arrives, and the call that it answers fails.
- ``post`` never waits, so that a handler can answer an event inside the same turn of the loop: hence a bare
  transport, and no WebSocket library, whose ``send`` is a coroutine.
"""

import asyncio
import base64
import hashlib
import json
import logging
import os
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from noctule.browser.websocket import CLOSE, MAX_MESSAGE_BYTES, PING, PONG, TEXT, Frame, FrameReader, frame

log = logging.getLogger(__name__)

_MAX_PENDING_CALLS = 1000
_MAX_UNSENT_BYTES = 64 * 1024 * 1024
_MAX_HANDSHAKE_BYTES = 16 * 1024

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ANSWER_ID = re.compile(rb'^\s*\{\s*"id"\s*:\s*(\d+)')

EventHandler = Callable[[str, str, dict[str, Any]], None]


class CdpError(Exception):
    """The browser answered a call with an error, or could not answer it."""


class CdpTimeout(CdpError):
    """The browser did not answer a call in time."""


class CdpClosed(CdpError):
    """The connection, or the target that the call was for, is gone."""


@dataclass(slots=True)
class _Call:
    answer: asyncio.Future[dict[str, Any]]
    method: str
    session_id: str


class CdpConnection(asyncio.Protocol):
    """One client of a browser. Calls go out by ``call`` and ``post``; events come in by ``on_event``."""

    def __init__(self, host_header: str, path: str, extra_headers: tuple[tuple[str, str], ...] = ()) -> None:
        loop = asyncio.get_running_loop()
        self.on_event: EventHandler = _ignore
        self.ignored_events: tuple[bytes, ...] = ()
        # Events that are handed on as they came, which costs a tenth of reading them.
        self.taken_events: tuple[bytes, ...] = ()
        self.on_taken: Callable[[bytes], None] | None = None
        self.closed: asyncio.Future[str] = loop.create_future()
        self._opened: asyncio.Future[None] = loop.create_future()
        self._key = base64.b64encode(os.urandom(16))
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host_header}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {self._key.decode()}",
            "Sec-WebSocket-Version: 13",
            *(f"{name}: {value}" for name, value in extra_headers),
        ]
        self._request = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self._handshake = bytearray()
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._calls: dict[int, _Call] = {}
        self._last_id = 0

    @classmethod
    async def connect(
        cls,
        host: str,
        port: int,
        path: str,
        *,
        timeout_seconds: float = 10.0,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        extra_headers: tuple[tuple[str, str], ...] = (),
    ) -> "CdpConnection":
        """Connect to ``host``, an address; ``server_name`` is its name for TLS and the ``Host`` header.

        Raises ``CdpClosed`` when no WebSocket can be had there inside the time-out.
        """
        loop = asyncio.get_running_loop()
        name = server_name or host
        host_header = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
        connection: CdpConnection | None = None
        try:
            async with asyncio.timeout(timeout_seconds):
                _, connection = await loop.create_connection(
                    lambda: cls(host_header, path, extra_headers),
                    host,
                    port,
                    ssl=tls,
                    server_hostname=name if tls else None,
                )
                await connection._opened
        except TimeoutError:
            if connection is not None:
                connection.abort()
            raise CdpClosed(f"no DevTools connection within {timeout_seconds:g} s") from None
        except OSError as error:
            raise CdpClosed(f"no DevTools connection: {error}") from error
        except BaseException:
            if connection is not None:
                connection.abort()
            raise
        return connection

    async def call(
        self, method: str, params: dict[str, Any] | None = None, *, session_id: str = "", timeout_seconds: float = 10.0
    ) -> dict[str, Any]:
        """Call a method of the browser (``session_id`` empty) or of one of its targets; answers its result.

        Raises ``CdpTimeout``, ``CdpClosed``, or ``CdpError`` with the browser's own message.
        """
        if len(self._calls) >= _MAX_PENDING_CALLS:
            raise CdpError("too many calls are waiting for the browser")
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        message_id = self._send(method, params, session_id)
        self._calls[message_id] = _Call(answer, method, session_id)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await answer
        except TimeoutError:
            raise CdpTimeout(f"{method} was not answered within {timeout_seconds:g} s") from None
        finally:
            self._calls.pop(message_id, None)

    def post(self, method: str, params: dict[str, Any] | None = None, *, session_id: str = "") -> None:
        """Send a call whose answer does not matter. Does nothing once the connection is closed."""
        if not self.closed.done():
            self._send(method, params, session_id)

    def fail_session(self, session_id: str, reason: str) -> None:
        """End all calls on a target that is gone: the browser will not answer them."""
        for call in self._calls.values():
            if call.session_id == session_id and not call.answer.done():
                call.answer.set_exception(CdpClosed(reason))

    def abort(self) -> None:
        """Close at once. Idempotent."""
        if self._transport is not None:
            self._transport.abort()
        self._close("closed by us")

    # -- asyncio.Protocol ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, not a check: uvloop's transports are not subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        try:
            if not self._opened.done():
                rest = self._read_handshake(data)
                if rest is None:
                    return
                data = rest
            for received in self._reader.feed(data):
                self._frame_received(received)
        except ValueError as error:
            self._fail(f"the browser's DevTools connection broke: {error}")

    def connection_lost(self, error: Exception | None) -> None:
        self._close("the browser closed its DevTools connection" if error is None else f"connection lost: {error}")

    # -- inside --------------------------------------------------------------------------------------------

    def _send(self, method: str, params: dict[str, Any] | None, session_id: str) -> int:
        if self.closed.done() or self._transport is None:
            raise CdpClosed("the DevTools connection is closed")
        if self._transport.get_write_buffer_size() > _MAX_UNSENT_BYTES:
            self._fail("the browser stopped reading its DevTools connection")
            raise CdpClosed("the browser stopped reading its DevTools connection")
        self._last_id += 1
        message: dict[str, Any] = {"id": self._last_id, "method": method}
        if params is not None:
            message["params"] = params
        if session_id:
            message["sessionId"] = session_id
        self._transport.write(frame(TEXT, _encode(message)))
        return self._last_id

    def _read_handshake(self, data: bytes) -> bytes | None:
        self._handshake += data
        end = self._handshake.find(b"\r\n\r\n")
        if end < 0:
            if len(self._handshake) > _MAX_HANDSHAKE_BYTES:
                raise ValueError("the answer to the WebSocket handshake is too long")
            return None
        status, *lines = bytes(self._handshake[:end]).split(b"\r\n")
        if b" 101" not in status[:13]:
            raise ValueError(f"no WebSocket there, but {status[:80].decode('latin-1')!r}")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        expected = base64.b64encode(hashlib.sha1(self._key + _GUID, usedforsecurity=False).digest())
        if headers.get(b"sec-websocket-accept") != expected:
            raise ValueError("the WebSocket handshake was not understood")
        rest = bytes(self._handshake[end + 4 :])
        self._handshake.clear()
        self._opened.set_result(None)
        return rest

    def _frame_received(self, received: Frame) -> None:
        if received.opcode == TEXT:
            if received.truncated:
                self._drop(received.payload)
            elif self.on_taken is not None and received.payload.startswith(self.taken_events):
                self.on_taken(received.payload)
            elif not received.payload.startswith(self.ignored_events):
                self._message_received(_decode(received.payload))
        elif received.opcode == PING:
            assert self._transport is not None
            self._transport.write(frame(PONG, received.payload))
        elif received.opcode == CLOSE:
            self._fail("the browser closed its DevTools connection")

    def _message_received(self, message: dict[str, Any]) -> None:
        message_id = message.get("id")
        if message_id is None:
            try:
                self.on_event(message.get("sessionId", ""), message.get("method", ""), message.get("params") or {})
            except Exception:
                # What a page or a browser of another kind says must not end the connection.
                log.exception("an event could not be taken in: %s", message.get("method"))
            return
        call = self._calls.get(message_id)
        if call is None or call.answer.done():
            return
        if (error := message.get("error")) is not None:
            text = " ".join(str(error[part]) for part in ("message", "data") if error.get(part))
            call.answer.set_exception(CdpError(text))
        else:
            call.answer.set_result(message.get("result") or {})

    def _drop(self, head: bytes) -> None:
        found = _ANSWER_ID.match(head)
        call = self._calls.get(int(found[1])) if found else None
        if call is not None and not call.answer.done():
            size = MAX_MESSAGE_BYTES // (1024 * 1024)
            call.answer.set_exception(CdpError(f"the answer is larger than {size} MiB"))

    def _fail(self, reason: str) -> None:
        if self._transport is not None:
            self._transport.abort()
        self._close(reason)

    def _close(self, reason: str) -> None:
        if self.closed.done():
            return
        self.closed.set_result(reason)
        if not self._opened.done():
            self._opened.set_exception(CdpClosed(reason))
            self._opened.exception()
        for call in self._calls.values():
            if not call.answer.done():
                call.answer.set_exception(CdpClosed(reason))


def _encode(message: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(message)
    except UnicodeEncodeError:
        return json.dumps(message).encode()


def _decode(payload: bytes) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(payload)
    except ValueError:
        # A page can put half a surrogate pair into any text, and so can a user; the strict codec refuses it.
        decoded = json.loads(payload.decode("utf-8", "surrogatepass"))
    if not isinstance(decoded, dict):
        raise ValueError("a message that is no object")
    return decoded


def _ignore(session_id: str, method: str, params: dict[str, Any]) -> None:
    """An event that nobody asked for."""
