"""The images of a page: where each is, what kind of image, and what words the page has for it.

What must always hold: addresses are absolute and each appears once, in the order of the page; no image is a
script; inline pictures are bounded in size and number.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from itertools import islice
from urllib.parse import quote

from noctule.extraction.document import Document, Element
from noctule.extraction.markdown.links import absolute, best_source
from noctule.extraction.markdown.tags import HEADINGS, classes, integer, words
from noctule.extraction.markdown.text import squeezed

MAX_IMAGES = 2000
MAX_SVG_BYTES = 32 * 1024
_MAX_SVG_TOTAL_BYTES = 1024 * 1024
_MAX_DATA_CHARACTERS = 64 * 1024
_MAX_DESCRIPTION_CHARACTERS = 500
# Up to this width and height a picture says what a button does rather than what a text is about.
_ICON_PIXELS = 64
_TRACKING_PIXELS = 3
_MAX_BACKGROUNDS = 8
_MAX_CAPTION_NODES = 60

_LAZY = ("data-src", "data-original", "data-lazy-src", "data-lazy", "data-url", "data-hi-res-src", "data-full-src")
_ICON_WORD = re.compile(r"(?:^|[-_])(?:icons?|ico|logo|emoji|avatar|badge|favicon|sprite|flag)(?:$|[-_\d])", re.I)
_DECORATIVE_WORD = re.compile(
    r"(?:^|[-_])(?:spacer|divider|separator|decoration|decorative|ornament|bg|background|pixel)(?:$|[-_\d])", re.I
)
_CSS_URL = re.compile(r"url\(\s*(?:\"([^\"]*)\"|'([^']*)'|([^)\s\"']*))\s*\)", re.I)
_PAINT = re.compile(r"[\w\-]{1,32}\Z")
_UNSAFE_SVG_TAGS = frozenset({"script", "foreignobject", "iframe", "style", "animate", "set", "handler"})
# Names that SVG writes with capitals, which HTML has read without.
_SVG_NAMES = {
    name.lower(): name
    for name in words(
        "viewBox preserveAspectRatio linearGradient radialGradient gradientUnits gradientTransform spreadMethod "
        "clipPath clipPathUnits patternUnits patternContentUnits patternTransform maskUnits maskContentUnits "
        "markerWidth markerHeight markerUnits refX refY textPath textLength lengthAdjust startOffset pathLength "
        "filterUnits primitiveUnits feGaussianBlur feOffset feBlend feColorMatrix feComposite feFlood feMerge "
        "feMergeNode feMorphology feDropShadow stdDeviation"
    )
}
# What is around the content of most pages; pictures there belong to the page, not to what it tells.
_FURNITURE = frozenset({"nav", "footer", "button"})


class Category(StrEnum):
    """What an image is for."""

    FAVICON = "favicon"
    ICON = "icon"
    CONTENT_IMAGE = "content_image"
    DECORATIVE = "decorative"
    SVG_ICON = "svg_icon"
    SVG_CONTENT = "svg_content"


@dataclass(frozen=True, slots=True)
class Image:
    """One image. ``url`` is absolute, or ``data:`` for one that is part of the page."""

    url: str
    category: Category
    description: str | None


@dataclass(frozen=True, slots=True)
class _Place:
    """What is around an element: the caption of its figure, the last heading, whether it is in furniture."""

    caption: str = ""
    heading: Element | None = None
    name: str = ""
    in_furniture: bool = False


def images(document: Document) -> tuple[Image, ...]:
    """All images of the document and its frames."""
    found: dict[str, Image] = {}
    for part in _documents(document):
        budget = _MAX_SVG_TOTAL_BYTES
        for element, place in _walk(part.root):
            for image in _images(element, place, part.url, budget):
                if image.url.startswith("data:image/svg+xml,"):
                    budget -= len(image.url)
                found.setdefault(image.url, image)
            if len(found) >= MAX_IMAGES:
                return tuple(found.values())
    return tuple(found.values())


def _documents(document: Document) -> Iterator[Document]:
    yield document
    for frame in document.frames:
        yield from _documents(frame)


def _walk(root: Element) -> Iterator[tuple[Element, _Place]]:
    """Every element in document order, what pictures are made of left out."""
    stack: list[tuple[Element, _Place]] = [(root, _Place())]
    heading: Element | None = None
    while stack:
        element, place = stack.pop()
        if element.tag in HEADINGS:
            heading = element
        if place.heading is not heading:
            place = _Place(place.caption, heading, place.name, place.in_furniture)
        yield element, place
        if element.tag not in {"svg", "picture"}:
            inside = _inside(element, place)
            stack.extend((child, inside) for child in reversed(element.children) if isinstance(child, Element))


def _text(element: Element) -> str:
    """The start of its text: as much as describes an image."""
    nodes = islice(element.walk(), _MAX_CAPTION_NODES)
    texts = (child for node in nodes for child in node.children if isinstance(child, str))
    # Texts of one level come before those below; for a caption of a line that is no matter.
    return squeezed(" ".join(text[:_MAX_DESCRIPTION_CHARACTERS] for text in islice(texts, _MAX_CAPTION_NODES)))[
        :_MAX_DESCRIPTION_CHARACTERS
    ]


def _inside(element: Element, place: _Place) -> _Place:
    if element.tag == "figure":
        return _Place(_caption(element), place.heading, place.name, place.in_furniture)
    if element.tag in _FURNITURE or element.tag == "a":
        name = squeezed(element.attributes.get("aria-label", "") or element.attributes.get("title", ""))
        is_furniture = place.in_furniture or element.tag in _FURNITURE
        return _Place(place.caption, place.heading, name or place.name, is_furniture)
    return place


def _caption(figure: Element) -> str:
    # A caption is a child of its figure, or stands below a wrapper.
    for child in figure.children:
        if isinstance(child, Element):
            for node in (child, *child.children):
                if isinstance(node, Element) and node.tag == "figcaption":
                    return _text(node)
    return ""


def _images(element: Element, place: _Place, base: str, svg_budget: int) -> Iterator[Image]:
    tag = element.tag
    if tag == "img" or (tag == "input" and element.attributes.get("type", "").lower() == "image"):
        yield from _from_img(element, element, place, base)
    elif tag == "picture":
        image = next((node for node in element.walk() if node.tag == "img"), element)
        yield from _from_img(image, element, place, base)
    elif tag == "svg":
        yield from _from_svg(element, place, svg_budget)
    elif tag == "link":
        relations = element.attributes.get("rel", "").lower().split()
        if {"icon", "apple-touch-icon", "mask-icon", "apple-touch-icon-precomposed"}.intersection(relations):
            yield from _at(element.attributes.get("href", ""), base, Category.FAVICON, None)
    elif tag == "meta":
        name = element.attributes.get("property") or element.attributes.get("name") or ""
        if name.lower() in {"og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src"}:
            yield from _at(element.attributes.get("content", ""), base, Category.CONTENT_IMAGE, None)
    elif tag == "video" and element.attributes.get("poster"):
        yield from _at(element.attributes["poster"], base, Category.CONTENT_IMAGE, _description(element, place))
    if background := element.attributes.get("data-background"):
        found = [next(filter(None, match.groups()), "") for match in _CSS_URL.finditer(background)]
        for reference in found[:_MAX_BACKGROUNDS] or [background]:
            yield from _at(reference, base, Category.DECORATIVE, _own_name(element) or None)


def _from_img(image: Element, around: Element, place: _Place, base: str) -> Iterator[Image]:
    reference = _source(image) or next(
        (found for node in around.walk() if (found := best_source(node.attributes.get("srcset", "")))), ""
    )
    url = _address(reference, base)
    if url is not None:
        yield Image(url, _category(image, place, url), _description(image, place))


def _at(reference: str, base: str, category: Category, description: str | None) -> Iterator[Image]:
    url = _address(reference, base)
    if url is not None:
        yield Image(url, category, description)


def _source(element: Element) -> str:
    attributes = element.attributes
    for name in _LAZY:
        if attributes.get(name):
            return attributes[name]
    for name in ("srcset", "data-srcset"):
        if attributes.get(name) and (best := best_source(attributes[name])) is not None:
            return best
    return attributes.get("src", "")


def _address(reference: str, base: str) -> str | None:
    reference = reference.strip()
    if reference[:11].lower() == "data:image/":
        return reference if len(reference) <= _MAX_DATA_CHARACTERS else None
    return absolute(base, reference) if reference else None


def _category(element: Element, place: _Place, url: str) -> Category:
    is_svg = url.partition("?")[0].lower().endswith(".svg") or url.startswith("data:image/svg")
    width, height = _size(element)
    if max(width, height) <= _TRACKING_PIXELS and min(width, height) >= 0:
        return Category.DECORATIVE
    names = [*classes(element), element.attributes.get("id", ""), url.rpartition("/")[2].partition(".")[0]]
    is_icon = 0 <= max(width, height) <= _ICON_PIXELS or any(map(_ICON_WORD.search, names))
    # A picture without words that is large tells something all the same.
    is_aside = is_icon or _has_silent_role(element) or max(width, height) < 0 or place.in_furniture
    if is_aside and (_is_silent(element) or any(map(_DECORATIVE_WORD.search, names))):
        return Category.DECORATIVE
    if is_icon:
        return Category.SVG_ICON if is_svg else Category.ICON
    return Category.SVG_CONTENT if is_svg else Category.CONTENT_IMAGE


def _size(element: Element) -> tuple[int, int]:
    """Width and height in pixels as shown, else as the attributes say; -1 for unknown."""
    if element.box is not None and element.box.width > 0 and element.box.height > 0:
        return element.box.width, element.box.height
    return _pixels(element, "width"), _pixels(element, "height")


def _pixels(element: Element, side: str) -> int:
    return integer(element.attributes.get(side, "").strip().removesuffix("px").partition(".")[0], -1)


def _is_silent(element: Element) -> bool:
    return _has_silent_role(element) or ("alt" in element.attributes and not element.attributes["alt"].strip())


def _has_silent_role(element: Element) -> bool:
    attributes = element.attributes
    return attributes.get("role") in {"presentation", "none"} or attributes.get("aria-hidden") == "true"


def _own_name(element: Element) -> str:
    for name in ("alt", "aria-label", "title"):
        if text := squeezed(element.attributes.get(name, "")):
            return text[:_MAX_DESCRIPTION_CHARACTERS]
    return ""


def _description(element: Element, place: _Place) -> str | None:
    own = _own_name(element) or place.caption or place.name
    if own or _is_silent(element):
        return own or None
    return (_text(place.heading) if place.heading is not None else "") or None


def _from_svg(element: Element, place: _Place, budget: int) -> Iterator[Image]:
    source = _svg(element, min(MAX_SVG_BYTES, budget))
    if source is None:
        return
    title = next((_text(node) for node in element.walk() if node.tag in {"title", "desc"}), "")
    width, height = _size(element)
    is_icon = 0 <= max(width, height) <= _ICON_PIXELS or place.in_furniture or max(width, height) < 0
    description = _own_name(element) or title or place.caption or place.name or None
    category = Category.SVG_ICON if is_icon else Category.SVG_CONTENT
    if _has_silent_role(element) and description is None and not is_icon:
        category = Category.DECORATIVE
    yield Image(f"data:image/svg+xml,{quote(source, safe=_SVG_SAFE)}", category, description)


_SVG_SAFE = " ='/:;,()@!*+~-._"


def _svg(element: Element, limit: int) -> str | None:
    """The picture as a document of its own, without anything that runs; ``None`` if it is empty or too long."""
    pieces: list[str] = []
    size = shapes = 0
    # Elements to open, and the ends of those that are open.
    stack: list[Element | str] = [element]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            piece = node
        elif node.tag.lower() in _UNSAFE_SVG_TAGS:
            continue
        else:
            shapes += node is not element
            tag = _SVG_NAMES.get(node.tag, node.tag)
            piece = f"<{tag}{''.join(_svg_attributes(node, node is element))}>"
            stack.append(f"</{tag}>")
            stack.extend(escape(child) if isinstance(child, str) else child for child in reversed(node.children))
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            return None
    return "".join(pieces) if shapes else None


def _svg_attributes(element: Element, is_root: bool) -> Iterator[str]:
    if is_root and "xmlns" not in element.attributes:
        yield ' xmlns="http://www.w3.org/2000/svg"'
    for name, value in element.attributes.items():
        own = name.lower()
        if own.startswith("on") or not _PAINT.match(own.replace(":", "-")):
            continue
        if own.endswith("href") and not value.strip().startswith("#"):
            continue
        if own not in {"class", "style", "role", "tabindex", "focusable"} and not own.startswith(("data-", "aria-")):
            yield f' {_SVG_NAMES.get(name, name)}="{escape(value)}"'
