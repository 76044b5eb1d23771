"""What stands in one line of text: words, emphasis, links, images, code spans, formulas, values of form fields.

``gather`` gives raw text with marks in it, ``finish`` a paragraph that is ready; marks of emphasis can only be
decided when their neighbours are known.
"""

import re
from collections import deque
from collections.abc import Callable, Sequence

from noctule.extraction.document import Element
from noctule.extraction.markdown import code, emphasis, fields, small
from noctule.extraction.markdown.context import Context
from noctule.extraction.markdown.formulas import formula
from noctule.extraction.markdown.links import best_source
from noctule.extraction.markdown.tags import BLOCKS, HEADINGS, text_of
from noctule.extraction.markdown.text import (
    BREAK,
    EMPHASIS,
    EMPHASIS_END,
    STRIKE,
    STRIKE_END,
    STRONG,
    STRONG_END,
    collapsed,
    escaped,
    one_break,
    squeezed,
)

_Handler = Callable[[Element], str]
_EDGES = f" \t\n\r\f{BREAK}\xa0"
_PERMALINKS = frozenset({"¶", "#", "§", "🔗", "\uf0c1", "", "link", "anchor", "permalink"})
# Deeper than any page nests words; below, only their text is left.
_MAX_DEPTH = 48
_MAX_JOINED_CODE = 500
_CODE_OR_ESCAPE = re.compile(r"\\.|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")
# Sources of pictures that load late, best first.
_LAZY = ("data-src", "data-original", "data-lazy-src", "data-lazy", "data-url", "data-hi-res-src", "data-full-src")


