"""RSS and Atom feeds as documents: a title and a list of links.

What must always hold: XML that declares entities of its own is not parsed at all.
"""

from itertools import islice
from xml.etree import ElementTree

from noctule.extraction.document import Document, Element
from noctule.extraction.markdown.tags import text_of
from noctule.extraction.parser import parse

MAX_BYTES = 16 * 1024 * 1024
MAX_ENTRIES = 1000
_MAX_SUMMARY_CHARACTERS = 600
_MAX_HTML_CHARACTERS = 20_000


def read(xml: bytes, url: str) -> Document | None:
    """The feed as a document; ``None`` for XML that is no feed, or none at all."""
    if len(xml) > MAX_BYTES or b"<!ENTITY" in xml or "<!ENTITY".encode("utf-16-le") in xml:
        return None
    try:
        root = ElementTree.fromstring(xml)
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    if _name(root) not in {"rss", "feed", "RDF"}:
        return None
    channel = _child(root, "channel")
    head = root if channel is None else channel
    title = _text(head, "title")
    entries = [node for node in (*head, *(root if channel is not None else ())) if _name(node) in {"item", "entry"}]
    content: list[Element | str] = [Element("h1", {}, [title])] if title else []
    if about := _text(head, "description") or _text(head, "subtitle"):
        content.append(Element("p", {}, [about]))
    content.append(Element("ul", {}, [_item(entry) for entry in islice(entries, MAX_ENTRIES)]))
    if len(entries) > MAX_ENTRIES:
        content.append(Element("p", {}, [f"… and {len(entries) - MAX_ENTRIES} more entries."]))
    return Document(url, title, Element("body", {}, content))


def _item(entry: ElementTree.Element) -> Element:
    link = _link(entry)
    title = _text(entry, "title") or link
    content: list[Element | str] = [Element("a", {"href": link}, [title]) if link else title]
    if date := next(filter(None, (_text(entry, name) for name in ("pubDate", "published", "updated", "date"))), ""):
        content.append(f" ({date})")
    if summary := next(filter(None, (_text(entry, name) for name in ("summary", "description", "content"))), ""):
        content.append(Element("p", {}, [summary]))
    return Element("li", {}, content)


def _link(entry: ElementTree.Element) -> str:
    links = [node for node in entry if _name(node) == "link"]
    # Atom gives addresses as attributes, and more than the page's own.
    links.sort(key=lambda node: node.get("rel", "alternate") != "alternate")
    for node in links:
        if address := (node.get("href") or node.text or "").strip():
            return address
    guid = _text(entry, "guid")
    return guid if guid.startswith(("http://", "https://")) else ""


def _text(parent: ElementTree.Element, name: str) -> str:
    """A child's words; what is HTML there is read as such."""
    node = _child(parent, name)
    if node is None:
        return ""
    text = "".join(islice(node.itertext(), _MAX_SUMMARY_CHARACTERS)).strip()[:_MAX_HTML_CHARACTERS]
    if "<" in text or "&" in text:
        text = text_of(parse(text).root)
    text = " ".join(text.split())
    return text if len(text) <= _MAX_SUMMARY_CHARACTERS else f"{text[:_MAX_SUMMARY_CHARACTERS].rstrip()}…"


def _child(parent: ElementTree.Element, name: str) -> ElementTree.Element | None:
    return next((node for node in parent if _name(node) == name), None)


def _name(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""
