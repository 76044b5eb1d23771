"""Lists: bullets, numbers, tasks and definitions, each item with whatever blocks it holds.

What must always hold: two lists in a row stay two; a list that its author nested wrongly nests as a browser
shows it; numbers are those that a person sees.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from noctule.extraction.document import Element
from noctule.extraction.markdown import fields, notes
from noctule.extraction.markdown.tags import BLOCKS, integer

if TYPE_CHECKING:
    from noctule.extraction.markdown.blocks import Blocks

_LISTS = frozenset({"ul", "ol", "menu", "dir"})
# What may stand between a list and its items without being an item.
_WRAPPERS = frozenset({"div", "section", "article", "form", "slot", "tbody"})
_MAX_NUMBER = 999_999_999


def write(blocks: "Blocks", element: Element) -> None:
    """A list with all its items."""
    items = list(_items(blocks, element))
    if element.tag != "ol":
        write_items(blocks, items)
        return
    step = -1 if "reversed" in element.attributes else 1
    counted = sum(item.tag not in _LISTS for item in items)
    number = integer(element.attributes.get("start"), counted if step < 0 else 1)
    delimiter = ")" if blocks.writer.last == "list." else "."
    for item in items:
        if item.tag in _LISTS:
            _nested(blocks, item, f"list{delimiter}", "   ")
            continue
        number = integer(item.attributes.get("value"), number)
        # Markdown counts from 0 to nine digits.
        marker = f"{min(max(number, 0), _MAX_NUMBER)}{delimiter} "
        _item(blocks, item, f"list{delimiter}", marker, is_first_number=number == 1)
        number += step


def write_items(blocks: "Blocks", items: list[Element]) -> None:
    """Items behind bullets."""
    bullet = "*" if blocks.writer.last == "list-" else "-"
    for item in items:
        if item.tag in _LISTS:
            _nested(blocks, item, f"list{bullet}", "  ")
        else:
            _item(blocks, item, f"list{bullet}", f"{bullet} ")


def write_definitions(blocks: "Blocks", element: Element) -> None:
    """Terms as items, their definitions behind them."""
    bullet = "*" if blocks.writer.last == "list-" else "-"
    for terms, definitions in _definitions(element):
        if blocks.writer.is_full:
            for part in (*terms, *definitions):
                blocks.children(part)
            continue
        with blocks.writer.inside(f"list{bullet}", f"{bullet} ", "  "):
            _definition(blocks, terms, definitions)


def _item(blocks: "Blocks", item: Element, kind: str, marker: str, *, is_first_number: bool = True) -> None:
    label = blocks.context.survey.notes.get(id(item))
    if label is not None:
        notes.write(blocks, item, label)
        return
    if blocks.writer.is_full:
        blocks.children(item)
        return
    task = _checkbox(item)
    if task is not None:
        blocks.context.taken.add(id(task))
        marker += "[x] " if fields.is_checked(task) else "[ ] "
    prefix = " " * (len(marker) - (4 if task is not None else 0))
    with blocks.writer.inside(kind, marker, prefix, interrupts=is_first_number, keep_empty=kind in {"list.", "list)"}):
        if item.tag == "li" or item.attributes.get("role") == "listitem":
            blocks.children(item)
        else:
            blocks.children(Element("li", {}, [item]))


def _nested(blocks: "Blocks", element: Element, kind: str, prefix: str) -> None:
    """A list among the items of another belongs to the item before it."""
    writer = blocks.writer
    if writer.is_full or writer.last != kind:
        write(blocks, element)
        return
    with writer.continued(prefix):
        write(blocks, element)


def _items(blocks: "Blocks", element: Element) -> Iterator[Element]:
    for child in element.children:
        if isinstance(child, str):
            if not child.isspace() and child:
                yield Element("li", {}, [child])
        elif child.tag in blocks.context.skipped:
            continue
        elif child.tag in _WRAPPERS and child.attributes.get("role") != "listitem" and _holds_items(child):
            yield from _items(blocks, child)
        else:
            yield child


def _holds_items(element: Element) -> bool:
    return any(
        isinstance(child, Element) and (child.tag == "li" or child.attributes.get("role") == "listitem")
        for child in element.children
    )


def _checkbox(item: Element) -> Element | None:
    """The box that an item begins with."""
    node = item
    for _ in range(4):
        first = next((child for child in node.children if not isinstance(child, str) or not child.isspace()), None)
        if not isinstance(first, Element):
            return None
        if fields.is_checkbox(first):
            return first
        if first.tag not in {"label", "p", "span", "div"}:
            return None
        node = first
    return None


def _definitions(element: Element) -> Iterator[tuple[list[Element], list[Element]]]:
    terms: list[Element] = []
    definitions: list[Element] = []
    for part in _parts(element):
        if part.tag == "dt" and definitions:
            yield terms, definitions
            terms, definitions = [], []
        (terms if part.tag == "dt" else definitions).append(part)
    if terms or definitions:
        yield terms, definitions


def _parts(element: Element) -> Iterator[Element]:
    for child in element.children:
        if not isinstance(child, Element):
            if not child.isspace():
                yield Element("dd", {}, [child])
        elif child.tag in {"dt", "dd"}:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _parts(child)
        else:
            yield Element("dd", {}, [child])


def _definition(blocks: "Blocks", terms: list[Element], definitions: list[Element]) -> None:
    simple = (
        len(definitions) == 1 and _is_line(blocks, definitions[0]) and all(_is_line(blocks, term) for term in terms)
    )
    if simple and terms:
        raw: list[Element | str] = []
        for term in terms:
            raw += [", "] if raw else []
            raw.append(Element("strong", {}, term.children))
        blocks.paragraph([*raw, ": ", *_unwrapped(definitions[0]).children])
        return
    for term in terms:
        if _is_line(blocks, term):
            blocks.paragraph([Element("strong", {}, term.children)])
        else:
            blocks.children(term)
    if len(definitions) > 1 and all(_is_line(blocks, definition) for definition in definitions) and terms:
        write_items(blocks, [Element("li", {}, definition.children) for definition in definitions])
        return
    for definition in definitions:
        blocks.children(definition)


def _is_line(blocks: "Blocks", element: Element) -> bool:
    """Whether it holds nothing but a line of text."""
    return not any(
        isinstance(child, Element)
        and (child.tag in BLOCKS or child.tag == "br" or id(child) in blocks.context.survey.blocks)
        for child in _unwrapped(element).children
    )


def _unwrapped(element: Element) -> Element:
    content = [child for child in element.children if not isinstance(child, str) or not child.isspace()]
    if len(content) == 1 and isinstance(content[0], Element) and content[0].tag in {"p", "div"}:
        return content[0]
    return element