class Inline:
    """Writes inline content of one document."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._skipped = context.skipped
        self._has_formulas = context.survey.has_formulas
        self._active: set[str] = set()
        self._quotes = 0
        self._depth = 0
        self._in_link = False
        self._in_heading = False
        strong, stress, strike = self._strong, self._emphasis, self._strike
        self._handlers: dict[str, _Handler] = {
            "b": strong,
            "strong": strong,
            "i": stress,
            "em": stress,
            "cite": stress,
            "dfn": stress,
            "var": stress,
            "s": strike,
            "del": strike,
            "strike": strike,
            "a": self._link,
            "img": self.image,
            "picture": self._picture,
            "video": self._media,
            "audio": self._media,
            "br": lambda _: BREAK,
            "wbr": lambda _: "",
            "code": self._code,
            "tt": self._code,
            "kbd": self._code,
            "samp": self._code,
            "pre": self._code_lines,
            "q": self._quote,
            "sub": self._small,
            "sup": self._small,
            "rt": self._ruby_text,
            "time": self._time,
            "hr": lambda _: BREAK,
            "li": self._item,
            "span": self._span,
            "font": self._span,
            "input": self._field,
            "select": self._field,
            "textarea": self._field,
            "progress": lambda _: "",
            "meter": lambda _: "",
        }

    def line(self, children: Sequence[Element | str]) -> str:
        """One line: breaks in it become spaces."""
        return self.finish(self.gather(children)).replace(BREAK, " ")

    def heading(self, element: Element) -> str:
        """The line of a heading, without the links that headings carry to themselves."""
        self._in_heading = True
        text = self.line(element.children)
        self._in_heading = False
        return text

    def finish(self, raw: str) -> str:
        """Raw text as a complete paragraph; only ``BREAK`` may still be in it, two where a paragraph ends."""
        text = collapsed(raw)
        return emphasis.resolved(text) if STRONG in text or EMPHASIS in text or STRIKE in text else text

    def gather(self, children: Sequence[Element | str]) -> str:
        """Raw text of nodes in a row."""
        if self._depth >= _MAX_DEPTH:
            return "".join(self._bare(child) for child in children)
        self._depth += 1
        pieces: list[str] = []
        handlers, skipped = self._handlers, self._skipped
        for child in children:
            if isinstance(child, str):
                piece = escaped(child, dollars=self._has_formulas, brackets=self._in_link)
            else:
                tag = child.tag
                if tag in skipped:
                    if tag != "script" or not self._has_formulas:
                        continue
                    piece = formula(child) or ""
                    # MathJax leaves the source behind what it made of it.
                    if piece and pieces and pieces[-1][0] == pieces[-1][-1] == "$":
                        pieces[-1] = piece
                        continue
                elif self._has_formulas and (found := formula(child)) is not None:
                    piece = found
                elif (handler := handlers.get(tag)) is not None:
                    piece = handler(child)
                    if tag == "sup" and pieces and small.follows_price(pieces):
                        piece = small.cents(child) or piece
                else:
                    piece = self.gather(child.children)
                    if tag in BLOCKS and piece:
                        piece = f"{BREAK}{piece}{BREAK}"
            if not piece:
                continue
            if pieces and piece[0] in "([`!":
                # A picture that loads late often has itself without scripts beside it.
                if piece == pieces[-1] and piece.startswith("![") and not isinstance(child, str):
                    continue
                piece = _beside(pieces, piece)
            pieces.append(piece)
        self._depth -= 1
        return "".join(pieces)

    def linked(self, raw: str, reference: str) -> str:
        """Raw text as a link, if there is an address to go to."""
        url = self._context.addresses.link(reference) if self._context.options.links else None
        core = raw.strip(_EDGES)
        if url is None or not core:
            return raw
        start = raw.index(core)
        return f"{raw[:start]}[{one_break(core)}]({url}){raw[start + len(core) :]}"

    def image(self, element: Element) -> str:
        """An image in a line; "" where images are not wanted, or there is nothing to it."""
        if not self._context.options.images:
            return ""
        attributes = element.attributes
        url = self._source(element)
        alt = squeezed(attributes.get("alt", "")) or squeezed(attributes.get("aria-label", ""))
        title = squeezed(attributes.get("title", ""))
        if url is None and not alt:
            return ""
        text = escaped(alt or title, dollars=self._has_formulas, brackets=True)
        if alt and title and title != alt and url is not None:
            quoted = title.replace("\\", "\\\\").replace('"', '\\"')
            return f'![{text}]({url} "{quoted}")'
        return f"![{text}]({url or ''})"

    def _bare(self, node: Element | str) -> str:
        text = node if isinstance(node, str) else text_of(node)
        return escaped(text, dollars=self._has_formulas, brackets=self._in_link)

    def _source(self, element: Element) -> str | None:
        attributes = element.attributes
        candidates = [attributes[name] for name in _LAZY if attributes.get(name)]
        srcsets = [attributes[name] for name in ("srcset", "data-srcset") if attributes.get(name)]
        candidates += [best for srcset in srcsets if (best := best_source(srcset)) is not None]
        source = attributes.get("src", "").strip()
        # The plain source comes last: while a picture loads late, it is a placeholder.
        for reference in [*candidates, source]:
            if reference and (url := self._context.addresses.image(reference)) is not None:
                return url
        return None

    def _picture(self, element: Element) -> str:
        image = next((node for node in element.walk() if node.tag == "img"), None)
        if image is None:
            return ""
        if not image.attributes.get("src") and not image.attributes.get("srcset"):
            sources = [node.attributes["srcset"] for node in element.walk() if "srcset" in node.attributes]
            if sources:
                image = Element("img", {**image.attributes, "srcset": sources[0]})
        return self.image(image)

    def _media(self, element: Element) -> str:
        nodes = (node for node in element.walk() if node.tag in {"video", "audio", "source"})
        source = next((node.attributes["src"] for node in nodes if node.attributes.get("src")), "")
        if not source or not self._context.options.links or self._in_link:
            return ""
        name = element.attributes.get("aria-label") or element.attributes.get("title") or element.tag
        linked = self.linked(escaped(squeezed(name), brackets=True), source)
        return linked if linked.startswith("[") else ""

    def _link(self, element: Element) -> str:
        reference = element.attributes.get("href", "").strip()
        survey = self._context.survey
        if id(element) in survey.returns:
            return ""
        if (label := survey.references.get(id(element))) is not None:
            return f"[^{label}]"
        if (
            self._in_heading
            and not self._in_link
            and "#" in reference
            and text_of(element).strip().lower() in _PERMALINKS
        ):
            return ""
        if not reference or self._in_link:
            return self.gather(element.children)
        self._in_link = True
        raw = self.gather(element.children)
        # Beside a title that links there, an icon or a picture that is left out needs no words of its own.
        if not raw.strip(_EDGES) and self._context.options.links and not survey.is_told(reference):
            raw += self._name(element)
        self._in_link = False
        return self.linked(raw, reference)

    def _name(self, element: Element) -> str:
        """What a link without text is called."""
        for node in element.walk():
            attributes = node.attributes
            for key in ("aria-label", "title", "alt"):
                if name := squeezed(attributes.get(key, "")):
                    return escaped(name, dollars=self._has_formulas, brackets=True)
            if node.tag == "title" and (name := squeezed(text_of(node))):
                return escaped(name, dollars=self._has_formulas, brackets=True)
        return ""

    def _strong(self, element: Element) -> str:
        # A heading is strong as it is, and word processors wrap whole documents in a "b" that is not bold.
        if self._in_heading or "font-weight:normal" in element.attributes.get("style", "").replace(" ", ""):
            return self.gather(element.children)
        return self._marked(element, STRONG, STRONG_END)

    def _emphasis(self, element: Element) -> str:
        return self._marked(element, EMPHASIS, EMPHASIS_END)

    def _strike(self, element: Element) -> str:
        return self._marked(element, STRIKE, STRIKE_END)

    def _span(self, element: Element) -> str:
        style = element.attributes.get("style")
        if style is None or ("font-" not in style and "line-through" not in style):
            return self.gather(element.children)
        words = style.replace(" ", "").lower()
        if any(weight in words for weight in ("font-weight:bold", "font-weight:700", "font-weight:800")):
            return self._strong(element)
        if "font-style:italic" in words:
            return self._emphasis(element)
        return self._strike(element) if "line-through" in words else self.gather(element.children)

    def _marked(self, element: Element, opening: str, closing: str) -> str:
        if opening in self._active:
            return self.gather(element.children)
        self._active.add(opening)
        raw = self.gather(element.children)
        self._active.discard(opening)
        return wrapped(raw, opening, closing)

    def _code(self, element: Element) -> str:
        if any(isinstance(child, Element) and child.tag != "span" for child in element.children):
            return self._rich_code(element)
        return _spaced(text_of(element), code.span)

    def _rich_code(self, element: Element) -> str:
        # A link cannot stand in a code span, but a code span in a link.
        links = [node for node in element.walk() if node.tag == "a" and node.attributes.get("href")]
        text = code.code_text(element)
        if len(links) == 1 and not self._in_link and "\n" not in text:
            whole, inner = text_of(element), text_of(links[0])
            if whole.strip() == inner.strip():
                return self.linked(_spaced(whole, code.span), links[0].attributes["href"])
        if "\n" in text:
            return BREAK.join(filter(None, map(code.span, text.split("\n"))))
        return _spaced(text_of(element) if not links else text, code.span)

    def _code_lines(self, element: Element) -> str:
        lines = BREAK.join(filter(None, map(code.span, code.code_text(element).split("\n"))))
        return f"{BREAK}{lines}{BREAK}" if lines else ""

    def _quote(self, element: Element) -> str:
        opening, closing = "“”" if self._quotes % 2 == 0 else "‘’"
        self._quotes += 1
        raw = self.gather(element.children)
        self._quotes -= 1
        return wrapped(raw, opening, closing)

    def _small(self, element: Element) -> str:
        raw = self.gather(element.children)
        return small.written(raw, element.tag)

    def _ruby_text(self, element: Element) -> str:
        text = self.gather(element.children).strip(_EDGES)
        return f"({text})" if text else ""

    def _time(self, element: Element) -> str:
        raw = self.gather(element.children)
        return raw if raw.strip(_EDGES) else escaped(squeezed(element.attributes.get("datetime", "")))

    def _item(self, element: Element) -> str:
        raw = self.gather(element.children).strip(_EDGES)
        return f"{BREAK}• {raw}{BREAK}" if raw else ""

    def _field(self, element: Element) -> str:
        if id(element) in self._context.taken:
            return ""
        return escaped(fields.value(element), dollars=self._has_formulas, brackets=self._in_link)


def wrapped(raw: str, opening: str, closing: str) -> str:
    """Raw text with something around it, white space left outside; nothing around nothing."""
    core = raw.strip(_EDGES)
    if not core:
        return raw
    start = raw.index(core)
    return f"{raw[:start]}{opening}{one_break(core)}{closing}{raw[start + len(core) :]}"


def is_heading(element: Element) -> int | None:
    """The level of a heading, by its tag or its role."""
    level = HEADINGS.get(element.tag)
    if element.attributes.get("role") != "heading":
        return level if element.attributes.get("role") not in {"presentation", "none"} else None
    given = element.attributes.get("aria-level", "")
    return min(max(int(given), 1), 6) if given.isascii() and given.isdecimal() and len(given) < 4 else level or 2


def _spaced(text: str, build: Callable[[str], str]) -> str:
    built = build(text)
    if not built:
        return " " if text.isspace() else ""
    return f"{' ' * text[0].isspace()}{built}{' ' * text[-1].isspace()}"


def _beside(pieces: list[str], piece: str) -> str:
    """The piece, where it and the one before would together be something else."""
    before = pieces[-1]
    if piece[0] == "(" and before[-1] == "]":
        return f"\\{piece}"
    if piece[0] == "[" and before[-1] == "!":
        pieces[-1] = f"{before[:-1]}\\!"
    elif piece[0] == "`" and before[-1] == "`" and _ends_in_code(before):
        whole = before.strip()
        if len(whole) < _MAX_JOINED_CODE and whole[0] == "`" and whole.count("`") == 2 and piece[1:2] != "`":
            return f"{pieces.pop()[:-1]}{piece[1:]}"
        return f" {piece}"
    return piece


def _ends_in_code(piece: str) -> bool:
    """Whether its last backtick ends a code span; an escaped one in a text does not."""
    last = deque(_CODE_OR_ESCAPE.finditer(piece[-_MAX_JOINED_CODE:]), maxlen=1)
    return not last or last[0][0].startswith("`")
