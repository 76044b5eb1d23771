"""Origins, as pages' addresses tell them."""

import pytest

from noctule.browser.driver.remembering import origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://example.com/path?q#f", "https://example.com"),
        ("https://example.com:443/", "https://example.com"),
        ("http://example.com:443/", "http://example.com:443"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("about:blank", None),
        ("data:text/html,x", None),
        ("blob:https://example.com/1", None),
        ("chrome-error://chromewebdata/", None),
        ("://", None),
        ("", None),
        ("http://example.com:x/", None),
    ],
)
def test_a_page_with_storage_of_its_own_has_an_origin(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin
