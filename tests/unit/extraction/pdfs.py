"""PDF files for the tests, written by hand: text at places, in Helvetica or its bold."""

from collections.abc import Sequence
from typing import NamedTuple

# For a file whose password nobody knows.
ENCRYPTED = f"/ID [(a) (b)] /Encrypt << /Filter /Standard /V 1 /R 2 /O ({'o' * 32}) /U ({'u' * 32}) /P -4 >>"


class Words(NamedTuple):
    """Text at ``left`` and ``bottom``, in points from the page's lower left corner."""

    left: float
    bottom: float
    text: str
    size: float = 11
    bold: bool = False


def pdf(*pages: Sequence[Words], title: str = "", trailer: str = "") -> bytes:
    """A file with those pages; ``trailer`` is added to its trailer."""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{6 + 2 * n} 0 R' for n in range(len(pages)))}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        f"<< /Title ({title}) >>",
    ]
    for number, words in enumerate(pages):
        content = "\n".join(map(_shown, words))
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
            f"/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents {7 + 2 * number} 0 R >>"
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    return _file(objects, trailer)


def lines(*texts: str, top: float = 700, left: float = 72, size: float = 11) -> list[Words]:
    """Texts one below the other, as a paragraph has them."""
    return [Words(left, top - number * size * 1.2, text, size) for number, text in enumerate(texts)]


def _shown(words: Words) -> str:
    text = words.text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /F{1 + words.bold} {words.size} Tf {words.left} {words.bottom} Td ({text}) Tj ET"


def _file(objects: list[str], trailer: str) -> bytes:
    written = "%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += f"{number} 0 obj\n{content}\nendobj\n"
    start = len(written)
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    written += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    written += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 5 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n"
    return written.encode("cp1252")
