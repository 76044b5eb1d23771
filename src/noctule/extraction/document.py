"""A document as extraction sees it: a tree of elements and texts, whoever it came from.

A rendered page sends it without what cannot be seen, with shadow roots flattened and with boxes; HTML alone
gives it without boxes. What must always hold: the tree is bounded in depth and nodes before anything walks it,
so that every walk may recurse and none takes long.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_NODES = 100_000
MAX_DEPTH = 256


class Box(NamedTuple):
    """Where an element is on the page, in CSS pixels from the top left of the document."""

    x: int
    y: int
    width: int
    height: int


@dataclass(slots=True, eq=False)
class Element:
    """One element. ``tag`` is lower case; texts among ``children`` are as the document has them."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)
    box: Box | None = None

    def walk(self) -> Iterator["Element"]:
        """This element and those below it, in document order."""
        stack = [self]
        while stack:
            element = stack.pop()
            yield element
            stack.extend(child for child in reversed(element.children) if isinstance(child, Element))


@dataclass(frozen=True, slots=True)
class Document:
    """One document. ``url`` is the base of its links; ``frames`` are the documents of its iframes, in order.

    ``kinds`` is what the page says that it is (``kinds.KINDS``).
    """

    url: str
    title: str
    root: Element
    frames: tuple["Document", ...] = ()
    kinds: frozenset[str] = frozenset()
