"""Tables of data as tables, tables for layout as what they hold.

What must always hold: every row of a table has as many cells as its head; what a cell spans is filled; a table
in a cell, or one with nothing in rows and columns, is unfolded. Spans and ragged rows cost no more than a fixed
number of cells beyond those that are there.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from noctule.extraction.document import Element
from noctule.extraction.markdown.tags import integer, is_gutter
from noctule.extraction.markdown.text import BREAK

if TYPE_CHECKING:
    from noctule.extraction.markdown.blocks import Blocks

_MAX_SPAN = 64
_MAX_FILLED_CELLS = 20_000
_MAX_REPEATED_CHARACTERS = 200
_MAX_HEAD_ROWS = 4
# Too long for a line of a table: such cells are columns of a page.
_MAX_CELL_CHARACTERS = 2000
_SECTIONS = frozenset({"thead", "tbody", "tfoot"})
# What no cell of data holds.
_PAGE_PARTS = frozenset({"table", "article", "section", "main", "nav", "aside", "header", "footer", "h1", "h2", "form"})
_MARKS_OF_DATA = frozenset({"th", "thead", "caption"})


@dataclass(slots=True)
class _Row:
    cells: list[Element]
    in_head: bool
    # How many rows of its section follow, itself included: as far as a cell may span.
    rows_left: int = 1


def write(blocks: "Blocks", element: Element) -> None:
    """A table as whatever it is: data, code with line numbers, or a frame for the page."""
    rows, captions = _rows(element)
    if _is_code(rows):
        _write_code(blocks, rows)
        return
    if not rows:
        blocks.children(element)
        return
    for caption in captions:
        blocks.children(caption)
    grid = None if _is_layout(element, rows) else _grid(blocks, rows)
    if grid is None:
        for row in rows:
            for cell in row.cells:
                blocks.children(cell)
        return
    head_count = _head_count(rows)
    head = _head(grid[:head_count], len(grid[0]))
    body = grid[head_count:]
    lines = [_line(head), _line(_alignments(rows[0].cells, len(head))), *map(_line, body)]
    if any(head) or any(map(any, body)):
        blocks.writer.block("table", "\n".join(lines))


def _rows(element: Element) -> tuple[list[_Row], list[Element]]:
    rows: list[_Row] = []
    captions: list[Element] = []
    loose: list[_Row] = []
    for child in element.children:
        if not isinstance(child, Element):
            continue
        if child.tag == "caption":
            captions.append(child)
        elif child.tag in _SECTIONS:
            section = [_row(row, child.tag == "thead") for row in child.children if _is_row(row)]
            _count(section)
            rows += section
        elif _is_row(child):
            loose.append(_row(child, False))
            rows.append(loose[-1])
    _count(loose)
    return [row for row in rows if row.cells], captions


def _is_row(node: Element | str) -> bool:
    return isinstance(node, Element) and node.tag == "tr"


def _row(element: Element | str, in_head: bool) -> _Row:
    children = element.children if isinstance(element, Element) else []
    return _Row([cell for cell in children if isinstance(cell, Element) and cell.tag in {"td", "th"}], in_head)


def _count(section: list[_Row]) -> None:
    for position, row in enumerate(section):
        row.rows_left = len(section) - position


def _is_code(rows: list[_Row]) -> bool:
    """Whether its rows are lines of code, or its cells line numbers and code."""
    cells = [cell for row in rows for cell in row.cells]
    return any(is_gutter(cell) for cell in cells) and len(cells) >= 2


def _write_code(blocks: "Blocks", rows: list[_Row]) -> None:
    cells = [cell for row in rows for cell in row.cells if not is_gutter(cell)]
    if len(rows) == 1 or any(node.tag == "pre" for cell in cells[:1] for node in cell.walk()):
        for cell in cells:
            if any(node.tag == "pre" for node in cell.walk()):
                blocks.children(cell)
            else:
                blocks.write(Element("pre", {}, cell.children))
        return
    lines: list[Element | str] = []
    for cell in cells:
        lines += [cell, "\n"]
    blocks.write(Element("pre", {}, lines))


def _is_layout(element: Element, rows: list[_Row]) -> bool:
    if element.attributes.get("role") in {"presentation", "none"}:
        return True
    has_marks = any(cell.tag == "th" for row in rows for cell in row.cells) or any(
        isinstance(child, Element) and child.tag in _MARKS_OF_DATA for child in element.children
    )
    if not has_marks and (len(rows) < 2 or max(len(row.cells) for row in rows) < 2):
        return True
    return any(_is_page_part(cell) for row in rows for cell in row.cells)


def _is_page_part(cell: Element) -> bool:
    characters = 0
    for node in cell.walk():
        if node.tag in _PAGE_PARTS:
            return True
        characters += sum(len(child) for child in node.children if isinstance(child, str))
        if characters > _MAX_CELL_CHARACTERS:
            return True
    return False


def _grid(blocks: "Blocks", rows: list[_Row]) -> list[list[str]] | None:
    """Every cell's text at its place, spans filled; ``None`` if the rows are too uneven to be a table."""
    grid: list[list[str]] = []
    # By column: how many rows below a cell reaches, and what is written there.
    reaching: dict[int, tuple[int, str]] = {}
    budget = _MAX_FILLED_CELLS
    for row in rows:
        line: list[str] = []
        for cell in row.cells:
            _fill(line, reaching)
            text = _cell(blocks, cell)
            width = min(max(integer(cell.attributes.get("colspan"), 1), 1), _MAX_SPAN)
            height = integer(cell.attributes.get("rowspan"), 1)
            height = min(row.rows_left if height == 0 else max(height, 1), row.rows_left)
            budget -= width * height - 1
            if budget < 0:
                width = height = 1
            repeated = text if len(text) <= _MAX_REPEATED_CHARACTERS else ""
            # A cell as wide as the table is a heading of rows; its text is not a value of each column.
            across = repeated if len(row.cells) > 1 or row.in_head else ""
            if height > 1:
                for offset in range(width):
                    reaching[len(line) + offset] = (height - 1, across if offset else repeated)
            line += [text, *[across] * (width - 1)]
        _fill(line, reaching)
        grid.append(line)
    width = max(map(len, grid))
    if width * len(grid) > 2 * sum(map(len, grid)) + _MAX_FILLED_CELLS:
        return None
    for line in grid:
        line += [""] * (width - len(line))
    return _without_empty_columns(grid)


