"""What a reading of a page gives, as tests want to look at it."""

from noctule.browser.commands import PageRead, ReadPage
from noctule.extraction.document import Document, Element
from noctule.extraction.tree import decode
from tests.e2e.acting_stage import Stage


async def read(stage: Stage, selector: str | None = None, timeout_seconds: float = 30.0) -> PageRead:
    """Read the current tab."""
    result = await stage.run(ReadPage(selector, timeout_seconds))
    assert isinstance(result, PageRead)
    return result


async def document(stage: Stage, selector: str | None = None) -> Document:
    """The document that a reading gives."""
    return decode((await read(stage, selector)).tree)


async def text(stage: Stage, selector: str | None = None) -> str:
    """All text of the page itself, frames apart."""
    return text_of((await document(stage, selector)).root)


def text_of(element: Element) -> str:
    """The words below an element, with one blank between."""
    pieces: list[str] = []
    stack: list[Element | str] = [element]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            pieces.append(node)
        else:
            stack.extend(reversed(node.children))
    return " ".join(" ".join(pieces).split())


def first(element: Element, tag: str) -> Element:
    """The first element with that tag."""
    return next(found for found in element.walk() if found.tag == tag)


def every(element: Element, tag: str) -> list[Element]:
    """All elements with that tag."""
    return [found for found in element.walk() if found.tag == tag]
