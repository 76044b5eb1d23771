"""Main content from whole pages: what stays, what goes, and what no page can break."""

import copy
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noctule.extraction.document import MAX_DEPTH, Document, Element
from noctule.extraction.main_content import main_content
from noctule.extraction.parser import parse
from tests.unit.extraction.main_content.pages import PROSE, URL, article, page, said


def test_an_article_keeps_its_paragraphs_and_loses_what_the_site_adds() -> None:
    text = said(main_content(article()))
    assert all(f"Paragraph {number}." in text for number in range(8))
    for added in ("Species", "Shop online", "Related posts", "Ten caves", "All rights reserved", "We use cookies"):
        assert added not in text


def test_a_thread_keeps_every_post() -> None:
    posts = "".join(
        f'<div class="post topic-post"><div class="username">reader{number}</div>'
        f'<div class="post-body"><p>Answer {number}. {PROSE}</p></div></div>'
        for number in range(6)
    )
    text = said(main_content(page(f'<div class="topic thread"><h1>Where do bats sleep?</h1>{posts}</div>')))
    assert all(f"Answer {number}." in text for number in range(6))
    assert "All rights reserved" not in text


def test_documentation_keeps_code_as_it_is() -> None:
    code = "for bat in roost:\n    bat.wake()\n"
    texts = f"<p>{PROSE}</p><pre><code class='language-python'>{code}</code></pre>" * 3
    content = main_content(page(f"<article class='markdown'><h1>Waking</h1>{texts}</article>"))
    blocks = [element for element in content.walk() if element.tag == "pre"]
    assert len(blocks) == 3
    assert blocks[0].children[0] is not None
    inner = blocks[0].children[0]
    assert isinstance(inner, Element)
    assert inner.children == [code]


def test_an_image_between_paragraphs_stays_and_one_of_the_head_goes() -> None:
    figure = "<figure><img src='bat.png' alt='A bat'></figure>"
    body = f"<p>{PROSE}</p>{figure}<p>{PROSE}</p>"
    content = main_content(page(f"<article class='post'>{body * 3}</article>"))
    assert [element.attributes["src"] for element in content.walk() if element.tag == "img"] == ["bat.png"] * 3


def test_the_tree_of_the_page_is_not_changed() -> None:
    document = article()
    before = copy.deepcopy(document.root)
    main_content(document)
    assert _as_tuple(document.root) == _as_tuple(before)


def test_the_same_page_gives_the_same_content() -> None:
    assert said(main_content(article())) == said(main_content(article()))


@pytest.mark.parametrize("html", ["", "<p></p>", "<img src=a.png>", "<p>—</p>", "<div><div></div></div>"])
def test_a_page_without_words_gives_a_tree_without_words(html: str) -> None:
    assert said(main_content(parse(html, URL))) == ""


@pytest.mark.parametrize("html", ["bats", "<a href=/>bats</a>", "<nav><a href=/>bats</a></nav>", "<pre>bats</pre>"])
def test_a_page_with_words_keeps_some(html: str) -> None:
    assert said(main_content(parse(html, URL))) == "bats"


def test_a_tree_as_deep_as_trees_may_be_is_walked() -> None:
    deepest = Element("div", {}, ["bats"])
    for _ in range(MAX_DEPTH - 1):
        deepest = Element("div", {"class": "wrapper"}, [deepest])
    assert said(main_content(Document(URL, "", deepest))) == "bats"


def test_the_time_it_takes_is_linear_in_the_page() -> None:
    small, large = _fastest(article(200)), _fastest(article(2_000))
    # Ten times the page; quadratic work would take a hundred times as long.
    assert large < 40 * small


def _fastest(document: Document) -> float:
    fastest = float("inf")
    for _ in range(3):
        started = time.process_time()
        main_content(document)
        fastest = min(fastest, time.process_time() - started)
    return fastest


def _as_tuple(element: Element) -> tuple[object, ...]:
    children = tuple(child if isinstance(child, str) else _as_tuple(child) for child in element.children)
    return element.tag, tuple(element.attributes.items()), children, element.box


_TEXTS = st.text(alphabet=st.sampled_from("ab .,$1©\u00ad\u200b\u0660é"), max_size=30)
_ELEMENTS = st.recursive(
    st.builds(Element, st.sampled_from(["p", "img", "a", "td", "h2"]), st.just({}), st.lists(_TEXTS, max_size=2)),
    lambda inner: st.builds(
        Element,
        st.sampled_from(["div", "ul", "li", "a", "span", "table", "tr", "td", "nav", "pre", "x-card", "math"]),
        st.dictionaries(st.sampled_from(["class", "id", "aria-hidden"]), _TEXTS, max_size=2),
        st.lists(st.one_of(_TEXTS, inner), max_size=4),
    ),
    max_leaves=30,
)


@settings(max_examples=150, deadline=None)
@given(_ELEMENTS)
def test_any_tree_gives_a_part_of_itself(root: Element) -> None:
    kept, whole = said(main_content(Document(URL, "a title", root))), said(root)
    position = 0
    for word in kept.split():
        position = whole.index(word, position)
