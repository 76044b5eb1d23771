"""From lines on pages to headings, paragraphs, lists and tables.

A PDF knows places and not meanings, so these are guesses from size, weight, indent and distance; where nothing
speaks for anything better, a line is part of a paragraph.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from noctule.extraction.document import Element
from noctule.extraction.pdf.lines import Line

_BULLET = re.compile(r"([•◦▪▫‣·∙●○■□\uf0b7\uf0a7*–—-])\s+(?=\S)")
_NUMBER = re.compile(r"(\d{1,3})[.)]\s+(?=\S)")
_SENTENCE_END = re.compile(r"[.!?:;。！？”\"')\]]\Z")
_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(r"(?:page\s+|seite\s+|p\.\s*)?[-–]?\s*\d{1,4}(?:\s*(?:of|/|von)\s*\d{1,4})?\s*[-–]?\Z", re.I)
_HEADING_RATIO = 1.15
_MAX_HEADING_CHARACTERS = 200
_MAX_BOLD_HEADING_CHARACTERS = 80
_HEADING_LEVELS = 4
# In heights of type.
_PARAGRAPH_GAP = 1.75
_INDENT = 0.9
_ALIGNED = 0.7
_MARGIN_LINES = 2
_MIN_RUNNING_PAGES = 3
_MIN_TABLE_ROWS = 3
_MAX_CELL_CHARACTERS = 40


@dataclass(slots=True)
class _Block:
    """Lines that belong together. ``kind`` is ``p``, ``ul``, ``ol`` or ``h1`` … ``h4``."""

    kind: str
    lines: list[Line]
    text: str
    number: str = ""
    rows: list[list[str]] = field(default_factory=list)


def arranged(title: str, pages: list[list[Line]]) -> Element:
    """The content of all pages as a tree, pages set apart by rules."""
    pages = _without_running_lines(pages)
    body_size = _body_size(pages)
    levels = _levels(pages, body_size)
    parts: list[list[_Block]] = [_blocks(page, body_size, levels) for page in pages]
    for before, after in pairwise(parts):
        _join_across(before, after)
    root = Element("body")
    if title and not any(_same(title, block.text) for block in parts[0] if block.kind.startswith("h")):
        root.children.append(Element("h1", {}, [title]))
    for part in filter(None, parts):
        if any(isinstance(child, Element) and child.tag != "h1" for child in root.children):
            root.children.append(Element("hr"))
        root.children.extend(_elements(part))
    return root


def _without_running_lines(pages: list[list[Line]]) -> list[list[Line]]:
    """Pages without their numbers and without what stands at the top or bottom of most."""
    counts = Counter(name for page in pages for name in {_running_name(line) for line in _margins(page)})
    often = max(_MIN_RUNNING_PAGES, len(pages) // 3)
    running = {name for name, count in counts.items() if count >= often}
    return [_without_running(page, running) for page in pages]


def _without_running(page: list[Line], running: set[tuple[str, int]]) -> list[Line]:
    left_out = {id(line) for line in _margins(page) if _running_name(line) in running or _PAGE_NUMBER.match(line.text)}
    return [line for line in page if id(line) not in left_out]


def _margins(page: list[Line]) -> list[Line]:
    ordered = sorted(page, key=lambda line: line.bottom)
    if len(ordered) <= 2 * _MARGIN_LINES:
        return ordered[:1] + ordered[-1:] if len(ordered) > 1 else []
    return ordered[:_MARGIN_LINES] + ordered[-_MARGIN_LINES:]


def _running_name(line: Line) -> tuple[str, int]:
    return _DIGITS.sub("#", line.text), round(line.bottom / 4)


def _body_size(pages: list[list[Line]]) -> float:
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page:
            sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def _levels(pages: list[list[Line]], body_size: float) -> dict[float, int]:
    sizes = {
        line.size
        for page in pages
        for line in page
        if line.size >= body_size * _HEADING_RATIO and any(character.isalpha() for character in line.text)
    }
    return {size: min(rank, _HEADING_LEVELS) for rank, size in enumerate(sorted(sizes, reverse=True), 1)}


def _blocks(page: list[Line], body_size: float, levels: dict[float, int]) -> list[_Block]:
    blocks: list[_Block] = []
    lowest = min(max(levels.values(), default=1) + 1, _HEADING_LEVELS + 1)
    for is_table, run in _tables(page):
        if is_table:
            rows = [[segment.text for segment in line.segments] for line in run]
            blocks.append(_Block("table", run, "", rows=rows))
            continue
        right = sorted(line.right for line in page)[len(page) * 9 // 10]
        for line in run:
            kind, text, number = _kind(line, body_size, levels, lowest)
            before = blocks[-1] if blocks else None
            if before is not None and _continues(before, line, kind, right):
                before.lines.append(line)
                before.text = _joined(before.text, text)
            else:
                blocks.append(_Block(kind, [line], text, number))
    return [_without_false_heading(block) for block in blocks if block.text or block.rows]


def _kind(line: Line, body_size: float, levels: dict[float, int], lowest: int) -> tuple[str, str, str]:
    text = line.text
    if (level := levels.get(line.size)) is not None and line.size >= body_size * _HEADING_RATIO:
        return f"h{level}", text, ""
    if match := _BULLET.match(text):
        return "ul", text[match.end() :], ""
    if line.is_bold and len(text) <= _MAX_BOLD_HEADING_CHARACTERS and not _SENTENCE_END.search(text):
        return f"h{lowest}", text, ""
    if match := _NUMBER.match(text):
        return "ol", text[match.end() :], match[1]
    return "p", text, ""


def _continues(block: _Block, line: Line, kind: str, right: float) -> bool:
    last = block.lines[-1]
    if block.kind == "table" or abs(last.size - line.size) > 1.0:
        return False
    gap = last.bottom - line.bottom
    is_next = 0 < gap <= _PARAGRAPH_GAP * max(last.size, line.size)
    if kind.startswith("h") or block.kind.startswith("h"):
        return kind == block.kind and is_next
    if kind != "p":
        return False
    if not is_next:
        # The top of the next column, if the sentence goes on there.
        return gap < 0 and not _SENTENCE_END.search(block.text) and line.text[:1].islower()
    if block.kind in {"ul", "ol"}:
        return line.left > block.lines[0].left + 0.4 * line.size or len(block.lines) > 1
    if line.left > last.left + _INDENT * line.size and len(block.lines) > 1:
        return False
    ends_early = last.right < right - 0.2 * (right - last.left) and _SENTENCE_END.search(last.text) is not None
    return not ends_early


def _without_false_heading(block: _Block) -> _Block:
    """Large type that runs on is a text in large type."""
    if block.kind.startswith("h") and len(block.text) > _MAX_HEADING_CHARACTERS:
        block.kind = "p"
    return block


def _joined(text: str, more: str) -> str:
    """Two lines as one; a word that was divided between them is whole again."""
    if text.endswith(("-", "\u2010")) and len(text) > 1 and text[-2].isalpha() and more[:1].islower():
        return f"{text[:-1]}{more}"
    return f"{text}{more}" if text.endswith("-") else f"{text} {more}"


def _join_across(before: list[_Block], after: list[_Block]) -> None:
    """A paragraph that goes on over the page is one paragraph, on the page where it began."""
    if not before or not after or after[0].kind != "p" or before[-1].kind not in {"p", "ul", "ol"}:
        return
    if not _SENTENCE_END.search(before[-1].text) and after[0].text[:1].islower():
        before[-1].text = _joined(before[-1].text, after[0].text)
        del after[0]


def _tables(page: list[Line]) -> Iterator[tuple[bool, list[Line]]]:
    """The page's lines in runs, and whether each run is a table."""
    for columns, group in groupby(page, key=lambda line: len(line.segments)):
        run = list(group)
        yield columns > 1 and _is_table(run), run


