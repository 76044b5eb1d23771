"""String literals of JavaScript are read as the language says."""

import pytest

from noctule.browser.scripts.javascript import string_value


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        ("'plain'", "plain"),
        ('"plain"', "plain"),
        (r"'a\'b'", "a'b"),
        (r"'a\nb\t\\'", "a\nb\t\\"),
        (r"'\u0041\x42\u{1F987}'", "AB\U0001f987"),
        ("'a\\\nb'", "ab"),
        (r"'\q'", "q"),
    ],
)
def test_a_literal_stands_for_its_text(literal: str, text: str) -> None:
    assert string_value(literal) == text


@pytest.mark.parametrize("literal", ["", "'", "plain", "'mixed\""])
def test_what_is_not_quoted_is_refused(literal: str) -> None:
    with pytest.raises(ValueError, match="not a string literal"):
        string_value(literal)