def _fill(line: list[str], reaching: dict[int, tuple[int, str]]) -> None:
    while (cell := reaching.get(len(line))) is not None:
        left, text = cell
        if left > 1:
            reaching[len(line)] = (left - 1, text)
        else:
            del reaching[len(line)]
        line.append(text)


def _without_empty_columns(grid: list[list[str]]) -> list[list[str]] | None:
    kept = [column for column in range(len(grid[0])) if any(line[column] for line in grid)]
    if not kept:
        return None
    return grid if len(kept) == len(grid[0]) else [[line[column] for column in kept] for line in grid]


def _cell(blocks: "Blocks", cell: Element) -> str:
    text = blocks.inline.finish(blocks.inline.gather(cell.children))
    if BREAK in text:
        text = "<br>".join(part.strip() for part in text.split(BREAK) if part.strip())
    return text.replace("|", "\\|") if "|" in text else text


def _head_count(rows: list[_Row]) -> int:
    marked = 0
    while marked < min(len(rows), _MAX_HEAD_ROWS) and rows[marked].in_head:
        marked += 1
    if marked:
        return marked
    first = rows[0].cells
    if all(cell.tag == "th" or not cell.children for cell in first) and any(cell.tag == "th" for cell in first):
        return 1
    return 1 if len(rows) > 1 and len(first) > 1 and all(map(_is_bold, first)) else 0


def _is_bold(cell: Element) -> bool:
    """Whether all its text is in bold type."""
    if cell.tag == "th":
        return True
    content = [child for child in cell.children if not isinstance(child, str) or not child.isspace()]
    if len(content) != 1 or not isinstance(content[0], Element):
        return False
    return content[0].tag in {"b", "strong"} or (
        content[0].tag in {"p", "div", "span", "font"} and _is_bold(content[0])
    )


def _head(rows: list[list[str]], width: int) -> list[str]:
    """One row of labels; of several rows, the labels above each other."""
    rows = [[_without_bold(label) for label in row] for row in rows]
    if len(rows) == 1:
        return rows[0]
    return [" / ".join(dict.fromkeys(row[column] for row in rows if row[column])) for column in range(width)]


def _without_bold(label: str) -> str:
    # A head is bold as it is.
    inner = label.removeprefix("**").removesuffix("**")
    return inner if len(label) - len(inner) == 4 and "**" not in inner else label


def _alignments(cells: list[Element], width: int) -> list[str]:
    marks = {"center": ":---:", "right": "---:", "left": ":---"}
    found = []
    for cell in cells:
        style = cell.attributes.get("style", "").replace(" ", "").lower()
        side = cell.attributes.get("align") or style.partition("text-align:")[2].partition(";")[0]
        found += [marks.get(side, "---")] * min(max(integer(cell.attributes.get("colspan"), 1), 1), _MAX_SPAN)
    return (found + ["---"] * width)[:width]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
