"""Names of files: kept, or refused, or made fitting."""

from datetime import UTC, datetime

import pytest

from noctule.kit.files import LONGEST_NAME_BYTES
from noctule.storage.domain import ending, fitting_name, listed_name, name_problem


@pytest.mark.parametrize("name", ["a", ".a", "...", " ", "日" * 85, "x" * 255, "a:b", "%2e%2e%2f", "~", "\u202e"])
def test_a_name_of_any_script_is_kept(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize(
    "name", ["", ".", "..", "/", "a/b", "\\", "a\x00b", "\x1b[2J", "\x7f", "\x85", "\ud800", "x" * 256]
)
def test_what_is_no_name_is_told_why(name: str) -> None:
    assert name_problem(name)


@pytest.mark.parametrize(
    "name",
    ["", "/", "..", "a/..", "\\\\host\\share\\x", "\x00", "\udfff" * 300, "日" * 300 + ".tar.gz", "." * 300, "a" * 999],
)
def test_what_a_page_calls_a_file_is_made_a_name_that_is_kept(name: str) -> None:
    fitting = fitting_name(name)
    assert name_problem(fitting) is None
    assert len(fitting.encode()) <= LONGEST_NAME_BYTES


@pytest.mark.parametrize("number", [1, 12])
def test_what_a_download_is_listed_as_is_a_name_by_which_it_can_be_asked_for(number: int) -> None:
    listed = listed_name(fitting_name("日" * 300 + ".pdf"), datetime(2026, 4, 24, 0, 54, 44, tzinfo=UTC), number)
    assert name_problem(listed) is None
    assert listed.startswith("2026_04_24_00_54_44")
    assert listed.endswith("日.pdf")


@pytest.mark.parametrize(
    ("name", "end"), [("a.pdf", ".pdf"), ("a", ""), (".bashrc", ""), ("a.tar.gz", ".gz"), ("a.", "")]
)
def test_an_ending_is_that_of_the_name(name: str, end: str) -> None:
    assert ending(name) == end
