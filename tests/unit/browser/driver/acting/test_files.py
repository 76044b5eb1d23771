"""A page gets to see a file's name and nothing of where it lay."""

import pytest

from noctule.browser.driver.files import file_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.txt", "a.txt"), ("/srv/x/a.txt", "a.txt"), ("C:\\x\\a.txt", "a.txt"), ("../..", ".."), ("", "file")],
)
def test_only_the_last_part_of_a_name_counts(name: str, expected: str) -> None:
    assert file_name(name) == expected


def test_a_long_name_keeps_its_end() -> None:
    assert file_name("x" * 5000 + ".txt").endswith("x.txt")
    assert len(file_name("x" * 5000)) == 200
