"""Footnotes: a reference in the text becomes ``[^label]``, the note itself a definition of that label."""

from typing import TYPE_CHECKING

from noctule.extraction.document import Element

if TYPE_CHECKING:
    from noctule.extraction.markdown.blocks import Blocks


def write(blocks: "Blocks", element: Element, label: str) -> None:
    """An element that a reference points to."""
    if blocks.writer.is_full:
        blocks.children(element)
        return
    with blocks.writer.inside("note", f"[^{label}]: ", "    "):
        blocks.children(element)
