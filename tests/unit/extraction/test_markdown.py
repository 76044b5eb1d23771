"""Whole pages to markdown: each sample beside what a person would want of it, options, frames, hostile documents."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noctule.extraction.document import MAX_DEPTH, Document, Element
from noctule.extraction.markdown import Options, to_markdown
from noctule.extraction.markdown.tags import text_of
from noctule.extraction.parser import parse
from tests.unit.extraction.trees import URL, document, markdown, read_back, text_read_back

SAMPLES = Path(__file__).parent / "samples"
PAGE = (
    '<h1>Head</h1><p>See <a href="/a">one</a>, <a href="/b">two</a>, <a href="/a">one again</a>.</p>'
    '<p><img src="/i.png" alt="pic"></p><aside>Aside</aside>'
)


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("*.html")))
def test_a_sample_reads_as_a_person_would_write_it(name: str) -> None:
    page = parse((SAMPLES / f"{name}.html").read_bytes(), "https://example.org/guide/start.html")

    assert to_markdown(page).text == (SAMPLES / f"{name}.markdown").read_text().rstrip("\n")


def test_without_links_their_text_stays() -> None:
    assert "See one, two, one again." in markdown(PAGE, Options(links=False))


def test_without_images_none_is_left() -> None:
    text = markdown(PAGE + '<a href="/c"><img src="x.png" alt="Name"></a>', Options(images=False))

    assert "i.png" not in text
    assert "[Name](https://example.org/c)" in text


def test_ignored_tags_are_dropped_with_what_they_hold() -> None:
    text = markdown(PAGE, Options(ignored_tags=("aside", "H1")))

    assert "Aside" not in text
    assert "Head" not in text


def test_placeholders_number_each_address_once() -> None:
    result = to_markdown(document(PAGE), Options(placeholders=True))

    assert "See [one](link1), [two](link2), [one again](link1)." in result.text
    assert "![pic](img1.png)" in result.text
    assert result.placeholders == {
        "link1": "https://example.org/a",
        "link2": "https://example.org/b",
        "img1.png": "https://example.org/i.png",
    }


def test_frames_follow_after_a_line_with_their_address() -> None:
    inner = document('<p>Inner <a href="x">x</a></p>', url="https://frames.example.org/f/")
    empty = document("", url="https://frames.example.org/empty")

    text = to_markdown(document("<p>Outer</p>", inner, empty)).text

    assert text == "Outer\n\nIFRAME https://frames.example.org/f/:\n\nInner [x](https://frames.example.org/f/x)"


def test_frames_are_left_out_on_request() -> None:
    inner = document("<p>Inner</p>", url="https://frames.example.org/f/")

    assert to_markdown(document("<p>Outer</p>", inner), Options(frames=False)).text == "Outer"


def test_frames_share_the_numbering_of_placeholders() -> None:
    inner = document('<a href="https://example.org/b">b</a> <a href="/c">c</a>', url="https://frames.example.org/")

    result = to_markdown(document('<a href="/a">a</a> <a href="/b">b</a>', inner), Options(placeholders=True))

    assert result.text.endswith("[b](link2) [c](link3)")


def test_an_empty_document_is_an_empty_text() -> None:
    assert markdown("") == ""
    assert markdown("<div> <p> </p><ul><li></li></ul><table></table><blockquote><p></p></blockquote></div>") == ""


@pytest.mark.parametrize("tag", ["div", "ul", "blockquote", "b", "a", "span", "table", "dl", "q", "sup", "math", "pre"])
def test_whatever_nests_as_deeply_as_a_tree_can_is_still_written(tag: str) -> None:
    innermost = node = Element(tag, {"href": "/x", "style": "font-weight:bold", "class": "highlight language-x"})
    for _ in range(MAX_DEPTH - 1):
        node = Element(tag, node.attributes, [node, "t"])
    innermost.children.append("innermost")

    assert "t" in to_markdown(Document(URL, "", Element("body", {}, [node]))).text or tag in {"table", "math"}


def test_a_wide_document_is_written_whole() -> None:
    wide = Element("body", {}, [Element("p", {}, [f"word{number} "]) for number in range(20_000)])

    assert to_markdown(Document(URL, "", wide)).text.count("\n\n") == 19_999


_TAGS = (
    "p div h1 h2 ul ol li dl dt dd blockquote pre code table tr td th thead caption a b i em s q sub sup br hr img "
    "span details summary figure figcaption input select option math mi mo mfrac ruby rt label font nav script"
)
_NAMES = "href src alt class style id role aria-level start value colspan rowspan srcset type title data-lang"
_VALUES = st.text(max_size=12) | st.sampled_from(
    [
        "#x",
        "x",
        "katex",
        "heading",
        "list",
        "language-x",
        "linenos",
        "9999999999",
        "-1",
        "0",
        "http://[",
        "javascript:0",
    ]
)
_ANYTHING = st.recursive(
    st.text(st.characters(), max_size=12),
    lambda children: st.builds(
        lambda tag, attributes, below: Element(tag, attributes, below),
        st.sampled_from(_TAGS.split()),
        st.dictionaries(st.sampled_from(_NAMES.split()), _VALUES, max_size=3),
        st.lists(children, max_size=5),
    ),
    max_leaves=30,
)


@settings(deadline=None, max_examples=150)
@given(st.lists(_ANYTHING, max_size=5), st.builds(Options, st.booleans(), st.booleans(), placeholders=st.booleans()))
def test_no_document_makes_it_fail_or_leaves_anything_hidden(children: list[Element | str], options: Options) -> None:
    text = to_markdown(Document("https://example.org/", "", Element("body", {}, children)), options).text

    assert not any(ord(character) < 32 and character not in "\n\t" for character in text)
    assert not any("\ud800" <= character <= "\udfff" for character in text)
    assert not text.startswith("\n")
    assert not text.endswith("\n")


_PIECES = "word a 1 * _ ` [ ] ]( (x) < > & &amp; ~ # \\ | ! + = --- é 漢字 “ : . http://x.example/a_b"
_WORDS = st.lists(st.sampled_from([*_PIECES.split(), " ", "\n", "- ", "1. "]), max_size=8).map("".join)
_INLINE = st.recursive(
    _WORDS,
    lambda inner: st.builds(
        lambda tag, below: Element(tag, {"href": "/x"}, below),
        st.sampled_from(["b", "i", "s", "a", "code", "span", "label"]),
        st.lists(inner, max_size=3),
    ),
    max_leaves=6,
)
_PARAGRAPH = st.lists(_INLINE | st.builds(lambda: Element("br")), max_size=5)


@settings(deadline=None, max_examples=300)
@given(st.lists(_PARAGRAPH, max_size=3), st.sampled_from(["p", "li", "blockquote", "h2", "div"]))
def test_a_parser_reads_back_every_character(paragraphs: list[list[Element | str]], tag: str) -> None:
    root = Element("body", {}, [Element(tag, {}, list(paragraph)) for paragraph in paragraphs])

    text = to_markdown(Document("https://example.org/", "", root)).text

    assert text_read_back(text) == "".join(text_of(root).split())


def test_what_is_read_back_has_the_same_structure() -> None:
    html = "<h2>A <em>b</em></h2><ul><li>x<ol><li>y</li></ol></li></ul><blockquote><p>q <code>c</code></p></blockquote>"

    assert read_back(markdown(html)) == html
