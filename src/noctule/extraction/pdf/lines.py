"""The lines of a PDF as they stand on its pages: text, place, size of type.

Runs only in the process that ``noctule.extraction.pdf`` starts.
"""

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pypdfium2
from pypdfium2 import raw

MAX_PAGES = 500
MAX_CHARACTERS = 2_000_000
_MAX_TITLE_CHARACTERS = 300
# A gap as wide as this many heights of type sets columns apart rather than words.
_COLUMN_GAP = 1.2
_SAME_BASELINE = 0.35
# How PDFium gives a hyphen that divides a word between two lines; the line's end itself it leaves out.
_LINE_HYPHENS = frozenset({0x02, 0xFFFE})
_FILE_NAME = re.compile(r"\.(?:docx?|pdf|tex|indd|pptx?|xlsx?|rtf|odt|dvi|qxd)\Z|^untitled|^microsoft ", re.I)


class Unreadable(Exception):
    """The file gives no text; the message is one of the parent's failures."""


@dataclass(slots=True)
class Segment:
    """Words in a row, with points from the left edge of the page to where they begin and end."""

    left: float
    right: float
    text: str


@dataclass(slots=True)
class Line:
    """One line. ``bottom`` is in points from the bottom edge of the page, ``size`` the height of type in points."""

    size: float
    is_bold: bool
    bottom: float
    segments: list[Segment] = field(default_factory=list)

    @property
    def left(self) -> float:
        """Where it begins."""
        return self.segments[0].left

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.segments[-1].right

    @property
    def text(self) -> str:
        """All its words."""
        return " ".join(segment.text for segment in self.segments)


def read(data: bytes) -> tuple[str, list[list[Line]]]:
    """Title and the lines of each page. Raises ``Unreadable``."""
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        code = getattr(error, "err_code", None)
        raise Unreadable("encrypted" if code == raw.FPDF_ERR_PASSWORD else "damaged") from None
    if len(document) == 0:
        raise Unreadable("empty")
    pages: list[list[Line]] = []
    left = MAX_CHARACTERS
    for number in range(min(len(document), MAX_PAGES)):
        lines = _page(document, number, left)
        left -= sum(len(line.text) for line in lines)
        pages.append(lines)
        if left <= 0:
            break
    if not any(pages):
        raise Unreadable("images")
    return _title(document), pages


def _title(document: "pypdfium2.PdfDocument") -> str:
    title = str(document.get_metadata_value("Title") or "").strip()[:_MAX_TITLE_CHARACTERS]
    # Many programs put the name of the file there.
    return "" if _FILE_NAME.search(title) else title


def _page(document: "pypdfium2.PdfDocument", number: int, limit: int) -> list[Line]:
    try:
        page = document[number]
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError:
        # One page that is damaged does not take the others with it.
        return []
    count = min(text_page.count_chars(), limit)
    lines: list[Line] = []
    for positions in _split(text_page, count):
        line = _line(text_page, positions)
        if line is None:
            continue
        before = lines[-1] if lines else None
        if before is not None and _is_beside(before, line):
            before.segments += line.segments
        else:
            lines.append(line)
    text_page.close()
    page.close()
    return lines


def _split(text_page: "pypdfium2.PdfTextPage", count: int) -> Iterator[list[tuple[int, str]]]:
    """The characters of each line with their positions in the page's text."""
    line: list[tuple[int, str]] = []
    for position in range(count):
        code = raw.FPDFText_GetUnicode(text_page, position)
        if code in {10, 13}:
            if line:
                yield line
                line = []
        elif code in _LINE_HYPHENS:
            yield [*line, (position, "-")]
            line = []
        elif 0 < code < 0x110000:
            line.append((position, chr(code)))
    if line:
        yield line


def _line(text_page: "pypdfium2.PdfTextPage", characters: list[tuple[int, str]]) -> Line | None:
    first = next((position for position, character in characters if not character.isspace()), None)
    if first is None:
        return None
    size = _size(text_page, first)
    box = raw.FS_RECTF()
    line: Line | None = None
    words: list[str] = []
    for position, character in characters:
        if character.isspace():
            words.append(" ")
            continue
        if not raw.FPDFText_GetLooseCharBox(text_page, position, ctypes.byref(box)):
            continue
        if line is None:
            line = Line(size, _is_bold(text_page, first), box.bottom)
        segments = line.segments
        if not segments or box.left - segments[-1].right > _COLUMN_GAP * size:
            if segments:
                segments[-1].text = _joined(words)
                words = []
            segments.append(Segment(box.left, box.right, ""))
        segments[-1].right = max(segments[-1].right, box.right)
        words.append(character)
    if line is not None:
        line.segments[-1].text = _joined(words)
    return line


def _joined(words: list[str]) -> str:
    return " ".join("".join(words).split())


def _is_beside(before: Line, line: Line) -> bool:
    on_baseline = abs(before.bottom - line.bottom) <= _SAME_BASELINE * before.size
    return on_baseline and line.left >= before.right and abs(before.size - line.size) < 1.0


def _size(text_page: "pypdfium2.PdfTextPage", position: int) -> float:
    """The height of type in points, as the text's own matrix scales it."""
    size = float(raw.FPDFText_GetFontSize(text_page, position))
    matrix = raw.FS_MATRIX()
    if raw.FPDFText_GetMatrix(text_page, position, ctypes.byref(matrix)):
        scale = (matrix.c**2 + matrix.d**2) ** 0.5
        size *= scale if 0.01 < scale < 1000 else 1.0
    return max(round(size * 2) / 2, 0.5)


def _is_bold(text_page: "pypdfium2.PdfTextPage", position: int) -> bool:
    buffer = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    raw.FPDFText_GetFontInfo(text_page, position, buffer, 128, ctypes.byref(flags))
    name = buffer.value.decode("latin-1").lower()
    return (
        "bold" in name or "black" in name or "heavy" in name or raw.FPDFText_GetFontWeight(text_page, position) >= 600
    )
