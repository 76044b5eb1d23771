"""Which elements are meant, by words alone."""

import pytest

from noctule.page.domain import Line, matching


def line(id: str, name: str, *, kind: str = "click", role: str = "button", tag: str = "button") -> Line:
    return Line(id, kind, role, name, f"{id}[:]<{tag}>{name}</{tag}>")


PAGE = (
    line("L1", "Home", role="link", tag="a"),
    line("L2", "Sign in", role="link", tag="a"),
    line("I1", "Email address", kind="fill", role="textbox", tag="input"),
    line("I2", "Search products", kind="fill", role="searchbox", tag="input"),
    line("B1", "Search"),
    line("B2", "Add to basket"),
    line("B3", "Accept all cookies"),
    line("B4", "Reject cookies"),
    line("I3", "Subscribe to our newsletter", kind="check", role="checkbox", tag="input"),
    line("I4", "Größe", kind="select", role="combobox", tag="select"),
)


@pytest.mark.parametrize(
    ("instructions", "first"),
    [
        ("Fill the email input", "I1"),
        ("type my e-mail", "I1"),
        ("log in", "L2"),
        ("click on the login link", "L2"),
        ("search for products", "I2"),
        ("press the search button", "B1"),
        ("add it to my shopping cart", "B2"),
        ("accepting cookies", "B3"),
        ("REJECT COOKIES", "B4"),
        ("subscribing to the newsletter", "I3"),
        ("choose the grosse", "I4"),
        ("Größe wählen", "I4"),
    ],
)
def test_the_element_that_is_meant_comes_first(instructions: str, first: str) -> None:
    assert matching(instructions, PAGE)[:1] == [first]


@pytest.mark.parametrize("instructions", ["book a flight to Lisbon", "zzz", "", "the of and", "!?"])
def test_nothing_is_chosen_where_no_word_fits(instructions: str) -> None:
    assert matching(instructions, PAGE) == []


def test_words_for_kinds_alone_choose_all_of_the_kind() -> None:
    assert matching("all links", PAGE) == ["L1", "L2"]
    assert matching("every checkbox on the page", PAGE) == ["I3"]


def test_what_is_to_be_done_is_not_what_is_meant() -> None:
    page = (line("L1", "Write to Ada", role="link", tag="a"), line("I1", "Comments", kind="fill", role="textbox"))
    assert matching("write a comment", page) == ["I1"]


def test_what_shares_a_common_word_only_is_left_out() -> None:
    assert matching("reject the cookies", PAGE) == ["B4"]


def test_equal_matches_keep_the_order_of_the_page() -> None:
    twins = [line("B1", "Delete"), line("B2", "Keep"), line("B3", "Delete")]
    assert matching("delete", twins) == ["B1", "B3"]


def test_what_is_in_the_line_alone_is_found_as_well() -> None:
    by_href = Line("L1", "click", "link", "More", 'L1[:]<a href="/pricing">More</a>')
    assert matching("open the pricing", (*PAGE, by_href)) == ["L1"]


def test_endless_instructions_and_lines_come_to_an_end() -> None:
    long = Line("B1", "click", "button", "x" * 100_000, "y " * 100_000)
    assert matching("find me " * 100_000, [long]) == []
