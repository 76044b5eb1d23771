"""What a tab shows is named by its headers or address."""

import pytest

from noctule.browser.driver.acting.downloads import name_of


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
