"""The tree that a rendered page's walk sends, as a ``Document``.

The walk sends JSON: a document is ``{"url", "title", "root", "frames", "types"}``, where ``types`` may be missing and
has what ``kinds.kinds_of`` takes. A node is ``[tag, attributes, box, child, ...]`` with attributes an object or null,
the box ``[x, y, width, height]`` or null (it is of use for pictures alone), and texts as plain strings.

What must always hold: the page may have written any of it, so anything else than that shape is refused, and what lies
beyond the bounds of ``document`` is cut off: nodes after the last that fits are lost, and elements nested too deeply
give their content to the deepest ancestor that fits.
"""

import json
from typing import Any

import msgspec

from noctule.extraction.document import MAX_DEPTH, MAX_NODES, Box, Document, Element
from noctule.extraction.errors import UnreadableDocument
from noctule.extraction.kinds import kinds_of

MAX_TREE_BYTES = 64 * 1024 * 1024
MAX_FRAMES = 200
_MAX_FRAME_DEPTH = 8
_MAX_URL_CHARACTERS = 8192
_MAX_TITLE_CHARACTERS = 1000
_FAR_PIXELS = 1_000_000_000
_MALFORMED = "The page could not be read: its content came in a shape that is not known."

_decoder = msgspec.json.Decoder()


def decode(tree: bytes) -> Document:
    """The document and its frames. Raises ``UnreadableDocument`` for anything that is none."""
    if len(tree) > MAX_TREE_BYTES:
        raise UnreadableDocument(f"The page is too large to be read: over {MAX_TREE_BYTES // 2**20} MiB.")
    return _Decoding().document(_json(tree), 0)


def _json(tree: bytes) -> Any:
    try:
        try:
            return _decoder.decode(tree)
        except msgspec.DecodeError:
            # Half characters are legal in JavaScript's strings; this decoder lets them through.
            return json.loads(tree)
    except (ValueError, RecursionError):
        raise UnreadableDocument(_MALFORMED) from None


class _Decoding:
    """One tree; all documents in it share the bounds."""

    def __init__(self) -> None:
        self._nodes = 0
        self._frames = 0

    def document(self, value: Any, depth: int) -> Document:
        if not isinstance(value, dict):
            raise UnreadableDocument(_MALFORMED)
        url, title, frames = value.get("url"), value.get("title"), value.get("frames") or ()
        if (
            not isinstance(url, str)
            or not isinstance(frames, list | tuple)
            or not isinstance(value.get("types") or [], list)
        ):
            raise UnreadableDocument(_MALFORMED)
        root = self.element(value.get("root"))
        kept = frames if depth < _MAX_FRAME_DEPTH else ()
        return Document(
            url=url if len(url) <= _MAX_URL_CHARACTERS else "",
            title=title[:_MAX_TITLE_CHARACTERS] if isinstance(title, str) else "",
            root=root,
            frames=tuple(self.document(frame, depth + 1) for frame in kept if self._frame_fits()),
            kinds=kinds_of(name for name in value.get("types") or () if isinstance(name, str)),
        )

    def element(self, value: Any) -> Element:
        """The element of a node and all below it; children beyond the bounds are cut off."""
        root = _element(value)
        self._nodes += 1
        # What is read, where its children go, and how deep those are.
        stack: list[tuple[Any, Element, int]] = [(value, root, 1)]
        while stack:
            node, parent, depth = stack.pop()
            into = parent.children
            below: list[tuple[Any, Element, int]] = []
            for child in node[3:]:
                if type(child) is str:
                    into.append(child)
                    continue
                if self._nodes >= MAX_NODES:
                    break
                self._nodes += 1
                element = _element(child)
                into.append(element)
                if len(child) > 3:
                    if depth < MAX_DEPTH - 1:
                        below.append((child, element, depth + 1))
                    else:
                        element.children.append(_text(child))
            # Document order, so that what is cut off is the end.
            stack.extend(reversed(below))
        return root

    def _frame_fits(self) -> bool:
        self._frames += 1
        return self._frames <= MAX_FRAMES and self._nodes < MAX_NODES


def _element(node: Any) -> Element:
    try:
        tag, attributes, box = node[0], node[1], node[2]
    except (TypeError, IndexError, KeyError):
        raise UnreadableDocument(_MALFORMED) from None
    if type(tag) is not str or type(node) is not list:
        raise UnreadableDocument(_MALFORMED)
    if attributes is None:
        attributes = {}
    elif type(attributes) is not dict or not all(type(value) is str for value in attributes.values()):
        raise UnreadableDocument(_MALFORMED)
    return Element(tag if tag.islower() else tag.lower(), attributes, [], None if box is None else _box(box))


def _box(box: Any) -> Box | None:
    if type(box) is not list or len(box) != 4:
        raise UnreadableDocument(_MALFORMED)
    if not all(type(side) in (int, float) for side in box):
        raise UnreadableDocument(_MALFORMED)
    if not all(-_FAR_PIXELS < side < _FAR_PIXELS for side in box):
        return None
    return Box(int(box[0]), int(box[1]), int(box[2]), int(box[3]))


def _text(node: list[Any]) -> str:
    """All text below a node that is nested too deeply for elements."""
    pieces: list[str] = []
    stack: list[Any] = [node]
    while stack:
        inner = stack.pop()
        if isinstance(inner, str):
            pieces.append(inner)
        elif isinstance(inner, list):
            stack.extend(reversed(inner[3:]))
    return "".join(pieces)
