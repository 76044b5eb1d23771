"""What kind of page it is."""

import pytest

from noctule.page.domain import Line, category_of

URL = "https://example.com/somewhere"


def line(name: str, kind: str = "click", role: str = "button", text: str = "") -> Line:
    return Line("B1", kind, role, name, text or f"B1[:]<button>{name}</button>")


PASSWORD = line("Password", "fill", "textbox", 'I2[:]<input type="password">Password</input>')
FIELDS = [line(name, "fill", "textbox") for name in ("Name", "Street", "City")]
LINKS = [line(f"Result {number}", role="link") for number in range(6)]
DIALOG = "### Content of 'dialog' component with text '{}'\n{}\n### Content of the page behind it\nB3[:]<a>Cookies</a>"


@pytest.mark.parametrize(
    ("url", "description", "lines", "category"),
    [
        (URL, "", [line("Email", "fill", "textbox"), PASSWORD, line("Log in")], "auth"),
        (URL, "", FIELDS, "form"),
        (URL, "", [line("Card number", "fill", "textbox"), *FIELDS], "payment"),
        (URL, "", [line("I'm not a robot", "check", "checkbox")], "captcha"),
        (
            URL,
            DIALOG.format("We use cookies", "B1[:]<button>Accept all</button>"),
            [line("Accept all")],
            "manage-cookies",
        ),
        (URL, DIALOG.format("Newsletter", "B1[:]<button>Close</button>"), [line("Close")], "overlay"),
        ("https://example.com/find?q=bats", "", LINKS, "search-results"),
        (URL, "", [line("Add to cart"), *LINKS], "item"),
        ("https://example.com/", "", LINKS, "homepage"),
        ("https://example.com", "", [], "homepage"),
        (URL, "", LINKS, "other"),
        ("about:blank", "", [], "other"),
        ("http://[broken?q=1", "", LINKS, "other"),
    ],
)
def test_a_page_is_of_the_kind_that_its_controls_say(
    url: str, description: str, lines: list[Line], category: str
) -> None:
    assert category_of(url, description, lines) == category


def test_a_form_with_a_password_among_many_fields_is_a_form() -> None:
    assert category_of(URL, "", [PASSWORD, *FIELDS, *FIELDS, *FIELDS]) == "form"
