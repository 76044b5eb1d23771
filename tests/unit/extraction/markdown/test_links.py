"""Addresses are absolute, safe and whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from noctule.extraction.markdown.links import MAX_URL_CHARACTERS, Addresses, absolute, best_source, destination

BASE = "https://example.org/docs/page.html?q=1#top"


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("https://a.example/x", "https://a.example/x"),
        ("/x", "https://example.org/x"),
        ("x", "https://example.org/docs/x"),
        ("../x/./y", "https://example.org/x/y"),
        ("/a/../x", "https://example.org/x"),
        ("//b.example/x", "https://b.example/x"),
        ("#part", "https://example.org/docs/page.html?q=1#part"),
        ("?r=2", "https://example.org/docs/page.html?r=2"),
        ("mailto:a@example.org", "mailto:a@example.org"),
        ("tel:+1 2", "tel:+1%202"),
        (" \n/x\t", "https://example.org/x"),
        ("/a\nb", "https://example.org/ab"),
    ],
)
def test_a_reference_is_resolved_as_a_browser_does(reference: str, url: str) -> None:
    assert Addresses(BASE, None).link(reference) == url


@pytest.mark.parametrize(
    "reference",
    [
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "vbscript:x",
        "data:text/html,x",
        "blob:https://example.org/1",
        "file:///etc/passwd",
        "http://[",
        "/" + "x" * MAX_URL_CHARACTERS,
    ],
)
def test_what_names_no_place_is_none(reference: str) -> None:
    assert absolute(BASE, reference) is None
    assert Addresses(BASE, None).link(reference) in {None, "http://%5B"}


def test_a_base_that_runs_scripts_gives_no_addresses() -> None:
    assert Addresses("javascript:x", None).link("y") in {None, "y"}


@given(st.text(max_size=60))
def test_a_parser_takes_every_address_whole(rest: str) -> None:
    url = Addresses("https://example.org/", None).link(f"https://example.org/{rest}")
    assert url is not None

    (paragraph,) = (token for token in MarkdownIt("commonmark").parse(f"a [t]({url}) b") if token.type == "inline")

    assert [token.type for token in paragraph.children or []] == ["text", "link_open", "text", "link_close", "text"]


def test_a_destination_keeps_what_is_no_markup() -> None:
    assert destination("https://example.org/ä?a=1&b=2_c") == "https://example.org/ä?a=1&b=2_c"
    assert destination("https://example.org/?a&copy;b") == "https://example.org/?a&amp;copy;b"


@pytest.mark.parametrize(
    ("srcset", "best"),
    [
        ("a.png 1x, b.png 2x", "b.png"),
        ("a.png 400w, b.png 1600w, c.png 800w", "b.png"),
        ("a.png", "a.png"),
        ("a,b.png 1x,c.png 1.5x", "c.png"),
        ("data:image/png;base64,AA== 2x, a.png 1x", "a.png"),
        ("", None),
        (" , ,", None),
    ],
)
def test_the_best_of_a_srcset_is_the_largest(srcset: str, best: str | None) -> None:
    assert best_source(srcset) == best


def test_one_address_has_one_placeholder() -> None:
    mapping: dict[str, str] = {}
    addresses = Addresses(BASE, mapping)

    assert [addresses.link("/a"), addresses.link("/b"), addresses.link("https://example.org/a")] == [
        "link1",
        "link2",
        "link1",
    ]
    assert addresses.image("/a") == "img1.png"
    assert mapping == {
        "link1": "https://example.org/a",
        "link2": "https://example.org/b",
        "img1.png": "https://example.org/a",
    }


def test_all_addresses_together_are_bounded() -> None:
    addresses = Addresses("https://example.org/" + "d" * 4000 + "/", None)

    written = [addresses.link(str(number)) for number in range(5000)]

    assert sum(len(url) for url in written if url) < 10_000_000
    assert written[-1] is None
