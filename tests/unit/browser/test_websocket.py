"""Frames of a WebSocket, however their bytes come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noctule.browser.websocket import Frame, FrameReader, frame


def _server_frame(payload: bytes, opcode: int = 1, *, final: bool = True) -> bytes:
    head = bytes(((0x80 if final else 0) | opcode,))
    if len(payload) < 126:
        return head + bytes((len(payload),)) + payload
    return head + b"\x7e" + len(payload).to_bytes(2, "big") + payload


@given(
    parts=st.lists(st.binary(max_size=300), min_size=1, max_size=5),
    cut=st.integers(1, 50),
    control=st.booleans(),
)
def test_fragments_and_any_cut_of_the_bytes_give_the_same_messages(parts: list[bytes], cut: int, control: bool) -> None:
    stream = b""
    for index, part in enumerate(parts):
        stream += _server_frame(part, 1 if index == 0 else 0, final=index == len(parts) - 1)
        if control and index < len(parts) - 1:
            stream += _server_frame(b"p", 9)
    reader = FrameReader()
    received = [found for at in range(0, len(stream), cut) for found in reader.feed(stream[at : at + cut])]
    assert [found for found in received if found.opcode == 1] == [Frame(1, b"".join(parts))]
    assert len(received) == 1 + (len(parts) - 1 if control else 0)


def test_of_a_message_beyond_the_limit_only_the_head_is_kept() -> None:
    reader = FrameReader(limit=1000)
    (found,) = reader.feed(_server_frame(b'{"id":7,' + b"x" * 2000))
    assert found.truncated
    assert found.payload.startswith(b'{"id":7,')
    assert len(found.payload) <= 256
    (after,) = reader.feed(_server_frame(b"fine"))
    assert after == Frame(1, b"fine")


@pytest.mark.parametrize("garbage", [b"\x81\x85abcdefghi", b"\xc1\x00", b"\x83\x00", b"\x09\x00", b"\x89\x7e\x00\x80"])
def test_frames_that_no_server_may_send_are_refused(garbage: bytes) -> None:
    with pytest.raises(ValueError):
        list(FrameReader().feed(garbage))


def test_our_frames_are_masked() -> None:
    sent = frame(1, b"hello")
    mask, payload = sent[2:6], sent[6:]
    assert sent[1] & 0x80
    assert bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) == b"hello"
