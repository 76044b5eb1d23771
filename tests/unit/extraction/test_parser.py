"""HTML to a tree: what is kept, what is not, and what hostile input cannot do."""

import codecs
import encodings
import pkgutil
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noctule.extraction.document import MAX_DEPTH, MAX_NODES, Document, Element
from noctule.extraction.parser import MAX_SELECTOR_CHARACTERS, decode, parse
from noctule.kit.errors import InvalidRequest

URL = "https://example.org/docs/page.html"


def shown(element: Element) -> str:
    """The tree as markup without attributes, runs of space as one."""
    inner = "".join(child if isinstance(child, str) else shown(child) for child in element.children)
    return f"<{element.tag}>{' '.join(inner.split())}</{element.tag}>"


def tags(document: Document) -> set[str]:
    return {element.tag for element in document.root.walk()}


def said(document: Document) -> str:
    return " ".join("".join(_texts(document.root)).split())


def _texts(element: Element) -> Iterator[str]:
    for child in element.children:
        if isinstance(child, str):
            yield child
        else:
            yield from (" ", *_texts(child), " ")


def depth(element: Element) -> int:
    return 1 + max((depth(child) for child in element.children if isinstance(child, Element)), default=0)


def test_texts_and_elements_come_in_document_order() -> None:
    document = parse("<p>one <b>two</b> three<br>four</p>five", URL)
    assert shown(document.root) == "<body><p>one <b>two</b> three<br></br>four</p>five</body>"


def test_title_and_base_are_those_of_the_head() -> None:
    document = parse("<title> A  page\n</title><base href='/other/'><p>text", URL)
    assert document.title == "A page"
    assert document.url == "https://example.org/other/"


def test_attributes_are_kept_as_they_are() -> None:
    document = parse('<img src="a.png" srcset="b.png 2x" data-src="c.png" alt="">', URL)
    image = document.root.children[0]
    assert isinstance(image, Element)
    assert image.attributes == {"src": "a.png", "srcset": "b.png 2x", "data-src": "c.png", "alt": ""}


@pytest.mark.parametrize(
    "unseen",
    [
        "<script>gone()</script>",
        "<style>.gone{}</style>",
        "<template><p>gone</p></template>",
        "<div hidden>gone</div>",
        "<div style='color:red; DISPLAY : none'>gone</div>",
        "<div style='visibility:hidden'>gone</div>",
        "<dialog>gone</dialog>",
        "<noscript>gone</noscript>",
        "<svg><style>gone{}</style></svg>",
        "<canvas>gone</canvas>",
        "<!-- gone -->",
        "<?gone gone?>",
    ],
)
def test_what_nobody_sees_is_dropped_but_not_what_follows(unseen: str) -> None:
    document = parse(f"<p>a longer text than the hidden one</p>{unseen} after", URL)
    assert said(document) == "a longer text than the hidden one after"


@pytest.mark.parametrize(
    "seen",
    [
        "<div hidden=until-found>here</div>",
        "<div style='display:block'>here</div>",
        "<dialog open>here</dialog>",
        "<details><summary>here</summary></details>",
        "<div hidden id='S:1'>here</div>",
        "<script type='math/tex'>here</script>",
    ],
)
def test_what_may_be_seen_is_kept(seen: str) -> None:
    assert "here" in said(parse(f"<p>a longer text than the hidden one</p>{seen}", URL))


def test_a_page_that_hides_all_until_a_script_runs_is_read() -> None:
    assert said(parse("<div style='visibility:hidden'><p>All that there is to read.</p></div>x", URL)) == (
        "All that there is to read. x"
    )


def test_noscript_gives_its_images_and_when_it_is_all_its_text_too() -> None:
    lazy = parse("<p>some text of the page</p><noscript><img src=a.png>enable it</noscript>", URL)
    assert "img" in tags(lazy)
    assert said(lazy) == "some text of the page"
    assert said(parse("<div id=app></div><noscript><p>The whole text.</p></noscript>", URL)) == "The whole text."


