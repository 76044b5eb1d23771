"""What can be told of a pattern from its texts, its place in the tree and its page: a row of numbers.

What must always hold: ``NAMES`` and the rows agree in length and order, since the trained weights know a feature by its
place; and a row depends on the document alone, never on boxes, styles or the network.
"""

import re
from itertools import accumulate

from noctule.extraction.document import Document
from noctule.extraction.kinds import KINDS
from noctule.extraction.main_content.blocks import HEADINGS, Figures, Page, Pattern, Section
from noctule.extraction.main_content.hints import HINTS

# How far above a hint is taken to be that is not there.
_FAR = 12.0
_LEVELS = 4
_SHORT_TEXT_WORDS = 12
_SAMPLE = 3
_MAX_BODY_CHARACTERS = 2000

_TAG_KINDS = {
    tag: float(kind)
    for kind, tags in enumerate(
        (
            "p", "h1 h2 h3 h4 h5 h6", "li", "td th", "dt dd", "pre", "blockquote", "a", "button option select",
            "label legend", "figcaption caption summary",
        ),
        start=1,
    )
    for tag in tags.split()
}  # fmt: skip
_RIGHTS = re.compile(r"©|copyright|all rights reserved|privacy policy|terms of (?:use|service)|cookie", re.IGNORECASE)
_PRICE = re.compile(r"[$€£¥₹]\s?\d|\d\s?(?:€|£|kr\b|zł|USD\b|EUR\b)")
_DATE = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b|\bago\b|\d:\d\d")
_ELSEWHERE = re.compile(
    r"related|you (?:may|might)|recommend|more (?:from|articles|stories|posts|like)|also (?:like|viewed|bought)"
    r"|read (?:more|next)|popular|trending|latest|recent|share this|follow us|newsletter|subscribe|sign up"
    r"|leave a (?:reply|comment)|\bcomments?\b|reviews?\b|about the author|see also|\bnext\b|previous|contact us"
    r"|get in touch|similar|customers|explore|categories|\btags\b|archives",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"(?:read|learn|see|view|show|load|find|shop|get|buy|add|sign|log|subscribe|download|share|reply|report|copy|skip"
    r"|search|sort|filter|close|back|next|previous|home|menu|contact|book|start|try|watch|explore|discover)\b",
    re.IGNORECASE,
)

# What systems that build pages from templates write into the class of the body.
_BODY = {
    "product": re.compile("product"),
    "collection": re.compile("categor|archive|collection|listing|search"),
    "article": re.compile("single|post|article"),
    "landing": re.compile("home|page-template|landing"),
}

_TEXT = (
    "words", "link_density", "stop_density", "mark_density", "characters_a_word", "capital_density", "digit_density",
    "ends_sentence", "has_price", "has_date", "has_rights", "is_elsewhere", "is_call", "title_overlap",
)  # fmt: skip
_SPREAD = ("blocks", "all_words", "longest", "distinct", "share", "first", "spread")
_PLACE = (
    "tag", "heading_level", "depth", "words_before", "words_after", "h1_distance", "under_level", "under_elsewhere",
    "under_words", "core_distance", "core_steps", "core_side",
)  # fmt: skip
_LEVEL = (
    "words", "link_density", "stop_density", "mark_density", "blocks", "paragraphs", "headings", "share",
)  # fmt: skip
_REPETITION = ("alike", "alike_words", "alike_links", "alike_marks", "alike_steps")
_PAGE = (
    "page_words", "page_blocks", "page_patterns", "page_link_density", "page_mark_density", "page_paragraphs",
    "page_core_share", "page_path_depth", "page_alike", "page_h1s", "page_mains", "page_articles", "page_threads",
    "page_reviews", "page_cards", "page_products",
    *(f"page_is_{kind}" for kind in KINDS), *(f"body_{name}" for name in _BODY),
)  # fmt: skip
NAMES = (
    *_TEXT,
    *_SPREAD,
    *_PLACE,
    *(f"up{level}_{name}" for level in range(1, _LEVELS + 1) for name in _LEVEL),
    *_REPETITION,
    *(f"hint_{name}" for name in HINTS),
    *_PAGE,
)


def rows_of(document: Document, page: Page) -> list[list[float]]:
    """One row of features for each of the page's patterns, in the order of ``NAMES``."""
    view = _View(document, page)
    return [view.row(pattern) for pattern in page.patterns]


