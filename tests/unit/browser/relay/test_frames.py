"""Frames: whatever way bytes are cut, fragmented and masked, the messages are the same."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.frames import Opcode as TheirOpcode

from noctule.browser.relay import frames
from noctule.browser.relay.frames import CloseCode, FrameCursor, FrameError, MessageReader, Opcode

_WATCH = b'{"method":"Target.'
_WATCH_TOO = b'{"method":"Browser.download'


def _serialize(opcode: int, payload: bytes, *, final: bool = True, mask: bool = True) -> bytes:
    return Frame(TheirOpcode(opcode), payload, fin=final).serialize(mask=mask)


def _read(reader: MessageReader, chunks: list[bytes]) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    for chunk in chunks:
        whole = reader.whole_text(chunk)
        found += [(Opcode.TEXT, whole)] if whole is not None else list(reader.feed(chunk))
    return found


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


_payloads = st.one_of(st.binary(max_size=40), st.integers(100, 140).map(bytes), st.integers(65530, 65545).map(bytes))
_messages = st.lists(
    st.tuples(st.sampled_from([1, 2]), st.lists(_payloads, min_size=1, max_size=4), st.booleans()), max_size=5
)


@given(_messages, st.lists(st.integers(0, 1 << 20), max_size=12))
def test_any_cut_of_a_clients_bytes_gives_the_same_messages(
    sent: list[tuple[int, list[bytes], bool]], places: list[int]
) -> None:
    stream, expected = b"", []
    for opcode, parts, pinged in sent:
        for number, part in enumerate(parts):
            stream += _serialize(0 if number else opcode, part, final=number == len(parts) - 1)
            if pinged:
                # A control frame may stand between the fragments of a message.
                stream += _serialize(9, b"ping")
        whole = (opcode, b"".join(parts))
        pings = [(9, b"ping")] * (len(parts) if pinged else 0)
        expected += [*pings[:-1], whole, *pings[-1:]]
    assert _read(MessageReader(1 << 20), _cut(stream, places)) == expected


@given(st.lists(st.one_of(_payloads, st.binary(max_size=30).map(_WATCH.__add__),
                          st.binary(max_size=30).map(_WATCH_TOO.__add__)), max_size=6),
       st.lists(st.integers(0, 1 << 20), max_size=12), st.booleans(), st.booleans())  # fmt: skip
def test_any_cut_of_the_browsers_bytes_passes_its_data_on_as_it_was_shown(
    payloads: list[bytes], places: list[int], every_frame: bool, pinged: bool
) -> None:
    watched: list[bytes] = []

    def shown(payload: bytes) -> bytes:
        watched.append(payload)
        return payload[::-1] if len(payload) % 2 else payload

    cursor, stream, expected = FrameCursor(1 << 20, (_WATCH, _WATCH_TOO), 1 << 16, shown), b"", b""
    for payload in payloads:
        stream += _serialize(1, payload, mask=False) + (_serialize(10, b"pong", mask=False) if pinged else b"")
        is_watched = payload.startswith((_WATCH, _WATCH_TOO)) and len(payload) % 2
        expected += _serialize(1, payload[::-1] if is_watched else payload, mask=False)
    passed, controls = b"", []
    for chunk in _cut(stream, places):
        if at := cursor.whole_message(chunk):
            is_watched = chunk.startswith((_WATCH, _WATCH_TOO), at)
            passed += chunk[:at] + (shown(chunk[at:]) if is_watched else chunk[at:])
            continue
        for opcode, run in cursor.walk(chunk, every_frame=every_frame):
            if opcode == Opcode.DATA:
                passed += run
            else:
                controls.append((opcode, bytes(run)))
    assert passed == expected
    assert controls == [(10, b"pong")] * (len(payloads) if pinged else 0)
    assert watched == [payload for payload in payloads if payload.startswith((_WATCH, _WATCH_TOO))]
    assert cursor.between_messages


def test_the_cursor_knows_when_it_stands_inside_a_message() -> None:
    cursor = FrameCursor(1 << 20, (_WATCH,), 1 << 16, bytes)
    first = _serialize(1, b"a" * 300, final=False, mask=False)
    assert [bytes(run) for _, run in cursor.walk(first[:200])] == [first[:200]]
    assert not cursor.between_messages
    list(cursor.walk(first[200:]))
    assert not cursor.between_messages
    list(cursor.walk(_serialize(0, b"b", mask=False)))
    assert cursor.between_messages


def test_a_run_ends_with_every_frame_where_that_is_asked_for() -> None:
    one, two = _serialize(1, b"one", mask=False), _serialize(1, b"two", mask=False)
    cursor = FrameCursor(1 << 20, (_WATCH,), 1 << 16, bytes)
    assert [bytes(run) for _, run in cursor.walk(one + two, every_frame=True)] == [one, two]
    assert [bytes(run) for _, run in cursor.walk(one + two)] == [one + two]


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (_serialize(1, b"x", mask=False), CloseCode.PROTOCOL_ERROR),
        (b"\xc1\x80\0\0\0\0", CloseCode.PROTOCOL_ERROR),
        (b"\x83\x80\0\0\0\0", CloseCode.PROTOCOL_ERROR),
        (b"\x09\x80\0\0\0\0", CloseCode.PROTOCOL_ERROR),
        (b"\x89\xfe\0\x7e", CloseCode.PROTOCOL_ERROR),
        (b"\x80\x80\0\0\0\0", CloseCode.PROTOCOL_ERROR),
        (_serialize(1, b"x", final=False) + _serialize(1, b"y"), CloseCode.PROTOCOL_ERROR),
        (b"\x81\xff\x80" + bytes(11), CloseCode.PROTOCOL_ERROR),
        (b"\x81\xff\0\0\0\0\xff\xff\xff\xff\0\0\0\0", CloseCode.TOO_BIG),
        (_serialize(1, b"x" * 600, final=False) + _serialize(0, b"x" * 600), CloseCode.TOO_BIG),
    ],
    ids=[
        "unmasked",
        "reserved bits",
        "unknown data code",
        "control in pieces",
        "long control",
        "continuation of nothing",
        "message inside a message",
        "impossible length",
        "huge frame",
        "huge message",
    ],
)
def test_a_broken_frame_of_a_client_is_an_error_with_its_code(stream: bytes, code: CloseCode) -> None:
    with pytest.raises(FrameError) as raised:
        _read(MessageReader(1000), [stream])
    assert raised.value.code == code


def test_messages_before_a_broken_frame_are_still_given_out() -> None:
    messages = iter(MessageReader(1000).feed(_serialize(1, b"good") + b"\xff\xff\0\0\0\0"))
    assert next(messages) == (1, b"good")
    with pytest.raises(FrameError):
        next(messages)


def test_a_browser_message_over_the_limit_is_an_error() -> None:
    with pytest.raises(FrameError) as raised:
        list(FrameCursor(100, (_WATCH,), 50, bytes).walk(_serialize(1, b"x" * 101, mask=False)))
    assert raised.value.code == CloseCode.TOO_BIG


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535, 65536])
def test_frames_that_we_write_are_read_by_another_library(length: int) -> None:
    payload = bytes(length)
    assert frames.frame(1, payload) == _serialize(1, payload, mask=False)
    assert list(MessageReader(1 << 20).feed(frames.masked_frame(1, payload))) == [(1, payload)]


def test_close_frames_carry_code_and_reason() -> None:
    assert frames.read_close(frames.close_payload(1001, "bye")) == (1001, "bye")
    assert frames.read_close(b"")[0] == CloseCode.NO_STATUS
    assert len(frames.close_payload(1001, "é" * 200)) <= 125
    for broken in (b"\x03", b"\x03\xed", b"\x00\x01", b"\x03\xe8\xff"):
        with pytest.raises(FrameError):
            frames.read_close(broken)
