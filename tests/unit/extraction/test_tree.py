"""What the walk of a page sends becomes a document, or is refused."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noctule.extraction.document import MAX_DEPTH, MAX_NODES, Box, Element
from noctule.extraction.errors import UnreadableDocument
from noctule.extraction.tree import decode


def _sent(root: object, **more: object) -> bytes:
    return json.dumps({"url": "https://example.org/", "title": "T", "root": root, "frames": [], **more}).encode()


def test_nodes_become_elements_with_attributes_boxes_and_texts() -> None:
    found = decode(_sent(["BODY", None, [0, 0, 800.5, 600], "a", ["p", {"class": "x"}, None, "b"], "c"]))

    assert (found.url, found.title) == ("https://example.org/", "T")
    assert found.root.tag == "body"
    assert found.root.box == Box(0, 0, 800, 600)
    first, paragraph, last = found.root.children
    assert (first, last) == ("a", "c")
    assert isinstance(paragraph, Element)
    assert (paragraph.tag, paragraph.attributes, paragraph.children, paragraph.box) == (
        "p",
        {"class": "x"},
        ["b"],
        None,
    )


def test_frames_are_documents_of_their_own() -> None:
    frame = {"url": "https://f.example.org/", "title": "", "root": ["body", None, None, "in"], "frames": []}

    found = decode(_sent(["body", None, None], frames=[frame]))

    assert [inner.root.children for inner in found.frames] == [["in"]]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"[]",
        b"{",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        _sent("text"),
        _sent([]),
        _sent(["p"]),
        _sent([1, None, None]),
        _sent({"tag": "p"}),
        _sent(["p", [], None]),
        _sent(["p", {"a": 1}, None]),
        _sent(["p", None, [1, 2]]),
        _sent(["p", None, ["1", 2, 3, 4]]),
        _sent(["p", None, None, 7]),
        _sent(["p", None, None, None]),
        _sent(["p", None, None], url=None),
        _sent(["p", None, None], frames="x"),
        _sent(["p", None, None], frames=[1]),
    ],
)
def test_anything_else_is_refused_with_a_sentence(sent: bytes) -> None:
    with pytest.raises(UnreadableDocument, match="could not be read"):
        decode(sent)


def test_nodes_beyond_the_last_that_fits_are_cut_off() -> None:
    found = decode(_sent(["body", None, None, *[["p", None, None, "x"]] * (MAX_NODES + 50)]))

    assert sum(1 for _ in found.root.walk()) == MAX_NODES


def test_what_is_nested_too_deeply_keeps_its_text() -> None:
    node: list[object] = ["b", None, None, "innermost"]
    for _ in range(MAX_DEPTH + 50):
        node = ["div", None, None, node]

    found = decode(_sent(node))

    depth, element = 1, found.root
    while isinstance(element.children[0], Element):
        depth, element = depth + 1, element.children[0]
    assert depth == MAX_DEPTH
    assert element.children == ["innermost"]


def test_half_characters_and_far_boxes_are_no_error() -> None:
    found = decode(b'{"url": "https://example.org/", "root": ["p", {"a": "\\ud800"}, [1e300, 0, 1, 1], "\\udc00"]}')

    assert found.root.children == ["\udc00"]
    assert found.root.box is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)


@settings(deadline=None)
@given(_JSON, _JSON)
def test_no_json_makes_it_fail_otherwise(root: object, frames: object) -> None:
    with contextlib.suppress(UnreadableDocument):
        decode(_sent(["p", None, None, root], frames=frames))
