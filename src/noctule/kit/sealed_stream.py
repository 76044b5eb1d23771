"""Sealing what is too large to be held at once: a stream of segments, each sealed by itself.

A stream is a version byte, 16 random bytes, and segments of 64 KiB, the last one shorter or empty. A key of its own is
derived from the random bytes and the purpose; a segment's nonce is its number and whether it is the last. So no segment
can be changed, left out, repeated, moved, put into another stream, or be the end where it was not.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_STREAM_V1 = b"\x02"
_SALT_BYTES = 16
_SEGMENT_BYTES = 64 * 1024
_SEALED_BYTES = _SEGMENT_BYTES + 16
_NUMBER_BYTES = 11


class StreamSealer:
    """Seals one stream. What ``feed`` and at last ``finish`` answer, one after the other, is the sealed stream."""

    def __init__(self, key: bytes, purpose: str) -> None:
        salt = secrets.token_bytes(_SALT_BYTES)
        self._aead = _aead(key, salt, purpose)
        self._head = _STREAM_V1 + salt
        self._waiting = bytearray()
        self._number = 0

    def feed(self, data: bytes) -> bytes:
        """Take more of the stream in."""
        self._waiting += data
        out = bytearray(self._head)
        self._head = b""
        # A whole segment may still be the last one, until more has come.
        at = 0
        while len(self._waiting) - at > _SEGMENT_BYTES:
            out += self._segment(at, is_last=False)
            at += _SEGMENT_BYTES
        del self._waiting[:at]
        return bytes(out)

    def finish(self) -> bytes:
        """The end of the stream."""
        return self._head + self._segment(0, is_last=True)

    def _segment(self, at: int, *, is_last: bool) -> bytes:
        data = bytes(self._waiting[at : at + _SEGMENT_BYTES])
        self._number += 1
        return self._aead.encrypt(_nonce(self._number, is_last), data, None)


class StreamOpener:
    """Opens one stream. What ``feed`` answers is authentic; that it is all there only ``finish`` can say.

    Both raise ``ValueError`` for what was not sealed for this purpose and under this key, or was changed since.
    """

    def __init__(self, key: bytes, purpose: str) -> None:
        self._key = key
        self._purpose = purpose
        self._aead: AESGCM | None = None
        self._waiting = bytearray()
        self._number = 0

    def feed(self, data: bytes) -> bytes:
        """Take more of the sealed stream in; answers what can be read by now."""
        self._waiting += data
        if self._aead is None and not self._begin():
            return b""
        out = bytearray()
        at = 0
        while len(self._waiting) - at > _SEALED_BYTES:
            out += self._segment(at, is_last=False)
            at += _SEALED_BYTES
        del self._waiting[:at]
        return bytes(out)

    def finish(self) -> bytes:
        """The rest, once all of the sealed stream was fed."""
        if self._aead is None:
            raise ValueError("not a sealed stream")
        return self._segment(0, is_last=True)

    def _begin(self) -> bool:
        if len(self._waiting) < 1 + _SALT_BYTES:
            return False
        if not self._waiting.startswith(_STREAM_V1):
            raise ValueError("not a sealed stream")
        self._aead = _aead(self._key, bytes(self._waiting[1 : 1 + _SALT_BYTES]), self._purpose)
        del self._waiting[: 1 + _SALT_BYTES]
        return True

    def _segment(self, at: int, *, is_last: bool) -> bytes:
        sealed = bytes(self._waiting[at : at + _SEALED_BYTES])
        self._number += 1
        assert self._aead is not None
        try:
            return self._aead.decrypt(_nonce(self._number, is_last), sealed, None)
        except (InvalidTag, ValueError):
            raise ValueError("sealed for another purpose, under another key, changed, or cut off") from None


def _aead(key: bytes, salt: bytes, purpose: str) -> AESGCM:
    return AESGCM(HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=purpose.encode()).derive(key))


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(_NUMBER_BYTES, "big") + bytes((is_last,))
