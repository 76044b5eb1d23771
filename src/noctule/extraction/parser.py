"""From HTML, as bytes or text, to a ``Document``: what the page says, without what nobody would see.

The markup is read by libxml2 through lxml: its tokenizer follows HTML5, it is linear in the size of what it reads,
and it stops at a fixed depth. (Parsers that build the exact HTML5 tree take quadratic time for deeply nested input.)
What must always hold: no input makes it fail, every tree it returns is within the bounds of ``document``, and what
lies beyond them is cut off: nodes after the last that fits are lost, and elements nested too deeply give their
content to the deepest ancestor that fits.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from urllib.parse import urljoin

from lxml import etree
from lxml.cssselect import CSSSelector

from noctule.extraction.document import MAX_DEPTH, MAX_NODES, Document, Element
from noctule.extraction.kinds import kinds_of, linked_types
from noctule.kit.errors import InvalidRequest

MAX_HTML_CHARACTERS = 10_000_000
MAX_SELECTOR_CHARACTERS = 2_000
_PRESCAN_BYTES = 4_096
_MAX_TITLE_CHARACTERS = 1_000

_UNSEEN = frozenset({"script", "style", "template", "head", "link", "meta", "base", "title", "param", "datalist"})
# What shows something else than the elements in it.
_OPAQUE = frozenset({"canvas", "iframe"})
_UNDRAWN = frozenset({"script", "style", "template"})
# What a head tells of the page's images, and how much of it is kept.
_HEAD_IMAGES = frozenset({"link", "meta"})
_MAX_HEAD_NODES = 100
# Drawings of more nodes are no icons, and too long to be handed out: what they are made of would only take the room
# of the text.
_MAX_DRAWING_NODES = 500
_MAX_DRAWN_NODES = 20_000
_HIDING_STYLE = re.compile(r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))", re.IGNORECASE)

_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Codecs of Python's that are of text and of no page: the first is what a script writes that does not know one.
_OF_NO_PAGE = frozenset({"undefined", "idna", "punycode", "unicode-escape", "raw-unicode-escape"})
# What the Encoding Standard reads a label as, where Python's codec of that name is a narrower one.
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
# Both parsers that we know check each attribute of a tag against all before it. No page has a tag of this many.
_CROWDED_TAG = re.compile(
    r"""<[a-zA-Z][^\s/>]*+(?:[\s/]*+[^\s/>=]++(?:\s*+=\s*+(?:"[^"]*+"?|'[^']*+'?|[^\s>]*+))?+){1000,}+"""
)
# To a browser that runs scripts, what is in a noscript is plain text, which may hold halves of elements. The worst is a
# frame that is never closed, for it swallows the rest of the page.
_NOSCRIPT = re.compile(r"(<(/?)noscript\b)", re.IGNORECASE)
_FRAME = re.compile(r"</?iframe\b[^>]*+>?", re.IGNORECASE)
# What may stand before a body. Where the body's tag is left out, libxml2 would take newer elements for the head's.
_HEAD = re.compile(
    r"""(?:\s++|<!--(?:-?>|.*?(?:-->|\Z))|<[!?][^>]*+>|</?(?:html|head|meta|link|base)\b[^>]*+>
    |<(title|script|style|noscript|template)\b[^>]*+>.*?(?:</\1\s*>|\Z))*+""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
# Whatever follows these is still the page's, to a browser.
_PAGE_END = re.compile(r"</(?:body|html)\s*>", re.IGNORECASE)
_RAW_TEXT_END = re.compile(r"</(?:script|style)", re.IGNORECASE)


def parse(html: bytes | str, url: str = "", *, charset: str | None = None, selector: str | None = None) -> Document:
    """The document that ``html`` describes, or the part of it that ``selector`` finds first.

    ``charset`` is what the transport said of bytes; without it they are asked themselves. ``selector`` is CSS, or
    XPath after ``xpath=`` or if it begins with a slash. Raises ``InvalidRequest`` for a selector that is malformed
    or finds nothing; never for what ``html`` holds.
    """
    text = decode(html, charset) if isinstance(html, bytes) else html
    tree = _tree(text[:MAX_HTML_CHARACTERS])
    if tree is None:
        if selector:
            raise _unusable(selector, "finds nothing, for the document is empty")
        return Document(url, "", Element("body"))
    root = _Copy().of(_select(tree, selector)) if selector else _Copy().of(_body(tree), _head_nodes(tree))
    return Document(_base(tree, url), _title(tree), root, kinds=kinds_of(_types(tree)))


def decode(html: bytes, charset: str | None = None) -> str:
    """The text of ``html``: by its byte order mark, else ``charset``, else its ``<meta>``, else as UTF-8 or Latin."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if html.startswith(mark):
            return html[len(mark) :].decode(encoding, "replace")
    for label in (charset, _declared(html)):
        declared = _codec(label) if label else None
        if declared:
            return html.decode(declared, "replace")
    try:
        return html.decode("utf-8")
    except UnicodeDecodeError:
        return html.decode("cp1252", "replace")


def _declared(html: bytes) -> str | None:
    found = _META_CHARSET.search(html, 0, _PRESCAN_BYTES)
    label = found[1].decode("ascii", "ignore").lower() if found else None
    # Whoever reads the label as ASCII is not reading UTF-16, whatever it says.
    return "utf-8" if label and label.startswith("utf-16") else label


def _codec(label: str) -> str | None:
    try:
        codec = codecs.lookup(label.strip())
    except (LookupError, ValueError):
        return None
    # base64, rot13 and their like are codecs too, but not of text.
    is_text = getattr(codec, "_is_text_encoding", True) and codec.name.replace("_", "-") not in _OF_NO_PAGE
    return _WIDER.get(codec.name, codec.name) if is_text else None


def _tree(text: str) -> etree._Element | None:
    text = _CROWDED_TAG.sub(_without_tag, text.replace("\0", ""))
    text = _PAGE_END.sub("", _without_noscript_frames(text))
    text = _with_body(text)
    # UTF-8 of our own making, so that no declaration inside the text can contradict it.
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        return None


def _with_body(text: str) -> str:
    head = _HEAD.match(text)
    end = head.end() if head else 0
    return text if text[end : end + 5].lower() == "<body" else f"{text[:end]}<body>{text[end:]}"


def _without_tag(tag: re.Match[str]) -> str:
    # The match may be text of a script, whose end must not be lost with it.
    end = _RAW_TEXT_END.search(tag[0])
    return f"{end[0]} " if end else ""


def _without_noscript_frames(text: str) -> str:
    parts = _NOSCRIPT.split(text)
    pieces = [parts[0]]
    for tag, slash, content in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        pieces += (tag, content if slash else _FRAME.sub("", content))
    return "".join(pieces)


def _body(tree: etree._Element) -> etree._Element:
    body = tree.find("body")
    return tree if body is None else body


def _title(tree: etree._Element) -> str:
    title = tree.find(".//title")
    text = "" if title is None else "".join(_texts(title))
    return " ".join(text.split())[:_MAX_TITLE_CHARACTERS]


def _head_nodes(tree: etree._Element) -> list[etree._Element]:
    """The head's links and meta elements, some of which name images."""
    head = tree.find("head")
    nodes = () if head is None else (node for node in head if node.tag in _HEAD_IMAGES and _says_where(node))
    return list(islice(nodes, _MAX_HEAD_NODES))


def _says_where(node: etree._Element) -> bool:
    if node.tag == "link":
        return bool(node.get("rel") and node.get("href"))
    return bool(node.get("content") and (node.get("property") or node.get("name")))


def _types(tree: etree._Element) -> Iterator[str]:
    """The types that the page gives itself, as ``kinds_of`` takes them."""
    for script in tree.iterfind(".//script[@type='application/ld+json']"):
        yield from linked_types(script.text or "")
    for element in tree.iterfind(".//*[@itemtype]"):
        yield str(element.get("itemtype"))
    for meta in tree.iterfind(".//meta[@property='og:type']"):
        yield f"og:{meta.get('content', '')}"


def _texts(element: etree._Element) -> Iterator[str]:
    return (str(text) for text in element.itertext())


def _base(tree: etree._Element, url: str) -> str:
    base = tree.find(".//base[@href]")
    if base is None:
        return url
    try:
        return urljoin(url, str(base.get("href", "")))
    except ValueError:
        return url


def _select(tree: etree._Element, selector: str) -> etree._Element:
    if len(selector) > MAX_SELECTOR_CHARACTERS:
        raise InvalidRequest(f"selector: longer than {MAX_SELECTOR_CHARACTERS} characters")
    expression = selector.removeprefix("css=").strip()
    try:
        if expression.startswith(("xpath=", "/", "(/")):
            found = etree.XPath(expression.removeprefix("xpath="), smart_strings=False)(tree)
        else:
            found = CSSSelector(expression, translator="html")(tree)
    except (etree.XPathError, SyntaxError, ValueError) as error:
        raise _unusable(selector, f"is neither CSS nor XPath: {error}") from None
    if isinstance(found, list):
        for match in found:
            if isinstance(match, etree._Element):
                return match
    raise _unusable(selector, "finds nothing")


def _unusable(selector: str, why: str) -> InvalidRequest:
    return InvalidRequest.at(["body", "selector"], why, selector)


class _Copy:
    """The visible part of a parsed tree, as our own elements."""

    def __init__(self) -> None:
        self._nodes = 0
        self._drawn_nodes = 0
        self._characters = 0

    def of(self, source: etree._Element, head_nodes: Sequence[etree._Element] = ()) -> Element:
        root = self._element(source)
        if head_nodes:
            self._nodes += 1
            root.children.append(Element("head", {}, [self._element(node) for node in head_nodes]))
        self._characters = _characters(source)
        # Each entry: what is being read, where its content goes, and how deep that is.
        stack: list[tuple[Iterator[etree._Element], Element, int]] = [(iter(source), root, 1)]
        self._say(source.text, root)
        while stack and self._nodes < MAX_NODES:
            children, parent, depth = stack[-1]
            child = next(children, None)
            if child is None:
                stack.pop()
                continue
            if _is_rendered(child) and (not _is_hidden(child) or self._is_most(child)):
                inner, inner_depth = parent, depth
                if depth < MAX_DEPTH:
                    inner, inner_depth = self._element(child), depth + 1
                    parent.children.append(inner)
                if child.tag == "noscript" and not self._is_most(child):
                    self._copy_images(child, inner)
                    self._say(child.tail, parent)
                    continue
                if child.tag == "svg":
                    self._copy_drawing(child, inner, inner_depth)
                    self._say(child.tail, parent)
                    continue
                if child.tag not in _OPAQUE:
                    self._say(child.text, inner)
                    if len(child):
                        stack.append((self._then_tail(child, parent), inner, inner_depth))
                        continue
            self._say(child.tail, parent)
        return root

    def _is_most(self, hidden: etree._Element) -> bool:
        """Whether this holds most of the page: then it is hidden only until a script has run."""
        return 2 * _characters(hidden) > self._characters

    def _copy_images(self, source: etree._Element, target: Element) -> None:
        target.children.extend(self._element(image) for image in source.iter("img") if self._nodes < MAX_NODES)

    def _copy_drawing(self, source: etree._Element, target: Element, depth: int) -> None:
        """What a drawing is made of, if that is little enough to be handed out."""
        size = sum(1 for _ in islice(source.iter(), _MAX_DRAWING_NODES + 1))
        if size > min(_MAX_DRAWING_NODES, _MAX_DRAWN_NODES - self._drawn_nodes):
            return
        self._drawn_nodes += size
        stack = [(source, target, depth)]
        while stack:
            drawn, into, level = stack.pop()
            self._say(drawn.text, into)
            for child in drawn:
                if child.tag not in _UNDRAWN and level < MAX_DEPTH and self._nodes < MAX_NODES:
                    element = self._element(child)
                    into.children.append(element)
                    stack.append((child, element, level + 1))
                self._say(child.tail, into)

    def _then_tail(self, element: etree._Element, parent: Element) -> Iterator[etree._Element]:
        yield from element
        self._say(element.tail, parent)

    def _element(self, source: etree._Element) -> Element:
        self._nodes += 1
        return Element(str(source.tag), {str(name): str(value) for name, value in source.attrib.items()})

    def _say(self, text: str | None, parent: Element) -> None:
        if text and self._nodes < MAX_NODES:
            self._nodes += 1
            parent.children.append(text)


def _is_rendered(element: etree._Element) -> bool:
    # MathJax keeps its source in scripts; without it the formula would be lost.
    return element.tag not in _UNSEEN or (element.tag == "script" and (element.get("type") or "").startswith("math/"))


def _is_hidden(element: etree._Element) -> bool:
    if element.get("hidden", "until-found") != "until-found":
        # React streams parts of a page into hidden elements of such names, for its script to move into place.
        return not (element.get("id") or "").startswith("S:")
    if element.tag == "dialog":
        return element.get("open") is None
    style = element.get("style")
    return style is not None and _HIDING_STYLE.search(style) is not None


def _characters(element: etree._Element) -> int:
    """How much text there is to read in ``element``."""
    return sum(
        len(inner.text or "") + len(inner.tail or "") if inner.tag not in ("script", "style") else len(inner.tail or "")
        for inner in element.iter()
    )
