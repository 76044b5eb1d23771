"""What stands in lines of its own: paragraphs, headings, quotes, code, figures; lists and tables have modules.

Children that are inline, in a row, make a paragraph; an inline element that holds blocks is looked through.
"""

from collections.abc import Callable, Sequence
from itertools import islice

from noctule.extraction.document import Element
from noctule.extraction.markdown import code, lists, notes, tables
from noctule.extraction.markdown.context import Context
from noctule.extraction.markdown.inline import Inline, is_heading
from noctule.extraction.markdown.tags import BLOCKS, is_gutter, text_of
from noctule.extraction.markdown.text import BREAK, guarded
from noctule.extraction.markdown.writer import Writer

_Handler = Callable[[Element], None]
_ROLES_OF_LISTS = frozenset({"list", "directory"})
# Deeper than any page nests blocks; below, everything is one run of text.
_MAX_DEPTH = 120
_MAX_LINK_NODES = 200


class Blocks:
    """Writes the blocks of one document."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.inline = Inline(context)
        self.writer = Writer()
        self._skipped = context.skipped
        self._inline_blocks = context.survey.blocks
        self._notes = context.survey.notes
        self._depth = 0
        self._language: str | None = None
        # The address of a link around blocks, until a heading has taken it or, where there is none, a text.
        self._link: str | None = None
        self._link_waits = False
        self._handlers: dict[str, _Handler] = {
            **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), self._heading),
            **dict.fromkeys(("ul", "ol", "menu", "dir"), self._list),
            **dict.fromkeys(("pre", "listing", "xmp", "plaintext"), self._code),
            "li": self._stray_item,
            "dl": self._definitions,
            "table": self._table,
            "blockquote": self._quote,
            "hr": self._rule,
            "summary": self._summary,
            "legend": self._summary,
            "figcaption": self._caption,
            "a": self._link_around,
            "dialog": self._dialog,
            "optgroup": lambda _: None,
        }

    def write(self, element: Element) -> None:
        """An element as a block."""
        attributes = element.attributes
        if attributes:
            if id(element) in self._notes:
                notes.write(self, element, self._notes[id(element)])
                return
            if "role" in attributes:
                if is_heading(element) is not None:
                    self._heading(element)
                    return
                if attributes["role"] in _ROLES_OF_LISTS and element.tag not in {"ul", "ol", "menu", "dir"}:
                    self._list(element)
                    return
            if "class" in attributes and is_gutter(element) and element.tag != "code":
                return
            if element.tag not in {"pre", "code"} and (found := code.language(element)) is not None:
                self._in_language(element, found)
                return
        self._handlers.get(element.tag, self.children)(element)

    def children(self, element: Element) -> None:
        """What an element holds: runs of inline nodes as paragraphs, blocks as they are."""
        if self._depth >= _MAX_DEPTH:
            self.paragraph(element.children)
            return
        self._depth += 1
        run: list[Element | str] = []
        inline_blocks, skipped = self._inline_blocks, self._skipped
        for child in element.children:
            if isinstance(child, str):
                run.append(child)
            elif (child.tag in BLOCKS or id(child) in inline_blocks) and child.tag not in skipped:
                if run:
                    self.paragraph(run)
                    run = []
                self.write(child)
            else:
                run.append(child)
        self._depth -= 1
        if run:
            self.paragraph(run)

    def paragraph(self, nodes: Sequence[Element | str]) -> None:
        """Inline nodes as a paragraph, or several where lines are left empty."""
        if len(nodes) == 1 and isinstance(nodes[0], str) and nodes[0].isspace():
            return
        if self._language is not None:
            # Beside code stands at most a button to copy it.
            nodes = [node for node in nodes if isinstance(node, str) or node.tag != "button"]
        raw = self.inline.gather(nodes)
        if not raw or raw.isspace():
            return
        text = self.inline.finish(raw if self._link_waits else self._take_link(raw))
        if not text:
            return
        if BREAK not in text:
            self.writer.block("paragraph", guarded(text))
            return
        for paragraph in text.split(BREAK + BREAK):
            lines = [guarded(line.strip()) for line in paragraph.split(BREAK)]
            self.writer.block("paragraph", "  \n".join(lines))

    def _take_link(self, raw: str) -> str:
        if self._link is None or not raw.strip() or raw.count("](") > raw.count("!["):
            return raw
        reference, self._link = self._link, None
        return self.inline.linked(raw, reference)

    def _in_language(self, element: Element, language: str) -> None:
        outer, self._language = self._language, language
        self._handlers.get(element.tag, self.children)(element)
        self._language = outer

    def _heading(self, element: Element) -> None:
        text = self.inline.heading(element)
        level = is_heading(element)
        if not text:
            # A picture may be all that a heading holds; it is shown, though it heads nothing.
            return
        if level is None:
            self.children(element)
            return
        text = self.inline.finish(self._take_link(text))
        self._link_waits = False
        if text.rstrip("#").endswith(" ") or not text.strip("#"):
            text = f"{text[:-1]}\\#" if text.endswith("#") else text
        self.writer.block("heading", f"{'#' * level} {text}")

    def _list(self, element: Element) -> None:
        lists.write(self, element)

    def _stray_item(self, element: Element) -> None:
        lists.write_items(self, [element])

    def _definitions(self, element: Element) -> None:
        lists.write_definitions(self, element)

    def _table(self, element: Element) -> None:
        tables.write(self, element)

    def _code(self, element: Element) -> None:
        if any(child.tag in {"img", "picture", "table", "video"} for child in _elements(element)) and not any(
            child.tag == "code" for child in _elements(element)
        ):
            self.children(element)
            return
        self.code(code.code_text(element), code.language_below(element))

    def code(self, text: str, language: str | None) -> None:
        """A block of code, in the language around it if it names none itself."""
        if text:
            self.writer.block("code", code.fenced(text, language or self._language))

    def _quote(self, element: Element) -> None:
        if self.writer.is_full:
            self.children(element)
            return
        with self.writer.inside("quote", "> ", "> "):
            self.children(element)

    def _rule(self, _: Element) -> None:
        # Behind a marker, dashes and the marker would together be a rule.
        self.writer.block("rule", "___" if self.writer.starts_item else "---")

    def _summary(self, element: Element) -> None:
        if id(element) in self._inline_blocks or any(child.tag in BLOCKS for child in _elements(element)):
            self.children(element)
        else:
            self.paragraph([Element("strong", {}, element.children)])

    def _caption(self, element: Element) -> None:
        if any(child.tag in BLOCKS or id(child) in self._inline_blocks for child in _elements(element)):
            self.children(element)
        else:
            self.paragraph([Element("em", {}, element.children)])

    def _link_around(self, element: Element) -> None:
        reference = element.attributes.get("href", "").strip()
        if not reference or self._link is not None:
            self.children(element)
            return
        self._link = reference
        nodes = islice(element.walk(), _MAX_LINK_NODES)
        self._link_waits = any(is_heading(node) is not None and text_of(node).strip() for node in nodes)
        self.children(element)
        self._link = None

    def _dialog(self, element: Element) -> None:
        if "open" in element.attributes:
            self.children(element)


def _elements(element: Element) -> list[Element]:
    return [child for child in element.children if isinstance(child, Element)]
