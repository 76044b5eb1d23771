"""Emphasis is written where a parser will take it for that, and given up where not; text never changes."""

import pytest

from tests.unit.extraction.trees import markdown, read_back, text_read_back


@pytest.mark.parametrize(
    "html",
    [
        "<p>un<strong>believ</strong>able</p>",
        "<p><em>a <strong>b</strong></em> c</p>",
        "<p><strong>a <em>b</em></strong></p>",
        "<p><em><strong>a</strong></em></p>",
        "<p><strong>a</strong><em>b</em></p>",
        "<p><s>a</s> <strong><s>b</s></strong></p>",
        "<p>日本語<strong>太字</strong>です</p>",
        "<p>(<em>a</em>), “<strong>b</strong>”.</p>",
    ],
)
def test_emphasis_is_read_back(html: str) -> None:
    assert read_back(markdown(html)) == html


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("<b> a </b>b", "**a** b"),
        ("a<b> b</b>", "a **b**"),
        ("<b>Note:</b>text", "**Note**:text"),
        ("a<b>“b”</b>c", "a“**b**”c"),
        ("a<b>!</b>b", "a!b"),
        ("<b>a</b><b>b</b>", "**ab**"),
        ("<b>a</b> <b>b</b>", "**a** **b**"),
        ("<b>a <strong>b</strong></b>", "**a b**"),
        ("<b></b>a<i> </i>b", "a b"),
        ("<b><br>a<br></b>b", "**a**  \nb"),
        ("<h2><b>a</b></h2>", "## a"),
        ('<span style="font-weight: 700">a</span> <span style="font-style:italic">b</span>', "**a** *b*"),
        ('<b style="font-weight:normal">a</b>', "a"),
    ],
)
def test_delimiters_stand_where_they_work(html: str, written: str) -> None:
    assert markdown(html) == written


@pytest.mark.parametrize(
    "html", ["a<b>[x]</b>b", "<b>*</b>a", "<i>a</i><b>*</b>", "<b><code>a</code></b><b><code>b</code></b>"]
)
def test_where_nothing_works_the_text_stays(html: str) -> None:
    shown = html.replace("<b>", "").replace("</b>", "").replace("<i>", "").replace("</i>", "")
    shown = shown.replace("<code>", "").replace("</code>", "")

    assert text_read_back(markdown(html)) == shown
