"""A page cut into blocks, and the blocks sorted into patterns.

A *block* is a run of text that a reader sees as one piece, a *section* is a block-level element with figures of all
that is in it, and a *pattern* is all blocks that hold the same place in the page's template: the paragraphs of an
article, say, or the prices of a list of products. What must always hold: every word of the tree is in exactly one
block and one pattern, both are in document order, and the work is linear in the size of the tree.
"""

import re
from dataclasses import dataclass, field

from noctule.extraction.document import Element
from noctule.extraction.main_content.hints import HINT_DEPTHS_OF_NONE, hints_of

_BLOCK_TAG_NAMES = """
    address article aside blockquote body button caption center col colgroup dd details dialog dir div dl dt fieldset
    figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html iframe legend li main menu nav noscript ol
    optgroup option p pre search section select summary table tbody td textarea tfoot th thead tr ul
"""
BLOCK_TAGS = frozenset(_BLOCK_TAG_NAMES.split())
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
# What shows something without saying anything.
_SILENT = frozenset(("img", "picture", "video", "audio", "canvas", "svg", "math", "hr", "iframe", "object", "embed"))
# What is read as one piece, however it is built.
_WHOLE = frozenset(("pre", "select", "textarea", "math"))

_WORD = re.compile(r"\w+")
_MARK = re.compile(r"[.,;:?!](?:\s|$)")
_COMMON_WORDS = """
    the of and to a in is that for it as was with be by on not he his but at are this have from or had an they which
    you were her she all their there been one we so has him can its who more if out up when what your my will would
    about than into could them how our just like also any then some only these do i me because very where most over
    der die das und ist nicht ein eine zu den mit von im auf für sich des dem auch es wird sind oder wir sie
    le la les et est un une des du que dans qui pour pas sur au ce ne se plus avec par sont il elle nous vous
    el los de en y que las por con una su para es al lo como più di che per non sono della il del
    o os um uma do da em no na não com mais het een van en ik je dat niet zijn op te
"""
_STOP_WORDS = frozenset(_COMMON_WORDS.split())


@dataclass(slots=True)
class Figures:
    """What is counted, in one block or in all of a section."""

    words: int = 0
    link_words: int = 0
    stop_words: int = 0
    marks: int = 0
    paragraphs: int = 0
    headings: int = 0

    def add(self, other: "Figures") -> None:
        self.words += other.words
        self.link_words += other.link_words
        self.stop_words += other.stop_words
        self.marks += other.marks
        self.paragraphs += other.paragraphs
        self.headings += other.headings


@dataclass(slots=True, eq=False)
class Section:
    """A block-level element. ``first`` and ``end`` bound its blocks; ``alike`` counts it and its like next to it.

    ``template`` is the same number for sections of the same tags and classes from the root down, and ``hint_depths``
    tells for each hint how deep the nearest section is that gives it, this one included.
    """

    element: Element
    parent: "Section | None"
    depth: int
    template: int
    hint_depths: tuple[int, ...]
    hints: frozenset[int]
    first: int
    end: int = 0
    alike: int = 1
    in_link: bool = False
    figures: Figures = field(default_factory=Figures)
    children: "list[Section]" = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Block:
    """A run of inline content right below one section. One without words shows something, an image say."""

    section: Section
    nodes: list[Element | str]
    text: str
    words: list[str]
    figures: Figures


@dataclass(slots=True, eq=False)
class Pattern:
    """The blocks of one place in the template, with the numbers that they have in the page."""

    blocks: list[Block]
    numbers: list[int]
    figures: Figures


@dataclass(frozen=True, slots=True)
class Page:
    """A page, cut: its root section, its blocks, and the patterns of those that have words."""

    root: Section
    blocks: list[Block]
    patterns: list[Pattern]


def cut(root: Element) -> Page:
    """Cut the tree under ``root``."""
    cutter = _Cutter(root)
    section = cutter.section(root, None)
    return Page(section, cutter.blocks, _patterns(cutter.blocks))


