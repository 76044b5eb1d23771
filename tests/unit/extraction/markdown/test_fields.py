"""Fields show what a person sees of them, and no secret."""

import pytest

from tests.unit.extraction.trees import markdown


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ('<input value="Ada">', "Ada"),
        ('<input type="email" value="a_b@example.org">', "a_b@example.org"),
        ('<input type="password" value="secret">', ""),
        ('<input type="hidden" value="token">', ""),
        ('<input type="submit" value="Send">', "Send"),
        ('<input placeholder="Name">', ""),
        ("<p><input type=checkbox checked> Yes</p>", "☑ Yes"),
        ("<p><input type=radio>No</p>", "○ No"),
        ("<select><option>a</option><option selected>b</option></select>", "b"),
        ("<select><option>a</option><option>b</option></select>", "a"),
        ("<select multiple><option>a</option></select>", ""),
        ('<select multiple><option selected>a</option><option selected label="B"></option></select>', "a, B"),
        ("<textarea>typed *text*</textarea>", "typed \\*text\\*"),
        ("<button>Press</button>", "Press"),
    ],
)
def test_a_field_shows_its_value(html: str, shown: str) -> None:
    assert markdown(html) == shown
