"""WebSocket frames (RFC 6455) as the relay needs them: whole messages one way, boundaries the other.

``MessageReader`` turns a client's masked bytes into whole messages, since a message must be judged before
the browser sees any of it. ``FrameCursor`` follows the browser's unmasked bytes by their headers alone, so
that payloads are passed on as they came. Whatever way the bytes are cut, both give the same answer, and
neither holds more than its limit. Extensions are never negotiated, so a reserved bit is an error.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from typing import Final

from websockets.frames import apply_mask  # type: ignore[attr-defined]


class Opcode(IntEnum):
    """What a frame is. One is our own: ``DATA`` is a run of data frames."""

    DATA = -1
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class CloseCode(IntEnum):
    """Why a connection is closed; the numbers are of RFC 6455 and its registry."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED = 1003
    NO_STATUS = 1005
    INVALID_PAYLOAD = 1007
    TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    TRY_AGAIN_LATER = 1013


class FrameError(Exception):
    """The peer broke the protocol; ``code`` is what it is told."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


# Plain numbers for the paths that every message takes: an enum member costs a lookup each time.
_TEXT: Final = int(Opcode.TEXT)
_CONTINUATION: Final = int(Opcode.CONTINUATION)
_DATA: Final = int(Opcode.DATA)
_KNOWN: Final = frozenset(int(opcode) for opcode in Opcode if opcode >= 0)
_CONTROL_LIMIT_BYTES: Final = 125

_LENGTH_16 = struct.Struct("!BBH")
_LENGTH_64 = struct.Struct("!BBQ")
_CODE = struct.Struct("!H")


def frame(opcode: int, payload: bytes) -> bytes:
    """A final, unmasked frame, as a server sends it."""
    return _header(opcode, len(payload), 0) + payload


def masked_frame(opcode: int, payload: bytes) -> bytes:
    """A final frame under the zero key, as a client sends it.

    Masks protect web proxies from what a page makes a browser send; on a loopback connection of our own a
    key that changes nothing is as good as any, and costs no pass over the payload.
    """
    length = len(payload)
    if length < 126:
        return bytes((0x80 | opcode, 0x80 | length, 0, 0, 0, 0)) + payload
    return _header(opcode, length, 0x80) + b"\0\0\0\0" + payload


def _header(opcode: int, length: int, mask_bit: int) -> bytes:
    if length < 126:
        return bytes((0x80 | opcode, mask_bit | length))
    if length < 1 << 16:
        return _LENGTH_16.pack(0x80 | opcode, mask_bit | 126, length)
    return _LENGTH_64.pack(0x80 | opcode, mask_bit | 127, length)


def close_payload(code: int, reason: str = "") -> bytes:
    """The payload of a close frame, its reason cut to what a control frame can carry."""
    return _CODE.pack(code) + reason.encode()[: _CONTROL_LIMIT_BYTES - 2].decode(errors="ignore").encode()


def read_close(payload: bytes) -> tuple[int, str]:
    """Code and reason of a close frame; no payload means ``NO_STATUS``. Raises ``FrameError``."""
    if not payload:
        return CloseCode.NO_STATUS, ""
    if len(payload) < 2:
        raise FrameError(CloseCode.PROTOCOL_ERROR, "A close frame is cut short.")
    code: int = _CODE.unpack_from(payload)[0]
    if not (1000 <= code <= 1014 or 3000 <= code <= 4999) or code in (1004, 1005, 1006):
        raise FrameError(CloseCode.PROTOCOL_ERROR, f"{code} is not a close code.")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        raise FrameError(CloseCode.INVALID_PAYLOAD, "A close reason is not UTF-8.") from None


class MessageReader:
    """Whole messages of a client, out of its masked frames however they are cut and fragmented."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()
        self._wanted_bytes = 0
        self._opcode = 0
        self._begun = bytearray()

    def whole_text(self, data: bytes) -> bytes | None:
        """The payload, if nothing has begun and these bytes are one final text frame of under 64 KiB.

        This is the usual case, cheaply told; ``feed`` gives the same answer to all others.
        """
        if self._buffer or self._opcode or len(data) < 6 or data[0] != 0x81:
            return None
        second = data[1]
        if 0x80 <= second < 0xFE and len(data) == second - 0x80 + 6:
            return apply_mask(data[6:], data[2:6])
        if second == 0xFE and len(data) > 8 and len(data) == ((data[2] << 8) | data[3]) + 8:
            return apply_mask(data[8:], data[4:8]) if len(data) <= self._limit_bytes else None
        return None

    def feed(self, data: bytes) -> Iterable[tuple[int, bytes]]:
        """The messages and control frames that these bytes complete: ``(opcode, payload)``.

        Iterating raises ``FrameError`` after everything that came before the fault.
        """
        self._buffer += data
        if len(self._buffer) < self._wanted_bytes:
            return ()
        return self._messages()

    def _messages(self) -> Iterator[tuple[int, bytes]]:
        buffer, position = self._buffer, 0
        try:
            while True:
                parsed = _parse_header(buffer, position, len(buffer), masked=True)
                if parsed is None:
                    self._wanted_bytes = len(buffer) - position + 1
                    return
                opcode, final, length, header_bytes = parsed
                self._check(opcode, length)
                start = position + header_bytes
                if len(buffer) < start + length:
                    self._wanted_bytes = header_bytes + length
                    return
                position = start + length
                with memoryview(buffer) as view:
                    payload = apply_mask(view[start:position], bytes(view[start - 4 : start]))
                if opcode >= 8:
                    yield opcode, payload
                elif (message := self._assemble(opcode, final, payload)) is not None:
                    yield message
        finally:
            del buffer[:position]

    def _check(self, opcode: int, length: int) -> None:
        if opcode >= 8:
            return
        if opcode == _CONTINUATION and not self._opcode:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "A continuation continues nothing.")
        if opcode != _CONTINUATION and self._opcode:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "A message begins inside another.")
        if len(self._begun) + length > self._limit_bytes:
            raise FrameError(CloseCode.TOO_BIG, f"A message may have {self._limit_bytes} bytes.")

    def _assemble(self, opcode: int, final: bool, payload: bytes) -> tuple[int, bytes] | None:
        if final and not self._opcode:
            return opcode, payload
        self._opcode = self._opcode or opcode
        self._begun += payload
        if not final:
            return None
        message = self._opcode, bytes(self._begun)
        self._opcode, self._begun = 0, bytearray()
        return message


