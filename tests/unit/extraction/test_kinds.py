"""What a page says that it is comes down to a few kinds, wherever and however badly it says so."""

import json

import pytest

from noctule.extraction.kinds import KINDS, kinds_of, linked_types
from noctule.extraction.parser import parse
from noctule.extraction.tree import decode


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        (["Product"], {"product"}),
        (["https://schema.org/NewsArticle", " http://schema.org/FAQPage/ "], {"article", "faq"}),
        (["og:product.group", "og:website"], {"og_product", "og_website"}),
        (["Thing", "og:", "", "og:video.movie"], set()),
    ],
)
def test_types_come_down_to_kinds(said: list[str], kinds: set[str]) -> None:
    assert kinds_of(said) == kinds
    assert kinds <= set(KINDS)


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ('{"@type": "Product", "offers": {"@type":"Offer"}}', ["Product", "Offer"]),
        ('{"@type": ["Recipe", "NewsArticle"]', ["Recipe", "NewsArticle"]),
        ("not JSON at all", []),
        ('{"@type": "' + "x" * 500, []),
    ],
)
def test_types_are_read_from_json_that_may_be_broken(text: str, types: list[str]) -> None:
    assert list(linked_types(text)) == types


def test_html_says_what_it_is_in_three_ways() -> None:
    html = (
        '<meta property="og:type" content="article"><script type="application/ld+json">{"@type":"FAQPage"}</script>'
        '<body><div itemscope itemtype="https://schema.org/Product">x</div>'
    )
    assert parse(html).kinds == {"og_article", "faq", "product"}
    assert parse(html, selector="div").kinds == parse(html).kinds
    assert parse("<p>nothing said").kinds == set()


def test_a_rendered_page_says_what_it_is_as_well() -> None:
    page = {"url": "", "title": "", "root": ["body", None, None], "frames": []}
    assert decode(json.dumps({**page, "types": ["ItemList", 7, None]}).encode()).kinds == {"collection"}
    assert decode(json.dumps(page).encode()).kinds == set()
