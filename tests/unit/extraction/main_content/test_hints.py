"""What names in the markup hint at."""

import pytest

from noctule.extraction.document import Element
from noctule.extraction.main_content.hints import HINTS, hints_of


def names(element: Element) -> set[str]:
    return {HINTS[hint] for hint in hints_of(element)}


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (Element("nav"), {"navigation"}),
        (Element("div", {"class": "siteFooter"}), {"footer"}),
        (Element("div", {"id": "related-links-title"}), {"related", "actions", "headline"}),
        (Element("div", {"role": "contentinfo"}), {"footer"}),
        (Element("span", {"itemprop": "price"}), {"price"}),
        (Element("ul", {"aria-label": "Breadcrumb"}), {"breadcrumb"}),
        (Element("div", {"aria-hidden": "true"}), {"hidden"}),
        (Element("div", {"class": "sc-1a2b3c navigable"}), set()),
        (Element("div"), set()),
    ],
)
def test_names_tags_and_roles_give_hints(element: Element, expected: set[str]) -> None:
    assert names(element) == expected


def test_endless_names_are_not_read_to_their_end() -> None:
    assert names(Element("div", {"class": "x" * 10_000 + " nav"})) == set()
