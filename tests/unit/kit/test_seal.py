"""Signing and sealing under one key file."""

import base64
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noctule.kit.seal import Sealer

SEALER = Sealer(bytes(range(32)))


@given(st.text(max_size=20), st.binary(max_size=500))
def test_what_was_signed_is_verified_and_was_sealed_is_opened(purpose: str, data: bytes) -> None:
    assert SEALER.verify(purpose, SEALER.sign(purpose, data)) == data
    assert SEALER.open(purpose, SEALER.seal(purpose, data)) == data


@given(st.binary(max_size=60), st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_one_changed_byte_opens_nothing(data: bytes, position: int, change: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(SEALER.sign("cdp", data) + "=="))
    raw[position % len(raw)] ^= change
    assert SEALER.verify("cdp", base64.urlsafe_b64encode(raw).rstrip(b"=").decode()) is None
    blob = bytearray(SEALER.seal("vault", data))
    blob[position % len(blob)] ^= change
    with pytest.raises(ValueError, match="sealed"):
        SEALER.open("vault", bytes(blob))


def test_nothing_made_for_one_purpose_or_key_serves_another() -> None:
    other = Sealer(bytes(32))
    token, blob = SEALER.sign("cdp", b"x"), SEALER.seal("cdp", b"x")
    assert SEALER.verify("viewer", token) is None
    assert SEALER.verify("cd", SEALER.sign("c", b"d")) is None
    assert other.verify("cdp", token) is None
    for sealer, purpose in ((SEALER, "viewer"), (other, "cdp")):
        with pytest.raises(ValueError, match="another"):
            sealer.open(purpose, blob)


@pytest.mark.parametrize("token", ["", "x", "====", "é", "a" * 5000, "a b", "\x00", "AQ" * 30, "-_-_"])
def test_garbage_is_no_token(token: str) -> None:
    assert SEALER.verify("cdp", token) is None


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x01" * 28, b"\x02" * 60, bytes(range(100))])
def test_garbage_is_not_sealed_data(blob: bytes) -> None:
    with pytest.raises(ValueError, match="sealed"):
        SEALER.open("vault", blob)


def test_tokens_are_safe_in_urls_and_sealing_never_repeats_itself() -> None:
    token = SEALER.sign("cdp", bytes(range(256)))
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert SEALER.seal("v", b"same") != SEALER.seal("v", b"same")
    assert b"same" not in SEALER.seal("v", b"same")


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    token = Sealer.load(folder).sign("cdp", b"x")
    path = folder / "secret.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes()) == 32
    assert [entry.name for entry in folder.iterdir()] == ["secret.key"]
    assert Sealer.load(folder).verify("cdp", token) == b"x"


def test_makers_at_once_agree_on_one_key(tmp_path: Path) -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(Sealer.load(tmp_path).sign("cdp", b"x"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 16
    assert len(set(made)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret.key"]


def test_a_damaged_key_file_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer.load(tmp_path)
    assert (tmp_path / "secret.key").read_bytes() == b"short"
