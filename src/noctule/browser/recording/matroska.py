"""JPEG pictures as a Matroska file that can be read at any moment of its being written.

Segment and clusters are of unknown size, as of a live stream (RFC 8794, 6.2; RFC 9559, 25.3.4), so that nothing has to
be written afterwards: a file whose writer was killed is whole up to its last picture. Times are milliseconds.
"""

_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
# A block's time is relative to its cluster's, in 16 bits with a sign.
_CLUSTER_MS = 5_000

_EBML, _DOC_TYPE, _DOC_VERSION, _DOC_READ_VERSION = 0x1A45DFA3, 0x4282, 0x4287, 0x4285
_SEGMENT, _INFO, _TIMESTAMP_SCALE, _MUXING_APP, _WRITING_APP = 0x18538067, 0x1549A966, 0x2AD7B1, 0x4D80, 0x5741
_TRACKS, _TRACK_ENTRY, _TRACK_NUMBER, _TRACK_UID, _TRACK_TYPE = 0x1654AE6B, 0xAE, 0xD7, 0x73C5, 0x83
_CODEC_ID, _VIDEO, _PIXEL_WIDTH, _PIXEL_HEIGHT = 0x86, 0xE0, 0xB0, 0xBA
_CLUSTER, _TIMESTAMP, _SIMPLE_BLOCK = 0x1F43B675, 0xE7, 0xA3
_KEYFRAME = 0x80


class Writer:
    """Bytes of one file: ``head`` first, then ``picture`` for each. Times never fall."""

    def __init__(self) -> None:
        self._cluster_ms: int | None = None

    def head(self, width: int, height: int) -> bytes:
        """What the file begins with; pictures of another size may follow."""
        ebml = _element(_EBML, _text(_DOC_TYPE, "matroska") + _number(_DOC_VERSION, 4) + _number(_DOC_READ_VERSION, 2))
        info = _element(
            _INFO, _number(_TIMESTAMP_SCALE, 1_000_000) + _text(_MUXING_APP, "noctule") + _text(_WRITING_APP, "noctule")
        )
        video = _element(_VIDEO, _number(_PIXEL_WIDTH, width) + _number(_PIXEL_HEIGHT, height))
        track = _number(_TRACK_NUMBER, 1) + _number(_TRACK_UID, 1) + _number(_TRACK_TYPE, 1)
        track += _text(_CODEC_ID, "V_MJPEG") + video
        return ebml + _id(_SEGMENT) + _UNKNOWN_SIZE + info + _element(_TRACKS, _element(_TRACK_ENTRY, track))

    def picture(self, at_ms: int, jpeg: bytes) -> bytes:
        """One picture, which is shown from then on."""
        start = b""
        if self._cluster_ms is None or at_ms - self._cluster_ms >= _CLUSTER_MS:
            self._cluster_ms = at_ms
            start = _id(_CLUSTER) + _UNKNOWN_SIZE + _number(_TIMESTAMP, at_ms)
        block = b"\x81" + (at_ms - self._cluster_ms).to_bytes(2, "big", signed=True) + bytes((_KEYFRAME,)) + jpeg
        return start + _element(_SIMPLE_BLOCK, block)


def _id(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _element(number: int, content: bytes) -> bytes:
    return _id(number) + (len(content) | 1 << 56).to_bytes(8, "big") + content


def _number(number: int, value: int) -> bytes:
    return _element(number, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _text(number: int, value: str) -> bytes:
    return _element(number, value.encode())
