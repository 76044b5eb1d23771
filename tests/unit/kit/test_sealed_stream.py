"""Sealing what is too large to be held at once."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noctule.kit.seal import Sealer

SEALER = Sealer(bytes(32))
SEGMENT = 64 * 1024
SEALED_SEGMENT = SEGMENT + 16
HEAD = 17


def _sealed(data: bytes, purpose: str = "p", step: int = 50_000) -> bytes:
    sealer = SEALER.seal_stream(purpose)
    parts = [sealer.feed(data[at : at + step]) for at in range(0, len(data), step)]
    return b"".join(parts) + sealer.finish()


def _opened(sealed: bytes, purpose: str = "p", step: int = 70_000) -> bytes:
    opener = SEALER.open_stream(purpose)
    parts = [opener.feed(sealed[at : at + step]) for at in range(0, len(sealed), step)]
    return b"".join(parts) + opener.finish()


@given(
    st.sampled_from([0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT, 3 * SEGMENT + 5]),
    st.integers(1, 200_000),
    st.integers(1, 200_000),
)
def test_a_stream_comes_back_however_it_is_cut(size: int, sealing_step: int, opening_step: int) -> None:
    data = random.Random(size).randbytes(size)
    sealed = _sealed(data, step=max(sealing_step, size // 50 + 1))
    assert _opened(sealed, step=max(opening_step, size // 50 + 1)) == data
    assert size < 64 or data[:64] not in sealed


def test_a_segment_that_is_changed_missing_doubled_or_moved_is_found_out() -> None:
    sealed = _sealed(random.Random(1).randbytes(3 * SEGMENT))
    head = sealed[:HEAD]
    one, two, three = (sealed[HEAD + n * SEALED_SEGMENT : HEAD + (n + 1) * SEALED_SEGMENT] for n in range(3))
    assert head + one + two + three == sealed
    for forged in (
        head + two + one + three,
        head + one + three,
        head + one + one + two + three,
        head + one + two,
        head + one,
        head,
        sealed[:-1],
        sealed + b"x",
        sealed[:-1] + bytes((sealed[-1] ^ 1,)),
        sealed[:5] + bytes((sealed[5] ^ 1,)) + sealed[6:],
        b"\x01" + sealed[1:],
        b"",
    ):
        with pytest.raises(ValueError, match="seal"):
            _opened(forged)


def test_a_stream_opens_for_its_purpose_and_under_its_key_alone() -> None:
    sealed = _sealed(b"secret")
    with pytest.raises(ValueError, match="another purpose"):
        _opened(sealed, purpose="q")
    opener = Sealer(b"k" * 32).open_stream("p")
    opener.feed(sealed)
    with pytest.raises(ValueError, match="another key"):
        opener.finish()


def test_the_same_stream_is_sealed_differently_each_time() -> None:
    assert _sealed(b"secret") != _sealed(b"secret")


def test_little_is_held_back_while_a_stream_goes_through() -> None:
    sealer, opener = SEALER.seal_stream("p"), SEALER.open_stream("p")
    sent = read = 0
    for _ in range(40):
        sent += SEGMENT // 2
        read += len(opener.feed(sealer.feed(bytes(SEGMENT // 2))))
        assert sent - read <= 3 * SEGMENT