def test_an_open_frame_in_a_noscript_does_not_swallow_the_page() -> None:
    assert said(parse("<noscript><iframe src=x /></noscript><p>The text.</p>", URL)) == "The text."


@pytest.mark.parametrize("head", ["", "<title>t</title>", "<!doctype html><meta charset=utf-8><script>x</script>\n"])
def test_a_body_without_its_tag_is_still_the_body(head: str) -> None:
    assert said(parse(f"{head}<header>one</header><main>two<p>three</p></main><div>four</div>", URL)) == (
        "one two three four"
    )


def test_what_follows_the_end_of_the_page_is_still_the_page() -> None:
    assert said(parse("<body><p>one</p></body></html><p>two</p>", URL)) == "one two"


def test_a_drawing_is_kept_with_its_title() -> None:
    drawing = "<svg><title>Search</title><g><path d='M0 0'></path></g><style>a{}</style><text>x</text></svg>"
    document = parse(f"<p>a<a href=/>{drawing}</a>b</p>", URL)
    assert shown(document.root) == (
        "<body><p>a<a><svg><title>Search</title><g><path></path></g><text>x</text></svg></a>b</p></body>"
    )


def test_a_drawing_too_large_to_be_handed_out_takes_no_room() -> None:
    document = parse("<svg>" + "<path></path>" * 600 + "</svg><p>text</p>", URL)
    assert shown(document.root) == "<body><svg></svg><p>text</p></body>"
    many = parse("<svg><path></path></svg>" * 20_000 + "<p>text</p>", URL)
    assert sum(element.tag == "path" for element in many.root.walk()) == 10_000
    assert said(many) == "text"


def test_what_a_head_tells_of_images_comes_before_the_body() -> None:
    html = (
        "<head><link rel=icon href=/i.png><meta property=og:image content=/o.png><meta charset=utf-8>"
        "<link rel=stylesheet></head><body>text"
    )
    assert shown(parse(html, URL).root) == "<body><head><link></link><meta></meta></head>text</body>"
    assert tags(parse(html + "<p>part</p>", URL, selector="p")) == {"p"}


@pytest.mark.parametrize("tag", ["select", "video", "audio"])
def test_what_fields_and_media_hold_is_kept(tag: str) -> None:
    inner = "<option>one</option>" if tag == "select" else "<source></source>"
    assert shown(parse(f"<{tag}>{inner}</{tag}>", URL).root) == f"<body><{tag}>{inner}</{tag}></body>"


def test_formulas_keep_their_source() -> None:
    markup = "<math><semantics><mi>x</mi><annotation encoding='application/x-tex'>x</annotation></semantics></math>"
    assert "annotation" in tags(parse(markup, URL))


@pytest.mark.parametrize(
    ("html", "charset"),
    [
        ("Grüße".encode(), None),
        (codecs.BOM_UTF8 + "Grüße".encode(), "iso-8859-1"),
        (codecs.BOM_UTF16_LE + "Grüße".encode("utf-16-le"), None),
        ("Grüße".encode("latin-1"), None),
        ("Grüße".encode("latin-1"), "ISO-8859-1"),
        (b"<meta charset=utf-16>" + "Grüße".encode(), None),
        ("Grüße".encode("cp1250"), "windows-1250"),
        ("Grüße".encode(), "no-such-charset"),
        ("Grüße".encode(), "base64"),
        (b"<meta http-equiv=Content-Type content='text/html; charset=cp850'>" + "Grüße".encode("cp850"), None),
    ],
)
def test_bytes_are_read_by_what_they_and_the_transport_say(html: bytes, charset: str | None) -> None:
    assert decode(html, charset).endswith("Grüße")


def test_a_selector_chooses_the_first_match() -> None:
    html = "<div class=a><p>one</p></div><div class=a><p>two</p></div>"
    for selector in (".a p", "css=.a p", "xpath=//div/p", "//p", "(//p)[1]"):
        assert shown(parse(html, URL, selector=selector).root) == "<p>one</p>"


