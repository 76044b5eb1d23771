"""Which elements are blocks, which are never shown, and what a role makes of an element."""

from noctule.extraction.document import Element


def words(text: str) -> frozenset[str]:
    """The words of a table that is written as a text."""
    return frozenset(text.split())


# What starts on a line of its own unless a style says otherwise. An element that is not here is inline unless it
# holds one of these.
BLOCKS = words(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav noscript ol optgroup p "
    "pre search section summary table tbody td tfoot th thead tr ul xmp listing plaintext"
)

# Never shown, or shown by nothing that markdown has.
UNSEEN = words(
    "area base basefont canvas col colgroup datalist embed frame frameset head iframe link map meta noembed "
    "noframes object param rp script source style svg template title track wbr"
)

HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}

# Class words of what a highlighter or a page adds to code for the eye alone: line numbers, prompts to copy.
GUTTERS = words(
    "linenos lineno linenodiv linenumber linenumbers line-number line-numbers line-numbers-rows gutter gl ln lnt "
    "rouge-gutter hljs-ln-numbers blob-num code-line-number react-syntax-highlighter-line-number copybtn copy-button "
    "clipboard-copy zeroclipboard-container buttonGroup"
)


def classes(element: Element) -> list[str]:
    """The words of its class attribute."""
    value = element.attributes.get("class")
    return value.split() if value else []


def is_gutter(element: Element) -> bool:
    """Whether it only numbers or decorates the lines of some code."""
    attributes = element.attributes
    return "class" in attributes and not GUTTERS.isdisjoint(attributes["class"].split())


def text_of(element: Element) -> str:
    """All text below it, as the document has it; the words in a drawing are the drawing's."""
    pieces: list[str] = []
    stack: list[Element | str] = [element]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            pieces.append(node)
        elif node.tag != "svg":
            stack.extend(reversed(node.children))
    return "".join(pieces)


def integer(text: str | None, default: int) -> int:
    """What an attribute counts; ``default`` for one that does not."""
    if text is None:
        return default
    stripped = text.strip()
    if len(stripped) <= 9 and stripped.isascii() and stripped.removeprefix("-").isdigit():
        return int(stripped)
    return default
