"""The frames of a WebSocket (RFC 6455), as one of its clients reads and writes them.

What must always hold: no message, however large, can fill our memory; of one beyond the limit only the head is kept.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

MAX_MESSAGE_BYTES = 64 * 1024 * 1024

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole message or control frame. Of one beyond the limit only the head is kept."""

    opcode: int
    payload: bytes
    truncated: bool = False


class FrameReader:
    """Turns the bytes that a WebSocket server sends into messages, at most ``limit`` bytes of each."""

    _HEAD_BYTES = 256

    def __init__(self, limit: int = MAX_MESSAGE_BYTES) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._message = bytearray()
        self._message_opcode = 0
        self._truncated = False
        self._in_payload = False
        self._left = 0
        self._opcode = 0
        self._final = False
        self._control = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Messages that are complete with these bytes. Raises ``ValueError`` for what is no WebSocket."""
        self._buffer += data
        while True:
            if not self._in_payload and not self._read_header():
                return
            taken = min(self._left, len(self._buffer))
            if taken:
                self._keep(taken)
                self._left -= taken
            if self._left:
                return
            self._in_payload = False
            if self._opcode >= CLOSE:
                yield Frame(self._opcode, bytes(self._control))
                self._control.clear()
            elif self._final:
                yield Frame(self._message_opcode, bytes(self._message), self._truncated)
                self._message = bytearray()
                self._truncated = False

    def _read_header(self) -> bool:
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        length, size = buffer[1] & 0x7F, 2
        if length == 126:
            size = 4
        elif length == 127:
            size = 10
        if len(buffer) < size:
            return False
        if size > 2:
            length = int.from_bytes(buffer[2:size], "big")
        if buffer[1] & 0x80 or buffer[0] & 0x70:
            raise ValueError("masked or compressed frame from a server")
        self._final = bool(buffer[0] & 0x80)
        self._opcode = buffer[0] & 0x0F
        if self._opcode in (TEXT, BINARY):
            self._message_opcode = self._opcode
        elif self._opcode >= CLOSE and (length > 125 or not self._final):
            raise ValueError("oversized control frame")
        elif self._opcode not in (0, CLOSE, PING, PONG):
            raise ValueError(f"unknown frame type {self._opcode}")
        del buffer[:size]
        self._left = length
        self._in_payload = True
        return True

    def _keep(self, count: int) -> None:
        chunk = self._buffer[:count]
        del self._buffer[:count]
        if self._opcode >= CLOSE:
            self._control += chunk
            return
        if not self._truncated and len(self._message) + self._left > self._limit:
            self._truncated = True
        if not self._truncated:
            self._message += chunk
        else:
            self._message = (self._message + chunk)[: self._HEAD_BYTES]


def frame(opcode: int, payload: bytes) -> bytes:
    """One masked frame, as a client must send it."""
    length = len(payload)
    mask = os.urandom(4)
    if length < 126:
        head = bytes((0x80 | opcode, 0x80 | length))
    elif length < 65536:
        head = bytes((0x80 | opcode, 0x80 | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + length.to_bytes(8, "big")
    # XOR of two long integers is the fastest masking that plain Python has.
    pad = (mask * (length // 4 + 1))[:length]
    masked = (int.from_bytes(payload, "little") ^ int.from_bytes(pad, "little")).to_bytes(length, "little")
    return head + mask + masked