def _is_table(run: list[Line]) -> bool:
    """Rows enough, columns that stand one below the other, cells too short to be columns of prose."""
    if len(run) < _MIN_TABLE_ROWS:
        return False
    cells = [segment for line in run for segment in line.segments]
    if sum(len(cell.text) for cell in cells) > _MAX_CELL_CHARACTERS * len(cells):
        return False
    size = run[0].size
    columns = zip(*(line.segments for line in run), strict=True)
    return all(
        any(_spread(edges) <= _ALIGNED * size for edges in ([s.left for s in column], [s.right for s in column]))
        or _spread([(s.left + s.right) / 2 for s in column]) <= _ALIGNED * size
        for column in columns
    )


def _spread(places: Sequence[float]) -> float:
    return max(places) - min(places)


def _elements(blocks: list[_Block]) -> Iterator[Element]:
    for kind, group in groupby(blocks, key=lambda block: block.kind):
        if kind in {"ul", "ol"}:
            items = list(group)
            start = {"start": items[0].number} if kind == "ol" else {}
            yield Element(kind, start, [Element("li", {}, [item.text]) for item in items])
            continue
        for block in group:
            yield _table(block) if kind == "table" else Element(kind, {}, [block.text])


def _table(block: _Block) -> Element:
    head, *rows = block.rows
    return Element("table", {}, [_row("th", head), *(_row("td", row) for row in rows)])


def _row(tag: str, cells: list[str]) -> Element:
    return Element("tr", {}, [Element(tag, {}, [cell]) for cell in cells])


def _same(title: str, text: str) -> bool:
    return title.casefold().split() == text.casefold().split()
