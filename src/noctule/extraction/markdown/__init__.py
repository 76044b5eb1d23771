"""A document as markdown (CommonMark with GitHub's tables, tasks and strike-through) for people and for models.

What must always hold: a parser of CommonMark reads back the structure and the text that a browser would show;
no markup that the document does not mean, no hidden character; time and size linear in the document's.
"""

from noctule.extraction.document import Document
from noctule.extraction.main_content import main_content
from noctule.extraction.markdown.blocks import Blocks
from noctule.extraction.markdown.context import Context, Markdown, Options
from noctule.extraction.markdown.links import Addresses
from noctule.extraction.markdown.survey import survey
from noctule.extraction.markdown.text import squeezed

__all__ = ["Markdown", "Options", "to_markdown"]

_MAX_FRAME_DEPTH = 8


def to_markdown(document: Document, options: Options | None = None) -> Markdown:
    """The document and, after a line ``IFRAME <url>:`` each, its frames."""
    options = options or Options()
    mapping: dict[str, str] = {}
    addresses = Addresses(document.url, mapping if options.placeholders else None)
    parts = [part for part in _parts(document, options, addresses, 0) if part]
    return Markdown("\n\n".join(parts), mapping)


def _parts(document: Document, options: Options, addresses: Addresses, depth: int) -> list[str]:
    parts = [_written(document, options, addresses)]
    if options.frames and depth < _MAX_FRAME_DEPTH:
        for frame in document.frames:
            inner = [part for part in _parts(frame, options, addresses.rebased(frame.url), depth + 1) if part]
            if inner:
                parts += [f"IFRAME {squeezed(frame.url)}:", *inner]
    return parts


def _written(document: Document, options: Options, addresses: Addresses) -> str:
    root = main_content(document) if options.main_only else document.root
    blocks = Blocks(Context(options, survey(root), addresses))
    blocks.write(root)
    return blocks.writer.text()
