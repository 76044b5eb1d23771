"""The process that reads one PDF: bytes from standard input, JSON to standard output, then it ends.

python -m noctule.extraction.pdf SECONDS
"""

import json
import resource
import sys

from noctule.extraction.document import Document
from noctule.extraction.markdown import to_markdown
from noctule.extraction.pdf.layout import arranged
from noctule.extraction.pdf.lines import Unreadable, read

_MAX_MEMORY_BYTES = 1536 * 1024 * 1024
_MAX_OPEN_FILES = 64
_MAX_MARKDOWN_CHARACTERS = 4_000_000


def main() -> None:
    """Read, answer, end."""
    _limit(int(sys.argv[1]))
    try:
        title, pages = read(sys.stdin.buffer.read())
        markdown = to_markdown(Document("", title, arranged(title, pages))).text[:_MAX_MARKDOWN_CHARACTERS]
        answer = {"markdown": markdown} if markdown else {"failure": "images"}
    except Unreadable as error:
        answer = {"failure": str(error)}
    sys.stdout.write(json.dumps(answer))


def _limit(seconds: int) -> None:
    """What a file can take: processor time, memory; nothing to write, no process to start."""
    for kind, limit in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, _MAX_MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _MAX_OPEN_FILES),
    ):
        resource.setrlimit(kind, (limit, limit))


if __name__ == "__main__":
    main()