@pytest.mark.parametrize("selector", ["p:::", "//p[", ".absent", "//absent", "count(//p)", "//p/text()", "p" * 3000])
def test_a_selector_that_chooses_nothing_is_refused(selector: str) -> None:
    with pytest.raises(InvalidRequest, match="selector"):
        parse("<p>text</p>", URL, selector=selector)
    assert len("p" * 3000) > MAX_SELECTOR_CHARACTERS


@pytest.mark.parametrize("nothing", ["", " ", "\0", "<!-- -->", "<html></html>", b"", b"\xff\xfe"])
def test_nothing_is_an_empty_document(nothing: str | bytes) -> None:
    document = parse(nothing, URL)
    assert said(document) == ""
    with pytest.raises(InvalidRequest):
        parse(nothing, URL, selector="p")


def test_deep_nesting_gives_its_text_to_the_deepest_that_fits() -> None:
    document = parse("<div>x " * 1000 + "</div>" * 1000 + "after", URL)
    assert depth(document.root) == MAX_DEPTH
    assert said(document).split() == ["x"] * 1000 + ["after"]


def test_nodes_beyond_the_bound_are_cut_off() -> None:
    document = parse("<p>x</p>" * (MAX_NODES + 1000), URL)
    assert sum(1 + sum(isinstance(child, str) for child in e.children) for e in document.root.walk()) <= MAX_NODES
    assert document.root.children


@pytest.mark.parametrize(
    "hostile",
    [
        "<div>" * 200_000,
        "".join(f"<b id={number}>" for number in range(20_000)) + "<p>x</p>" * 20_000,
        "<a href=x><div>" * 20_000,
        "<table>" * 20_000,
        "<table>" + "x<td>" * 100_000,
        "<div " + " ".join(f"a{number}" for number in range(200_000)) + ">text",
        "<div " + " ".join(f"a{number}='>'" for number in range(100_000)) + ">text",
        "<a " * 100_000,
        "<a x='" * 100_000,
        "<noscript>" * 50_000,
        "<iframe " * 50_000,
        "<title>" * 50_000,
        "<!--" * 50_000,
        "<!--x>" * 200_000,
        "<title>x</title>" * 50_000,
        "&#0;&#xD800;&#x110000;&amp" * 10_000,
        "\ud800<p>\udfff</p>",
        "<svg><p>" * 20_000,
    ],
    ids=range(18),
)
@pytest.mark.timeout(30)
def test_hostile_markup_neither_fails_nor_takes_long(hostile: str) -> None:
    assert depth(parse(hostile, URL).root) <= MAX_DEPTH


def test_a_tag_with_too_many_attributes_takes_no_script_end_with_it() -> None:
    script = "<script>if (a <b " + "c " * 2000 + "</script>"
    assert said(parse(f"{script}<p>text</p>", URL)) == "text"


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("<>/='\" \0abdivp!-?&;#x\ud800é")))
def test_any_text_is_some_document(html: str) -> None:
    assert isinstance(parse(html, URL).root, Element)


@pytest.mark.parametrize("charset", sorted({module.name for module in pkgutil.iter_modules(encodings.__path__)}))
def test_no_codec_of_pythons_fails_a_page(charset: str) -> None:
    for html in (b"\0", bytes(range(256)), b"xn--\xff", b"-\xff--", b"\\x\\N{x}"):
        assert isinstance(parse(html, URL, charset=charset).root, Element)


@pytest.mark.parametrize("charset", ["undefined", "unicode_escape", "punycode"])
def test_a_charset_that_no_page_has_is_as_good_as_none(charset: str) -> None:
    assert said(parse(b"<p>a\\u0041 caf\xc3\xa9</p>", URL, charset=charset)) == "a\\u0041 caf\u00e9"


@settings(max_examples=100, deadline=None)
@given(st.binary(), st.text(max_size=12))
def test_any_bytes_are_some_document(html: bytes, charset: str) -> None:
    assert isinstance(parse(html, URL, charset=charset).root, Element)
