"""Observing a page, and reading it."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["click", "fill", "check", "select", "option", "upload"]
"""What can be done with a node: each is one action of the contract."""


@dataclass(frozen=True, slots=True)
class Observe:
    """Look at the current tab. Answers ``Observed``."""

    with_picture: bool = True
    timeout_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class ReadPage:
    """Read the current tab, or what ``selector`` finds in it, once it has come to rest. Answers ``PageRead``."""

    selector: str | None = None
    timeout_seconds: float = 30.0


# -- results -------------------------------------------------------------------------------------------


class Node(NamedTuple):
    """One thing that can be acted on.

    ``box`` is x, y, width and height in CSS pixels from the top left of the viewport. ``path`` leads to the element:
    its place among its siblings, counted from 1, level by level from ``body``: ``>`` into a child, ``/`` into an open
    shadow root, ``!`` into a closed one. ``frames`` are the paths of the iframes around it, outermost first. ``line``
    is its line of the description.
    """

    id: str
    kind: Kind
    role: str
    name: str
    line: str
    path: str
    frames: tuple[str, ...]
    box: tuple[int, int, int, int]


class Place(NamedTuple):
    """Scroll position, size of the viewport, and size of the whole document, in CSS pixels."""

    scroll_x: int
    scroll_y: int
    viewport_width: int
    viewport_height: int
    total_width: int
    total_height: int


class TabInfo(NamedTuple):
    """An open tab; ``number`` is its place in the order of opening."""

    number: int
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Observed:
    """What is to be seen in a tab. ``description`` has one line a node; ``jpeg`` is ``None`` where no picture was
    wanted or could be taken."""

    url: str
    title: str
    place: Place
    tabs: tuple[TabInfo, ...]
    description: str
    nodes: tuple[Node, ...]
    jpeg: bytes | None = None


@dataclass(frozen=True, slots=True)
class PageRead:
    """The document of a tab. A page has a ``tree``, the JSON that ``extraction`` understands; any other file that
    a tab shows (PDF, text, JSON) has its ``body`` instead."""

    url: str
    title: str
    content_type: str
    tree: bytes = b""
    body: bytes = b""
