"""Files are read as the plain files that they must be, and told by their names."""

import asyncio
import os
from pathlib import Path

import pytest

from noctule.browser.driver.files import OpenFile, content_type_of, file_name
from noctule.kit.files import MAX_FILE_BYTES


def _read(path: Path) -> bytes:
    with OpenFile(path, MAX_FILE_BYTES) as file:
        return file.read()


def test_a_plain_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"content")
    assert _read(tmp_path / "x") == b"content"


def test_what_leads_elsewhere_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (tmp_path / "link").symlink_to(secret)
    os.link(secret, tmp_path / "hard")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "hard", "pipe", "missing", "."):
        with pytest.raises((OSError, ValueError)):
            _read(tmp_path / name)


def test_a_file_beyond_the_bound_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(ValueError, match="larger than"):
        _read(tmp_path / "x")


def test_a_file_can_be_read_again_and_only_to_the_size_that_it_had(tmp_path: Path) -> None:
    content = os.urandom(600_000)
    (tmp_path / "x").write_bytes(content)

    async def read() -> None:
        with OpenFile(tmp_path / "x", MAX_FILE_BYTES) as file:
            with (tmp_path / "x").open("ab") as more:
                more.write(b"more")
            (tmp_path / "x").unlink()
            for _ in range(2):
                chunks = [chunk async for chunk in file.chunks()]
                assert b"".join(chunks) == content
                assert max(map(len, chunks)) <= 256 * 1024
        with pytest.raises(ValueError, match="closed"):
            file.read()

    asyncio.run(read())


@pytest.mark.parametrize(
    ("name", "url", "expected"),
    [
        ("a.csv", "https://x.example/", "text/csv"),
        ("a", "https://x.example/", "application/octet-stream"),
        ("a.txt", "data:Application/X-Own;base64,AA", "application/x-own"),
        ("a.txt", "data:,hello", "text/plain"),
        ("a", "data:te\nxt/html,hello", "application/octet-stream"),
    ],
)
def test_a_file_is_what_its_data_address_says_else_its_name(name: str, url: str, expected: str) -> None:
    assert content_type_of(name, url) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("a/b.txt", "b.txt"), ("..\\b.txt", "b.txt"), ("", "file"), ("x" * 300, "x" * 200)]
)
def test_a_file_has_the_last_part_of_its_name(name: str, expected: str) -> None:
    assert file_name(name) == expected