class FrameCursor:
    """Where the browser's byte stream stands between frames and messages, payloads unread.

    The exception are messages of one frame that begin with one of ``watched``: ``show`` is given each whole, before
    it is passed on, and answers what is passed on in its place, which is as long. One of more than
    ``watched_limit_bytes`` is passed on unseen.
    """

    def __init__(
        self, limit_bytes: int, watched: tuple[bytes, ...], watched_limit_bytes: int, show: Callable[[bytes], bytes]
    ) -> None:
        self._limit_bytes = limit_bytes
        self._watched = watched
        self._watched_limit_bytes = watched_limit_bytes
        self._show = show
        self._left_bytes = 0
        self._fragmented = False
        self._message_bytes = 0
        self._held = b""

    @property
    def between_messages(self) -> bool:
        """Whether a message of ours may follow what has been given out."""
        return not self._left_bytes and not self._fragmented

    def whole_message(self, data: bytes) -> int:
        """Where the payload begins, if the stream rests and these bytes are one final text frame, else 0.

        This is the usual case, cheaply told; the stream still rests after it.
        """
        if self._left_bytes or self._fragmented or self._held or len(data) < 2 or data[0] != 0x81:
            return 0
        second = data[1]
        if second < 126:
            return 2 if len(data) == second + 2 else 0
        return 4 if second == 126 and len(data) >= 4 and len(data) == ((data[2] << 8) | data[3]) + 4 else 0

    def walk(self, data: bytes, *, every_frame: bool = False) -> Iterator[tuple[int, bytes | memoryview]]:
        """Runs of data frames as ``(Opcode.DATA, bytes)``, and control frames as ``(opcode, payload)``.

        Runs are as long as they can be, or end with every frame where ``every_frame`` is set. An incomplete
        header, control frame or watched message is held back. Raises ``FrameError`` for what no server may send.
        """
        if self._held:
            data, self._held = self._held + data, b""
        view, end = memoryview(data), len(data)
        start = position = 0
        while position < end:
            if self._left_bytes:
                step = min(self._left_bytes, end - position)
                position += step
                self._left_bytes -= step
                if every_frame and not self._left_bytes:
                    yield _DATA, view[start:position]
                    start = position
                continue
            parsed = _parse_header(data, position, end, masked=False)
            if parsed is None:
                break
            opcode, final, length, header_bytes = parsed
            if opcode >= 8:
                after = position + header_bytes + length
                if after > end:
                    break
                if start < position:
                    yield _DATA, view[start:position]
                payload = data[position + header_bytes : after]
                start = position = after
                yield opcode, payload
                continue
            payload_at = position + header_bytes
            if opcode == _TEXT and final and self._may_be_watched(data, payload_at, length):
                after = payload_at + length
                if end < after:
                    break
                payload = data[payload_at:after]
                if (shown := self._show(payload)) is not payload:
                    assert len(shown) == length
                    data = data[:payload_at] + shown + data[after:]
                    view = memoryview(data)
            self._enter(opcode, final, length)
            position += header_bytes
        self._held = data[position:]
        if start < position:
            yield _DATA, data if position - start == end else view[start:position]

    def _may_be_watched(self, data: bytes, at: int, length: int) -> bool:
        """Whether a message begins as one that is watched, as far as it is there."""
        if length > self._watched_limit_bytes:
            return False
        return any(length >= len(prefix) and prefix.startswith(data[at : at + len(prefix)]) for prefix in self._watched)

    def _enter(self, opcode: int, final: bool, length: int) -> None:
        if (opcode == _CONTINUATION) != self._fragmented:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "The browser's frames are out of order.")
        self._message_bytes = length + (self._message_bytes if self._fragmented else 0)
        if self._message_bytes > self._limit_bytes:
            raise FrameError(CloseCode.TOO_BIG, f"A message of the browser exceeds {self._limit_bytes} bytes.")
        self._fragmented = not final
        self._left_bytes = length


