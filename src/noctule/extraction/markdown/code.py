"""Code: its lines without what a highlighter adds, its language, and fences that nothing in it can close."""

import re

from noctule.extraction.document import Element
from noctule.extraction.markdown.tags import BLOCKS, classes, is_gutter, words
from noctule.extraction.markdown.text import plain

_LANGUAGE_CLASS = re.compile(
    r"(?:language|lang|highlight-source|highlight-text|highlight|sourceCode|code)-([\w+#.\-]+)\Z"
)
_BRUSH = re.compile(r"\bbrush:\s*([\w+#\-]+)")
_LANGUAGE_NAME = re.compile(r"[A-Za-z][\w+#.\-]{0,30}\Z")
# Class words that look like a language's and are not.
_NOT_LANGUAGES = words(
    "default none plain plaintext text txt nohighlight notranslate block blocks wrapper container toolbar source "
    "inline auto lines example snippet title header body area box view sample element highlight cell rouge highlighter"
)
_ALIASES = {"html-basic": "html", "python3": "python", "ipython3": "python", "shell-session": "console", "golang": "go"}
# Highlighters that name the language in a bare class word beside their own.
_MARKED = frozenset({"hljs", "sourceCode", "prettyprint", "highlight", "codehilite", "syntaxhighlighter", "shiki"})
_UNSEEN_IN_CODE = frozenset({"button", "script", "style", "svg", "template", "rp", "input", "select", "textarea"})
_LINE_CLASSES = frozenset(
    {"line", "token-line", "code-line", "view-line", "CodeMirror-line", "cm-line", "hljs-ln-line"}
)
_TICKS = re.compile("`+")
_SPACES = re.compile(r"\s+")


def language(element: Element) -> str | None:
    """The language that its attributes name, in the spellings that highlighters use."""
    attributes = element.attributes
    for name in ("data-lang", "data-language", "data-code-language"):
        if (value := _name(attributes.get(name, ""))) is not None:
            return value
    value = attributes.get("class", "")
    if not value:
        return None
    if (match := _BRUSH.search(value)) is not None:
        return _name(match[1])
    own = value.split()
    for word in own:
        if (match := _LANGUAGE_CLASS.match(word)) is not None and (found := _name(match[1])) is not None:
            return found
    if element.tag in {"pre", "code"} and not _MARKED.isdisjoint(own):
        return next((found for word in own if word not in _MARKED and (found := _bare(word)) is not None), None)
    return None


def language_below(element: Element) -> str | None:
    """The language of a ``pre``: its own or that of the ``code`` in it."""
    found = language(element)
    node = element
    # The code is the only child, or stands below a wrapper or two.
    for _ in range(3):
        if found is not None:
            break
        inner = next((child for child in node.children if isinstance(child, Element) and not is_gutter(child)), None)
        if inner is None:
            break
        node = inner
        found = language(node)
    return found


def code_text(element: Element) -> str:
    """The code below an element as lines; line numbers, buttons and the like are left out."""
    pieces: list[str] = []
    _collect(element, pieces)
    text = plain("".join(pieces).replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " "))
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[0]:
        del lines[0]
    while lines and not lines[-1]:
        del lines[-1]
    return "\n".join(lines)


def fenced(code: str, name: str | None) -> str:
    """A fenced block whose fence is longer than any in the code."""
    longest = max((len(run) for run in _TICKS.findall(code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{name or ''}\n{code}\n{fence}" if code else f"{fence}{name or ''}\n{fence}"


def span(code: str) -> str:
    """A code span; "" for no code."""
    code = _SPACES.sub(" ", plain(code)).strip()
    if not code:
        return ""
    if "`" not in code:
        return f"`{code}`"
    runs = {len(run) for run in _TICKS.findall(code)}
    ticks = "`" * next(length for length in range(1, len(runs) + 2) if length not in runs)
    pad = " " if code[0] == "`" or code[-1] == "`" else ""
    return f"{ticks}{pad}{code}{pad}{ticks}"


def _collect(element: Element, pieces: list[str]) -> None:
    # A line in an element of its own may come with a line end or without.
    ends_lines = _ends_lines(element)
    for child in element.children:
        if isinstance(child, str):
            pieces.append(child)
            continue
        tag = child.tag
        if tag == "br":
            pieces.append("\n")
        elif tag in _UNSEEN_IN_CODE or (child.attributes and is_gutter(child)):
            continue
        elif tag in BLOCKS and tag not in {"td", "th", "tbody", "thead", "table", "pre"}:
            _start_line(pieces)
            _collect(child, pieces)
            if tag == "tr" and (not pieces or not pieces[-1].endswith("\n")):
                pieces.append("\n")
            _start_line(pieces)
        else:
            if ends_lines and not _LINE_CLASSES.isdisjoint(classes(child)):
                _start_line(pieces)
            _collect(child, pieces)


def _start_line(pieces: list[str]) -> None:
    if pieces and not pieces[-1].endswith("\n"):
        pieces.append("\n")


def _ends_lines(element: Element) -> bool:
    """Whether its children are lines without line ends between them."""
    lines = [child for child in element.children if isinstance(child, Element)]
    if len(lines) < 2 or any(isinstance(child, str) and "\n" in child for child in element.children):
        return False
    return not any(_LINE_CLASSES.isdisjoint(classes(line)) for line in lines)


def _name(word: str) -> str | None:
    word = word.strip().lower()
    return _ALIASES.get(word, word) if word not in _NOT_LANGUAGES and _LANGUAGE_NAME.match(word) else None


def _bare(word: str) -> str | None:
    return None if "-" in word or "_" in word or word[:1].isupper() else _name(word)
