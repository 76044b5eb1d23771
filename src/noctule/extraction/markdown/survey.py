"""One pass over a document before it is written: what must be known of the whole to write any part.

What must always hold: linear in the document's size, and no recursion.
"""

import re
from dataclasses import dataclass, field
from itertools import islice

from noctule.extraction.document import Element
from noctule.extraction.markdown.tags import BLOCKS, UNSEEN, classes, text_of

_FORMULA_CLASSES = ("katex", "mathjax", "mjx-", "mwe-math", "math-tex", "latex")
_NOTE_TARGET = re.compile(
    r"#(?:user-content-)?(?:fn|footnote|_?ftn|note|cite_note|endnote|_edn|sdfootnote)[\w:.\-]*\Z", re.I
)
_NOTE_CLASSES = frozenset({"footnote-ref", "footnote-reference", "fnref", "footnote", "noteref", "data-footnote-ref"})
_NOTE_TAGS = frozenset({"li", "p", "div", "aside", "dd", "td", "section", "tr", "span"})
_MAX_LINK_NODES = 40
_LABEL = re.compile(r"[^\w\-]+")
_ARROWS = frozenset("↩⤴⏎↵↑^⇑▲⬆")


@dataclass(slots=True)
class Survey:
    """What one pass found. Elements are held by ``id``, for as long as the document lives.

    ``blocks``: the inline elements that hold blocks. ``notes``: the elements that footnotes' references point
    to, with their labels; ``references`` and ``returns``: the links to and from them. ``links``: all links.
    """

    blocks: set[int] = field(default_factory=set)
    has_formulas: bool = False
    notes: dict[int, str] = field(default_factory=dict)
    references: dict[int, str] = field(default_factory=dict)
    returns: set[int] = field(default_factory=set)
    links: list[Element] = field(default_factory=list)

    def is_told(self, reference: str) -> bool:
        """Whether some link to that address has a text, so that one without can be left out."""
        if self._told is None:
            self._told = {link.attributes["href"].strip() for link in self.links if _has_text(link)}
        return reference in self._told

    _told: set[str] | None = None


def survey(root: Element) -> Survey:
    """Look at every element once."""
    found = Survey()
    elements: list[Element] = [root]
    parents: list[int] = [-1]
    candidates: list[Element] = []
    anchored: list[Element] = []
    for position, element in enumerate(elements):
        for child in element.children:
            if type(child) is Element:
                elements.append(child)
                parents.append(position)
        if element.tag == "math":
            found.has_formulas = True
        attributes = element.attributes
        if not attributes:
            continue
        if element.tag == "a" and "href" in attributes:
            found.links.append(element)
            if "#" in attributes["href"]:
                candidates.append(element)
        if not found.has_formulas and (element.tag == "mjx-container" or is_formula_class(element)):
            found.has_formulas = True
        if "id" in attributes and element.tag in _NOTE_TAGS:
            anchored.append(element)
    holds = bytearray(len(elements))
    # Children come after their parents, so backwards every element is complete before it is asked.
    for position in range(len(elements) - 1, -1, -1):
        element = elements[position]
        is_block = element.tag in BLOCKS
        if holds[position] and not is_block:
            found.blocks.add(id(element))
        if (is_block or holds[position]) and position:
            holds[parents[position]] = 1
    if candidates and anchored:
        _footnotes(found, candidates, anchored)
    return found


def is_formula_class(element: Element) -> bool:
    """Whether a formula's typesetter made it."""
    value = element.attributes.get("class")
    return value is not None and any(word in value.lower() for word in _FORMULA_CLASSES)


def _has_text(link: Element) -> bool:
    nodes = islice(link.walk(), _MAX_LINK_NODES)
    texts = (child for node in nodes if node.tag not in UNSEEN for child in node.children if isinstance(child, str))
    return any(map(str.strip, texts))


def _footnotes(found: Survey, candidates: list[Element], anchored: list[Element]) -> None:
    targets = {element.attributes["id"]: element for element in anchored}
    labels: dict[str, str] = {}
    taken: dict[str, int] = {}
    sources: set[str] = set()
    for link in candidates:
        fragment = link.attributes["href"].partition("#")[2]
        target = targets.get(fragment)
        if target is None or not _is_reference(link):
            continue
        label = labels.get(fragment)
        if label is None:
            label = labels[fragment] = _label(link, fragment, taken)
            found.notes[id(target)] = label
        found.references[id(link)] = label
        if name := link.attributes.get("id"):
            sources.add(name)
    if labels:
        found.returns.update(id(link) for link in candidates if _is_return(link, sources))


def _is_reference(link: Element) -> bool:
    attributes = link.attributes
    text = text_of(link).strip()
    if not text or len(text) > 8 or not _ARROWS.isdisjoint(text) or "backref" in attributes.get("class", ""):
        return False
    if attributes.get("role") == "doc-noteref" or not _NOTE_CLASSES.isdisjoint(classes(link)):
        return True
    return _NOTE_TARGET.search(attributes["href"]) is not None and text.strip("[]()").isalnum()


def _is_return(link: Element, sources: set[str]) -> bool:
    attributes = link.attributes
    if attributes.get("role") == "doc-backlink" or "backref" in attributes.get("class", ""):
        return True
    fragment = attributes["href"].partition("#")[2]
    # Some put the name on the superscript around the link; then the arrow tells.
    return fragment in sources or (bool(fragment) and not _ARROWS.isdisjoint(text_of(link).strip()[:2]))


def _label(link: Element, fragment: str, taken: dict[str, int]) -> str:
    label = _LABEL.sub("", text_of(link)) or _LABEL.sub("-", fragment)
    taken[label] = count = taken.get(label, 0) + 1
    return label if count == 1 else f"{label}-{count}"