def _parse_header(
    data: bytes | bytearray, position: int, end: int, *, masked: bool
) -> tuple[int, bool, int, int] | None:
    """``(opcode, final, payload length, header length)`` at a position; ``None`` if there is too little."""
    if end - position < 2:
        return None
    first, second = data[position], data[position + 1]
    opcode, length, header_bytes = first & 0x0F, second & 0x7F, 2
    if first & 0x70:
        raise FrameError(CloseCode.PROTOCOL_ERROR, "A reserved bit is set; no extension was agreed on.")
    if opcode not in _KNOWN:
        raise FrameError(CloseCode.PROTOCOL_ERROR, f"{opcode} is not a known kind of frame.")
    if bool(second & 0x80) != masked:
        raise FrameError(CloseCode.PROTOCOL_ERROR, "A client masks its frames, a server does not.")
    if opcode >= 8 and (not first & 0x80 or length > _CONTROL_LIMIT_BYTES):
        raise FrameError(CloseCode.PROTOCOL_ERROR, "A control frame is fragmented or too long.")
    if length >= 126:
        header_bytes = 4 if length == 126 else 10
        if end - position < header_bytes:
            return None
        length = int.from_bytes(data[position + 2 : position + header_bytes], "big")
        if length >> 63:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "A frame's length has its highest bit set.")
    if masked:
        header_bytes += 4
        if end - position < header_bytes:
            return None
    return opcode, bool(first & 0x80), length, header_bytes
