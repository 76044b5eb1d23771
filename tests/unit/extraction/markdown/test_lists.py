"""Lists keep their structure, whatever is in them and however they are nested."""

import pytest

from noctule.extraction.markdown.writer import MAX_NESTING
from tests.unit.extraction.trees import markdown, read_back


@pytest.mark.parametrize(
    "html",
    [
        "<ul><li>a</li><li>b</li></ul>",
        "<ul><li>a<ul><li>b<ol><li>c</li></ol></li></ul></li><li>d</li></ul>",
        '<ol start="7"><li>a</li><li>b</li></ol>',
        '<ul><li>a<ol start="3"><li>b</li></ol></li></ul>'.replace("<li>a<ol", "<li><p>a</p><ol").replace(
            "<li>b", "<li>b"
        ),
        "<ul><li><p>a</p><p>b</p></li><li><p>c</p></li></ul>",
        "<ul><li><p>a</p><blockquote><p>b</p></blockquote></li></ul>",
        "<ul><li>a</li></ul><ul><li>b</li></ul>",
        "<ol><li>a</li></ol><ol><li>b</li></ol>",
        "<ul><li><hr /></li></ul>",
        "<ul><li><h3>a</h3></li></ul>",
        "<p>a</p><ul><li>b</li></ul><p>c</p>",
        "<ul><li><ul><li>a</li></ul></li></ul>",
        "<blockquote><ul><li>a</li></ul></blockquote>",
    ],
)
def test_a_list_is_read_back(html: str) -> None:
    assert read_back(markdown(html)) == html


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("<ul>text<li>a</li><div>b</div></ul>", "- text\n- a\n- b"),
        ("<ul><div><li>a</li></div><li>b</li></ul>", "- a\n- b"),
        ("<li>a</li>", "- a"),
        ("<ol><li value='4'>a</li><li>b</li></ol>", "4. a\n5. b"),
        ("<ol start='-3'><li>a</li></ol>", "0. a"),
        ("<ol start='x'><li>a</li></ol>", "1. a"),
        ("<ol start='99999999999'><li>a</li></ol>", "1. a"),
        ("<ol reversed><li>a</li><li>b</li></ol>", "2. a\n1. b"),
        ("<ol><li>a</li><li></li><li>c</li></ol>", "1. a\n2.\n3. c"),
        ("<ul><li>a</li><li></li></ul>", "- a"),
        ("<ul><li><input type=checkbox>a</li></ul>", "- [ ] a"),
        ("<ul><li>[x] a</li></ul>", "- \\[x] a"),
        ("<dl><dd>alone</dd></dl>", "- alone"),
        ("<dl><dt>alone</dt></dl>", "- **alone**"),
        ("<dl><dt>a</dt><dd>b<br>c</dd></dl>", "- **a**\n\n  b  \n  c"),
        ("<div role=list><div role=listitem>a</div></div>", "- a"),
    ],
)
def test_odd_lists_are_written_as_they_are_shown(html: str, written: str) -> None:
    assert markdown(html) == written


def test_nesting_ends_where_a_line_would_be_mostly_indent() -> None:
    depth = 3 * MAX_NESTING

    text = markdown(f"{'<ul><li>x' * depth}{'</li></ul>' * depth}")

    assert text.count("x") == depth
    assert max(len(line) - len(line.lstrip()) for line in text.split("\n")) <= 2 * MAX_NESTING
