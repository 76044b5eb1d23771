"""Files that are text: prose and code, JSON, tables of values, feeds.

What must always hold: whatever a file claims to be, it is shown as text if it is nothing better; what is shown is
bounded, and says so where it was cut.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from urllib.parse import urlsplit

from noctule.extraction import feeds
from noctule.extraction.document import Document, Element
from noctule.extraction.errors import UnreadableDocument
from noctule.extraction.markdown import Markdown, Options, to_markdown
from noctule.extraction.markdown.code import fenced
from noctule.extraction.markdown.text import plain
from noctule.extraction.parser import decode

MAX_CHARACTERS = 2_000_000
_MAX_ROWS = 2000
_MAX_COLUMNS = 60
_MAX_VALUE_CHARACTERS = 2000

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:\-]+)", re.I)
_CODE = {
    "css": "css",
    "javascript": "javascript",
    "ecmascript": "javascript",
    "typescript": "typescript",
    "python": "python",
    "python-script": "python",
    "c": "c",
    "csrc": "c",
    "chdr": "c",
    "c++": "cpp",
    "c++src": "cpp",
    "java": "java",
    "java-source": "java",
    "csharp": "csharp",
    "go": "go",
    "rust": "rust",
    "ruby": "ruby",
    "perl": "perl",
    "php": "php",
    "httpd-php": "php",
    "sh": "bash",
    "shellscript": "bash",
    "csh": "bash",
    "sql": "sql",
    "yaml": "yaml",
    "toml": "toml",
    "ini": "ini",
    "diff": "diff",
    "patch": "diff",
    "tex": "latex",
    "latex": "latex",
    "lua": "lua",
    "scala": "scala",
    "kotlin": "kotlin",
    "swift": "swift",
    "graphql": "graphql",
    "ndjson": "json",
    "jsonl": "json",
    "jsonlines": "json",
    "json-seq": "json",
    "calendar": "",
    "vcard": "",
}
# For files that a server gives out as mere text: what their name says.
_SUFFIXES = {
    "py": "x-python",
    "js": "javascript",
    "mjs": "javascript",
    "ts": "typescript",
    "tsx": "typescript",
    "jsx": "javascript",
    "css": "css",
    "c": "c",
    "h": "c",
    "cpp": "c++",
    "cc": "c++",
    "hpp": "c++",
    "java": "java",
    "cs": "csharp",
    "go": "go",
    "rs": "rust",
    "rb": "ruby",
    "pl": "perl",
    "php": "php",
    "sh": "sh",
    "bash": "sh",
    "sql": "sql",
    "yml": "yaml",
    "yaml": "yaml",
    "toml": "toml",
    "ini": "ini",
    "diff": "diff",
    "patch": "diff",
    "tex": "tex",
    "lua": "lua",
    "scala": "scala",
    "kt": "kotlin",
    "swift": "swift",
    "json": "json",
    "jsonl": "jsonl",
    "ndjson": "ndjson",
    "csv": "csv",
    "tsv": "tab-separated-values",
    "xml": "xml",
}


def media_type(content_type: str) -> str:
    """``text/html; charset=utf-8`` as ``text/html``."""
    return content_type.partition(";")[0].strip().lower()


def charset(content_type: str) -> str | None:
    """The encoding that a content type names."""
    match = _CHARSET.search(content_type)
    return match[1] if match else None


def supported(content_type: str) -> bool:
    """Whether ``read`` takes files of this type."""
    kind, _, name = media_type(content_type).partition("/")
    if kind == "text":
        return name not in {"html", "rtf"}
    name = name.removeprefix("x-")
    return kind == "application" and (
        name in _CODE or name in {"json", "xml", "csv"} or name.endswith(("+json", "+xml"))
    )


def read(content_type: str, body: bytes, url: str, options: Options | None = None) -> Markdown:
    """The file as markdown. Raises ``UnreadableDocument`` for a type that is not text."""
    if not supported(content_type):
        raise unsupported(content_type)
    # A file has nothing around its content.
    options = replace(options or Options(), main_only=False)
    name = _name(content_type, url)
    if (name == "xml" or name.endswith("+xml")) and (feed := feeds.read(body, url)) is not None:
        return to_markdown(feed, options)
    text = decode(body, charset(content_type))
    if name in {"csv", "comma-separated-values", "tab-separated-values"}:
        table = _table(text, "\t" if name.startswith("tab") else None)
        if table is not None:
            return to_markdown(Document(url, "", table), options)
    return Markdown(_text(name, text), {})


def unsupported(content_type: str) -> UnreadableDocument:
    """The error for files of a type that nothing here reads."""
    name = plain(media_type(content_type))[:100] or "without a content type"
    return UnreadableDocument(f"This is a file of a type that cannot be read as text: {name}.")


def _name(content_type: str, url: str) -> str:
    kind, _, name = media_type(content_type).partition("/")
    if (kind, name) == ("text", "plain"):
        try:
            name = _SUFFIXES.get(urlsplit(url).path.rpartition(".")[2].lower(), name)
        except ValueError:
            return name
    return name.removeprefix("x-")


def _text(name: str, text: str) -> str:
    if name in {"json", "xml"} or name.endswith(("+json", "+xml")):
        language = name.rpartition("+")[2]
        pretty = _pretty(text) if language == "json" else text
        if pretty is not None:
            return _fenced(pretty, language)
    elif name in _CODE or name == "tab-separated-values":
        return _fenced(text, _CODE.get(name, ""))
    return _shown(text)


def _fenced(text: str, language: str) -> str:
    return fenced(_shown(text), language)


def _shown(text: str) -> str:
    text = plain(text.replace("\r\n", "\n").replace("\r", "\n"))
    if len(text) <= MAX_CHARACTERS:
        return text.strip("\n")
    return f"{text[:MAX_CHARACTERS]}\n… (cut off after {MAX_CHARACTERS} of {len(text)} characters)"


def _pretty(text: str) -> str | None:
    """JSON with an indent, or as it is where that would take too long; ``None`` for what is none."""
    try:
        value = json.loads(text)
        pieces: list[str] = []
        size = 0
        for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_CHARACTERS:
                return text
    except (ValueError, RecursionError):
        return None
    return "".join(pieces)


def _table(text: str, delimiter: str | None) -> Element | None:
    """Rows of values as a table, the first as its head; ``None`` for what is no such thing."""
    rows = csv.reader(io.StringIO(text[: 4 * MAX_CHARACTERS]), delimiter=delimiter or _delimiter(text))
    try:
        kept = [row[:_MAX_COLUMNS] for row in islice(rows, _MAX_ROWS) if any(row)]
        left = sum(1 for _ in rows)
    except csv.Error:
        return None
    if not kept or max(map(len, kept)) < 2:
        return None
    head = Element("thead", {}, [_row("th", kept[0])])
    body = Element("body", {}, [Element("table", {}, [head, *(_row("td", row) for row in kept[1:])])])
    if left:
        body.children.append(Element("p", {}, [f"… and {left} more rows."]))
    return body


def _row(tag: str, values: list[str]) -> Element:
    return Element("tr", {}, [Element(tag, {}, list(_lines(value[:_MAX_VALUE_CHARACTERS]))) for value in values])


def _lines(value: str) -> Iterator[Element | str]:
    for position, line in enumerate(value.splitlines()):
        if position:
            yield Element("br")
        yield line


def _delimiter(text: str) -> str:
    first = text.lstrip().partition("\n")[0]
    return max(",;\t|", key=first.count)