class _View:
    """A page with what must be known of all of it before any of its patterns is described."""

    def __init__(self, document: Document, page: Page) -> None:
        self._page = page
        self._total = max(1, page.root.figures.words)
        self._title = set(document.title.lower().split())
        self._core = _core(page.root)
        self._h1 = next((i for i, block in enumerate(page.blocks) if block.section.element.tag == "h1"), -1)
        self._before = list(accumulate((len(block.words) for block in page.blocks), initial=0))
        self._under = _headings_above(page)
        self._figures = self._page_figures(document)

    def row(self, pattern: Pattern) -> list[float]:
        section = pattern.blocks[0].section
        return [
            *self._text(pattern),
            *self._spread(pattern),
            *self._place(pattern.numbers[0], section),
            *self._levels(section),
            *_repetition(section),
            *[min(_FAR, float(section.depth - depth)) if depth >= 0 else _FAR for depth in section.hint_depths],
            *self._figures,
        ]

    def _text(self, pattern: Pattern) -> tuple[float, ...]:
        figures, blocks = pattern.figures, pattern.blocks
        count = figures.words
        text = " ".join([block.text for block in blocks])
        sample = " ".join([block.text for block in blocks[:_SAMPLE]])[:500]
        words = blocks[0].words
        short = count < _SHORT_TEXT_WORDS * len(blocks)
        return (
            count / len(blocks),
            figures.link_words / count,
            figures.stop_words / count,
            figures.marks / count,
            len(text) / count,
            len([word for word in text.split() if word[0].isupper()]) / count,
            len([character for character in sample if character.isdecimal()]) / (len(sample) or 1),
            len([block for block in blocks if block.text[-1:] in ".!?…"]) / len(blocks),
            float(_PRICE.search(sample) is not None),
            float(_DATE.search(sample) is not None),
            float(_RIGHTS.search(sample) is not None),
            float(short and _ELSEWHERE.search(sample) is not None),
            float(short and _CALL.match(sample) is not None),
            len([word for word in words if word in self._title]) / max(len(words), len(self._title)),
        )

    def _spread(self, pattern: Pattern) -> tuple[float, ...]:
        blocks, numbers = pattern.blocks, pattern.numbers
        return (
            float(len(blocks)),
            float(pattern.figures.words),
            float(max([len(block.words) for block in blocks])),
            len({block.text for block in blocks}) / len(blocks),
            pattern.figures.words / self._total,
            numbers[0] / len(self._page.blocks),
            (numbers[-1] - numbers[0]) / len(blocks),
        )

    def _place(self, number: int, section: Section) -> tuple[float, ...]:
        tag, core, before = section.element.tag, self._core, self._before[number]
        side = -1 if number < core.first else 1 if number >= core.end else 0
        distance = core.first - number if side < 0 else number - core.end + 1 if side > 0 else 0
        return (
            _TAG_KINDS.get(tag, 0.0),
            float(tag[1]) if tag in HEADINGS else 0.0,
            float(section.depth),
            before / self._total,
            float(self._total - before),
            float(max(-30, min(60, number - self._h1))) if self._h1 >= 0 else -50.0,
            *self._under[number],
            float(distance),
            _steps_to(section, core),
            float(side),
        )

    def _levels(self, section: Section) -> list[float]:
        """The figures of the sections around, inner to outer; wrappers that hold no more words are passed over."""
        row: list[float] = []
        at = section
        for _ in range(_LEVELS):
            words = at.figures.words
            while at.parent and at.parent.figures.words <= words:
                at = at.parent
            at = at.parent or at
            row += self._level(at.figures, at.end - at.first)
        return row

    def _level(self, figures: Figures, blocks: int) -> tuple[float, ...]:
        words = figures.words or 1
        return (
            float(figures.words),
            figures.link_words / words,
            figures.stop_words / words,
            figures.marks / words,
            float(blocks),
            float(figures.paragraphs),
            float(figures.headings),
            figures.words / self._total,
        )

    def _page_figures(self, document: Document) -> tuple[float, ...]:
        figures, count = self._page.root.figures, max(1, len(self._page.blocks))
        tags: dict[str, int] = {}
        hints = [0] * len(HINTS)
        alike = 0
        stack = [self._page.root]
        while stack:
            section = stack.pop()
            tags[section.element.tag] = tags.get(section.element.tag, 0) + 1
            for hint in section.hints:
                hints[hint] += 1
            if section.alike > alike and section.figures.words > 4:
                alike = section.alike
            stack.extend(section.children)
        names = document.root.attributes.get("class", "")[:_MAX_BODY_CHARACTERS].lower()
        path = re.split("[?#]", document.url, maxsplit=1)[0].rstrip("/")
        return (
            float(figures.words),
            float(count),
            float(len(self._page.patterns)),
            figures.link_words / self._total,
            figures.marks / self._total,
            float(figures.paragraphs),
            self._core.figures.words / self._total,
            float(max(0, path.count("/") - 2)),
            float(alike),
            *(float(tags.get(tag, 0)) for tag in ("h1", "main", "article")),
            *(hints[HINTS.index(name)] / count for name in ("thread", "review", "card", "product")),
            *(float(kind in document.kinds) for kind in KINDS),
            *(float(pattern.search(names) is not None) for pattern in _BODY.values()),
        )


def _headings_above(page: Page) -> list[tuple[float, float, float]]:
    """Of each block: the level of the heading it is under, whether that leads elsewhere, and the words in between."""
    above = []
    level = elsewhere = 0.0
    words = 0
    for block in page.blocks:
        tag = block.section.element.tag
        if tag in HEADINGS:
            level, elsewhere, words = float(tag[1]), float(_ELSEWHERE.search(block.text) is not None), 0
        above.append((level, elsewhere, float(words)))
        words += len(block.words)
    return above


def _repetition(section: Section) -> tuple[float, ...]:
    """Of the nearest section around that has at least two like itself: how many, what it holds, how far up it is."""
    at: Section | None = section
    steps = 0
    while at is not None:
        if at.alike > 2:
            figures = at.figures
            words = figures.words or 1
            return (
                float(at.alike),
                float(figures.words),
                figures.link_words / words,
                figures.marks / words,
                float(steps),
            )
        at = at.parent
        steps += 1
    return 1.0, 0.0, 0.0, 0.0, float(steps)


def _core(root: Section) -> Section:
    """The smallest section that holds most of the page's prose."""
    section = root
    while section.children:
        inner = max(section.children, key=_prose)
        if _prose(inner) < 0.6 * _prose(section):
            break
        section = inner
    return section


def _prose(section: Section) -> float:
    """How much prose there is: words outside of links, but no more than its punctuation would carry."""
    figures = section.figures
    return min(figures.words - figures.link_words, 12 * figures.marks)


def _steps_to(section: Section, core: Section) -> float:
    """How many sections up from here the first is that holds the core too."""
    steps = 0
    at: Section | None = section
    while at is not None and not (at.first <= core.first and core.end <= at.end):
        at = at.parent
        steps += 1
    return float(steps)
