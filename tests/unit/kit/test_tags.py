"""Tags: which words they are."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noctule.kit.tags import TAG_PATTERN, tag_problem


@pytest.mark.parametrize(
    "tag", ["a", "7", "nightly", "job:crawl", "team=a", "by hand", "me@example.com", "a/b_c.d+e-f", "x" * 64]
)
def test_words_and_pairs_are_tags(tag: str) -> None:
    assert tag_problem(tag) is None


@pytest.mark.parametrize(
    "tag",
    ["", " ", " a", "a ", ":a", "-a", "a,b", "a\nb", "a\n", "a\tb", "ä", "a'b", 'a"b', "a;b", "x" * 65, "٣", "a\0"],
)
def test_anything_else_is_refused_in_words(tag: str) -> None:
    problem = tag_problem(tag)
    assert problem is not None
    assert problem.startswith("a tag has 1 to 64 letters")
    assert str(tag_problem(tag, "a name")).startswith("a name has")


@given(st.from_regex(re.compile(TAG_PATTERN, re.ASCII), fullmatch=True))
def test_the_pattern_is_the_rule_but_for_a_space_at_the_end(tag: str) -> None:
    assert (tag_problem(tag) is None) == (not tag.endswith(" "))
    assert tag.isascii()
    assert "," not in tag
