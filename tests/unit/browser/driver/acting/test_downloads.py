"""Downloads are named by their headers or address, and read as the plain files that they must be."""

import os
from pathlib import Path

import pytest

from noctule.browser.driver.acting.downloads import name_of, read_file
from noctule.browser.driver.acting.files import MAX_FILE_BYTES


@pytest.mark.parametrize(
    ("url", "disposition", "expected"),
    [
        ("https://x.example/a/report.pdf?x=1", "", "report.pdf"),
        ("https://x.example/", "", "download"),
        ("https://x.example/a%20b.txt", "inline", "a b.txt"),
        ("https://x.example/a", 'attachment; filename="b.csv"', "b.csv"),
        ("https://x.example/a", "attachment; filename*=UTF-8''na%C3%AFve.txt", "naïve.txt"),
        ("https://x.example/a", "attachment;\r\n filename=b.csv", "b.csv"),
    ],
)
def test_a_file_is_named_by_its_header_else_by_its_address(url: str, disposition: str, expected: str) -> None:
    assert name_of(url, {"content-disposition": disposition}) == expected


def test_a_plain_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"content")
    assert read_file(tmp_path / "x") == b"content"


def test_what_leads_elsewhere_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (tmp_path / "link").symlink_to(secret)
    os.link(secret, tmp_path / "hard")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "hard", "pipe", "missing", "."):
        with pytest.raises((OSError, ValueError)):
            read_file(tmp_path / name)


def test_a_file_beyond_the_bound_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(ValueError, match="larger than"):
        read_file(tmp_path / "x")
