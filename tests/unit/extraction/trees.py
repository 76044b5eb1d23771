"""Trees for the tests of this package: from HTML that is well-formed, without the parser that is tested elsewhere;
and what a CommonMark parser reads back from markdown."""

from html.parser import HTMLParser

from markdown_it import MarkdownIt

from noctule.extraction.document import Document, Element
from noctule.extraction.markdown import Options, to_markdown

URL = "https://example.org/docs/page.html"

_VOID = frozenset({"br", "hr", "img", "input", "source", "wbr"})
_PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("body")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if any(element.tag == tag for element in self.open[1:]):
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def tree(html: str) -> Element:
    """The ``body`` that holds what the HTML says."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return builder.root


def document(html: str, *frames: Document, url: str = URL) -> Document:
    """A document of that body."""
    return Document(url, "Title", tree(html), frames)


def markdown(html: str, options: Options | None = None) -> str:
    """What the converter makes of the HTML."""
    return to_markdown(document(html), options).text


def read_back(text: str) -> str:
    """The HTML that a CommonMark parser makes of markdown, without white space between blocks."""
    rendered = str(_PARSER.render(text))
    return rendered.replace("\n", "")


def text_read_back(text: str) -> str:
    """The characters that a reader sees of markdown, without white space."""
    return "".join("".join(_texts(tree(read_back(text)))).split())


def _texts(element: Element) -> list[str]:
    return [text for child in element.children for text in ([child] if isinstance(child, str) else _texts(child))]
