"""What is read in several places becomes one document, inside bounds that all of them share."""

import json

from noctule.browser.driver.reading import _Limits, _tree
from noctule.extraction.tree import decode


def _page(root: object, **more: object) -> dict[str, object]:
    return {
        "base": "https://x.test/a",
        "title": 'A "title" \ud800',
        "root": json.dumps(root),
        "types": ["Product"],
        **more,
    }


def test_a_page_and_its_frames_are_one_document() -> None:
    frame = _tree(_page(["body", None, None, "inner"]), []).decode()
    document = decode(_tree(_page(["body", None, [0, 0, 9, 9], "text"]), [frame, frame]))
    assert (document.url, document.root.children) == ("https://x.test/a", ["text"])
    assert document.title.startswith('A "title"')
    assert document.kinds == {"product"}
    assert [inner.root.children for inner in document.frames] == [["inner"], ["inner"]]


def test_documents_share_their_bounds() -> None:
    limits = _Limits()
    limits.spend({"elements": 12, "characters": 0})
    assert (limits.options["elements"], limits.options["characters"]) == (12, 0)
    assert limits.options["milliseconds"] > 0
