"""What came of an action is told without what was typed."""

import pytest

from noctule.browser.driver.acting.settling import place


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.example/a?password=secret", "https://x.example/a"),
        ("https://x.example/a#secret", "https://x.example/a"),
        ("data:text/html,secret", "a data: address"),
        ("about:blank", "about:blank"),
    ],
)
def test_an_address_is_told_without_its_query(url: str, expected: str) -> None:
    assert place(url) == expected


def test_a_long_address_is_cut() -> None:
    assert len(place("https://x.example/" + "a" * 5000)) == 300
