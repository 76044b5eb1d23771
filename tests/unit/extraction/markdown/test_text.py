"""Text comes back from a parser as it was, and nothing hidden comes through."""

import pytest

from noctule.extraction.markdown.text import BREAK, collapsed, escaped, guarded, one_break, plain, squeezed


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "2 * 3",
        "snake_case_name",
        "a < b",
        "AT&T & co",
        "[1]",
        "50%",
        "a | b",
        "x > y",
        "1. one",
        "hello!",
        "a\\b",
    ],
)
def test_text_that_is_no_markup_is_left_alone(text: str) -> None:
    assert escaped(text) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("*a*", "\\*a\\*"),
        ("_a_", "\\_a\\_"),
        ("`a`", "\\`a\\`"),
        ("[a](b)", "[a\\](b)"),
        ("[^1]", "\\[^1]"),
        ("<b>", "\\<b>"),
        ("&lt;", "\\&lt;"),
        ("~~a~~", "\\~\\~a\\~\\~"),
        ("\\*", "\\\\\\*"),
        ("end\\", "end\\\\"),
    ],
)
def test_text_that_would_be_markup_is_escaped(text: str, written: str) -> None:
    assert escaped(text) == written


def test_dollars_are_markup_only_beside_formulas() -> None:
    assert escaped("$5") == "$5"
    assert escaped("$5", dollars=True) == "\\$5"


def test_brackets_are_markup_only_in_a_link_and_without_a_partner() -> None:
    assert escaped("a [1] b", brackets=True) == "a [1] b"
    assert escaped("a ] b", brackets=True) == "a \\] b"
    assert escaped("a ] b") == "a ] b"


@pytest.mark.parametrize(
    "hidden", ["\x00", "\x07", "\x1b", "\x7f", "\xad", "\u200b", "\u202e", "\u2066", "\ufeff", "\ue001"]
)
def test_hidden_characters_are_taken_out(hidden: str) -> None:
    assert plain(f"a{hidden}b") == "ab"
    assert escaped(f"a{hidden}b") == "ab"


def test_joiners_that_scripts_need_stay() -> None:
    for text in ("می\u200cخواهم", "👩\u200d👩"):
        assert escaped(text) == text


def test_half_characters_become_the_replacement_character() -> None:
    assert plain("a\ud800b") == "a\ufffdb"


def test_white_space_collapses_as_a_browser_shows_it() -> None:
    assert collapsed(f"  a \n\t b {BREAK} c{BREAK}") == f"a b{BREAK}c"
    assert collapsed(f"a{BREAK} {BREAK}{BREAK}b") == f"a{BREAK}{BREAK}b"
    assert squeezed(" a\u00a0 b\n") == "a b"
    assert one_break(f"a{BREAK} {BREAK}b") == f"a{BREAK}b"


@pytest.mark.parametrize(
    "line",
    [
        "# a",
        "> a",
        "- a",
        "+ a",
        "* a",
        "---",
        "- - -",
        "===",
        "1. a",
        "12) a",
        "| --- |",
        ":---",
        "[x] a",
        "[a]: b",
        "#",
        "-",
    ],
)
def test_a_line_that_would_start_a_block_is_guarded(line: str) -> None:
    assert "\\" in guarded(line)


@pytest.mark.parametrize(
    "line", ["#a", "-a", "--a", "1.5 m", "= 5", "[a] b", "| a | b |", "[a](https://b): c", "[\\]:](x)"]
)
def test_a_line_that_would_not_is_left_alone(line: str) -> None:
    assert guarded(line) == line
