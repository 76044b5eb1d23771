"""Blocks stand apart, links and captions go around them, footnotes find each other."""

import pytest

from tests.unit.extraction.trees import markdown


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("<div>a<div>b</div>c</div>", "a\n\nb\n\nc"),
        ("<span>a<div>b</div></span>", "a\n\nb"),
        ("<my-card><h2>a</h2></my-card>", "## a"),
        ("<p>a<br><br><br>b</p>", "a\n\nb"),
        ("<div role='heading' aria-level='4'>a</div>", "#### a"),
        ("<div role='heading' aria-level='99'>a</div>", "###### a"),
        ("<div role='heading'>a</div>", "## a"),
        ("<h2 role='presentation'>a</h2>", "a"),
        ("<h1><div>a</div><div>b</div></h1>", "# a b"),
        ("<p>a</p><p>\u200d</p><p>b</p>", "a\n\nb"),
        ("<h1>a<br>b</h1>", "# a b"),
        ("<h1>a #</h1>", "# a \\#"),
        ("<h1>C#</h1>", "# C#"),
        ("<h1> </h1>", ""),
        ("<dialog>a</dialog><dialog open>b</dialog>", "b"),
        ("<details><summary>a</summary><p>b</p></details>", "**a**\n\nb"),
        (
            "<figure><img src=/a alt=a><figcaption>c <i>d</i></figcaption></figure>",
            "![a](https://example.org/a)\n\n*c d*",
        ),
        ("<blockquote></blockquote><p>a</p>", "a"),
        ("<script>x</script><style>y</style><template>z</template><p>a</p>", "a"),
    ],
)
def test_a_block_is_written(html: str, written: str) -> None:
    assert markdown(html) == written


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("<a href=/x><h3>T</h3><p>b</p></a>", "### [T](https://example.org/x)\n\nb"),
        ("<a href=/x><p>a</p><h3>T</h3><p>b</p></a>", "a\n\n### [T](https://example.org/x)\n\nb"),
        ("<a href=/x><p>a</p><h3> </h3></a>", "[a](https://example.org/x)"),
        ("<a href=/x><div>b</div></a>", "[b](https://example.org/x)"),
        ("<a href=/x><div><img src=/i alt=p></div></a>", "[![p](https://example.org/i)](https://example.org/x)"),
        ("<h3><a href=/x>T</a></h3>", "### [T](https://example.org/x)"),
        ("<a href='javascript:x'><h3>T</h3></a>", "### T"),
        (
            "<a href=/x><p>see <a href=/y>y</a></p><p>t</p></a>",
            "see [y](https://example.org/y)\n\n[t](https://example.org/x)",
        ),
    ],
)
def test_a_link_around_blocks_is_on_its_title(html: str, written: str) -> None:
    assert markdown(html) == written


@pytest.mark.parametrize(
    ("reference", "note"),
    [
        ('<sup><a href="#fn1">1</a></sup>', '<li id="fn1">N <a href="#r">↩</a></li>'),
        ('<sup><a href="#cite_note-1">[1]</a></sup>', '<li id="cite_note-1"><a href="#cite_ref-1">^</a> N</li>'),
        ('<a role="doc-noteref" href="#x">1</a>', '<li id="x"><p>N</p></li>'),
        ('<a class="footnote-ref" id="r" href="#y">1</a>', '<li id="y">N <a href="#r">back</a></li>'),
    ],
)
def test_a_reference_and_its_note_share_a_label(reference: str, note: str) -> None:
    assert markdown(f"<p>Text{reference}</p><ol>{note}</ol>") == "Text[^1]\n\n[^1]: N"


def test_a_reference_without_its_note_is_a_link() -> None:
    assert markdown('<p>Text<sup><a href="#fn1">1</a></sup></p>') == "Text[1](https://example.org/docs/page.html#fn1)"


def test_two_notes_with_one_number_have_two_labels() -> None:
    text = markdown('<p><a href="#fn-a">1</a><a href="#fn-b">1</a></p><p id="fn-a">A</p><p id="fn-b">B</p>')

    assert text == "[^1][^1-2]\n\n[^1]: A\n\n[^1-2]: B"