def _patterns(blocks: list[Block]) -> list[Pattern]:
    patterns: dict[int, Pattern] = {}
    for number, block in enumerate(blocks):
        if not block.words:
            continue
        template = block.section.template
        pattern = patterns.get(template)
        if pattern is None:
            patterns[template] = pattern = Pattern([], [], Figures())
        pattern.blocks.append(block)
        pattern.numbers.append(number)
        pattern.figures.add(block.figures)
    return list(patterns.values())


class _Cutter:
    def __init__(self, root: Element) -> None:
        self.blocks: list[Block] = []
        self._templates: dict[tuple[int, str, str], int] = {}
        self._holders: set[int] = set()
        self._find_holders(root)

    def _find_holders(self, element: Element) -> bool:
        """Note which elements hold a block-level one, however far below, and so break a line themselves."""
        holds = False
        for child in element.children:
            if isinstance(child, str) or child.tag == "svg":
                continue
            if self._find_holders(child) or child.tag in BLOCK_TAGS:
                holds = True
        if holds:
            self._holders.add(id(element))
        return holds

    def section(self, element: Element, parent: Section | None) -> Section:
        section = self._open(element, parent)
        if element.tag in _WHOLE:
            self._close_block(section, list(element.children))
        else:
            self._cut(section)
        section.end = len(self.blocks)
        if element.tag == "p":
            section.figures.paragraphs += 1
        elif element.tag in HEADINGS:
            section.figures.headings += 1
        return section

    def _open(self, element: Element, parent: Section | None) -> Section:
        above = parent.template if parent else 0
        key = (above, element.tag, element.attributes.get("class", ""))
        template = self._templates.setdefault(key, len(self._templates) + 1)
        if parent is None:
            return Section(element, None, 0, template, HINT_DEPTHS_OF_NONE, frozenset(), 0)
        depth = parent.depth + 1
        hints = hints_of(element)
        depths = parent.hint_depths
        # A body's names tell of the page rather than of a part of it.
        if hints and element.tag != "body":
            depths = tuple([depth if hint in hints else above for hint, above in enumerate(depths)])
        section = Section(element, parent, depth, template, depths, hints, len(self.blocks))
        section.in_link = parent.in_link or element.tag in ("a", "button")
        return section

    def _cut(self, section: Section) -> None:
        run: list[Element | str] = []
        alike: dict[int, int] = {}
        for child in section.element.children:
            if isinstance(child, str) or not (child.tag in BLOCK_TAGS or id(child) in self._holders):
                run.append(child)
                continue
            self._close_block(section, run)
            run = []
            inner = self.section(child, section)
            section.children.append(inner)
            section.figures.add(inner.figures)
            alike[inner.template] = alike.get(inner.template, 0) + 1
        self._close_block(section, run)
        for inner in section.children:
            inner.alike = alike[inner.template]

    def _close_block(self, section: Section, run: list[Element | str]) -> None:
        # Most runs are the space between two elements.
        if not run or (len(run) == 1 and isinstance(run[0], str) and run[0].isspace()):
            return
        reading = _Reading()
        for node in run:
            reading.read(node, section.in_link)
        text = " ".join("".join(reading.texts).split())
        if not text and not reading.shows:
            return
        words = _WORD.findall(text.lower())
        count = len(words)
        link_words = count if section.in_link else min(reading.link_words, count)
        stop_words = len([word for word in words if word in _STOP_WORDS])
        figures = Figures(count, link_words, stop_words, len(_MARK.findall(text)))
        self.blocks.append(Block(section, run, text, words, figures))
        section.figures.add(figures)


class _Reading:
    """What a run of inline content says, and whether it shows anything besides."""

    __slots__ = ("link_words", "shows", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.link_words = 0
        self.shows = False

    def read(self, node: Element | str, in_link: bool) -> None:
        if isinstance(node, str):
            self.texts.append(node)
            if in_link:
                self.link_words += len(node.split())
            return
        if node.tag == "br":
            self.texts.append("\n")
        elif node.tag in _SILENT:
            self.shows = True
            if node.tag == "svg":
                return
        in_link = in_link or node.tag == "a"
        for child in node.children:
            self.read(child, in_link)
