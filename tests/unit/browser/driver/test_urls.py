"""Which addresses may be opened."""

import pytest

from noctule.browser.commands import CommandFailed
from noctule.browser.driver.urls import checked, host_and_port


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "http://example.com:8080/a?b#c",
        "HTTPS://EXAMPLE.com/",
        "http://[::1]:80/",
        "https://user:password@example.com/",
        "about:blank",
        "data:text/html,<p>x",
        "blob:https://example.com/123",
    ],
)
def test_pages_of_the_web_may_be_opened(url: str) -> None:
    assert checked(url) == url


def test_blanks_around_and_breaks_inside_are_taken_out_as_the_browser_does() -> None:
    assert checked("  https://exa\nmple.com/\t ") == "https://example.com/"


@pytest.mark.parametrize(
    "url",
    ["example.com", "example.com/a:b", "localhost:3000", "example.com:8080/x", "", "  ", "//example.com", "/path"],
)
def test_an_address_without_scheme_is_told_to_start_with_https(url: str) -> None:
    with pytest.raises(CommandFailed, match="https://") as failed:
        checked(url)
    assert failed.value.kind == "InvalidURLError"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        " file:///etc/passwd",
        "fi\nle:///etc/passwd",
        "\x00file:///etc/passwd",
        "view-source:https://example.com",
        "chrome://version",
        "chrome-extension://abc/x.html",
        "devtools://devtools/bundled/inspector.html",
        "javascript:alert(1)",
        "java\tscript:alert(1)",
        "filesystem:https://example.com/t/x",
        "about:config",
        "about:blank#x",
        "ftp://example.com/",
        "ws://example.com/",
    ],
)
def test_every_other_scheme_is_refused_by_name(url: str) -> None:
    with pytest.raises(CommandFailed, match=r"addresses are refused: only http:, https:") as failed:
        checked(url)
    assert failed.value.kind == "InvalidURLError"


@pytest.mark.parametrize(
    "url", ["http://", "http:///x", "https:example.com", "http://a b/", "http://x:99999/", "http://[::1"]
)
def test_what_is_no_address_of_a_host_is_refused(url: str) -> None:
    with pytest.raises(CommandFailed, match="https://") as failed:
        checked(url)
    assert failed.value.kind == "InvalidURLError"


def test_host_and_port_come_in_one_spelling() -> None:
    assert host_and_port("http://EXAMPLE.com./x") == ("example.com", 80)
    assert host_and_port("https://[::1]/") == ("::1", 443)
    assert host_and_port("http://example.com:81") == ("example.com", 81)
    assert host_and_port("data:,x") is None
    assert host_and_port("http://x:99999/") is None
