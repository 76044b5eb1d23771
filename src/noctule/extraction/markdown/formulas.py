"""Formulas as TeX: what their author wrote where the page has kept it, else a reading of its MathML.

KaTeX, MathJax and MediaWiki put a formula on the page twice, once to be seen and once for machines; each formula
appears once here.
"""

import re
from collections.abc import Callable

from noctule.extraction.document import Element
from noctule.extraction.markdown.survey import is_formula_class
from noctule.extraction.markdown.symbols import ACCENTS, FUNCTIONS, OPERATORS
from noctule.extraction.markdown.tags import classes, text_of
from noctule.extraction.markdown.text import plain

_TEX = re.compile(r"tex\b", re.I)
_DISPLAYSTYLE = re.compile(r"\{\\(?:displaystyle|textstyle)\s+(.*)\}\Z", re.DOTALL)
_COMMENT = re.compile(r"(?<!\\)%[^\n]*\n?")
_DELIMITED = re.compile(r"\A(?:\$\$(.*)\$\$|\$(.*)\$|\\\((.*)\\\)|\\\[(.*)\\\])\Z", re.DOTALL)
_DOLLAR = re.compile(r"(?<!\\)\$")
_ESCAPED_IN_TEXT = re.compile(r"[\\{}$%#&_^~]")
_DISPLAY_WORDS = (
    "katex-display",
    "mathjax_display",
    "mwe-math-element-block",
    "mwe-math-fallback-image-display",
    "display-math",
)
_MAX_CHARACTERS = 20_000
_MAX_DEPTH = 60
_TYPESETTERS_DEPTH = 4


def formula(element: Element) -> str | None:
    """The formula that an element shows, in dollars; ``None`` if it is not one, "" for a copy to be left out."""
    tag = element.tag
    if tag == "img":
        return _from_image(element)
    if tag == "script":
        return _from_script(element)
    if tag != "math" and tag != "mjx-container" and not is_formula_class(element):
        return None
    words = {word.lower() for word in classes(element)}
    if "mathjax_preview" in words or "katex-html" in words:
        return ""
    math = element if tag == "math" else next((node for node in _near(element) if node.tag == "math"), None)
    if math is None:
        image = next((found for node in _near(element) if node.tag == "img" and (found := _from_image(node))), None)
        return image if image is not None else _from_attribute(element)
    # A wrapper may hold several formulas and text between them; then it is no formula itself.
    if tag != "math" and not _is_typeset(words, tag):
        return None
    is_display = _is_display(element) or _is_display(math)
    return written(_annotated(math) or _row(math, 0), is_display=is_display or _holds_display(element, math))


def written(tex: str, *, is_display: bool) -> str:
    """TeX in dollars, on one line; "" for nothing."""
    tex = " ".join(_COMMENT.sub("", plain(tex[:_MAX_CHARACTERS])).split())
    if (match := _DELIMITED.match(tex)) is not None:
        tex = next(group for group in match.groups() if group is not None).strip()
    if (match := _DISPLAYSTYLE.match(tex)) is not None:
        tex = match[1].strip()
    tex = _DOLLAR.sub(r"\\$", tex)
    # A last backslash would take the dollar that ends the formula.
    tex = tex.rstrip("\\").strip()
    if not tex:
        return ""
    return f"$${tex}$$" if is_display else f"${tex}$"


def _near(element: Element) -> list[Element]:
    """The elements some levels below: deep enough for every typesetter, and linear however they nest."""
    found, level = [], [element]
    for _ in range(_TYPESETTERS_DEPTH):
        level = [child for node in level for child in node.children if isinstance(child, Element)]
        found += level
    return found


def _is_typeset(words: set[str], tag: str) -> bool:
    return tag == "mjx-container" or not words.isdisjoint(
        {
            "katex",
            "katex-display",
            "mathjax",
            "mathjax_display",
            "mathjax_svg",
            "mathjax_chtml",
            "mathjax_svg_display",
            "mathjax_mathml",
            "mwe-math-element",
            "mwe-math-element-inline",
            "mwe-math-element-block",
        }
    )


def _is_display(element: Element) -> bool:
    attributes = element.attributes
    if attributes.get("display") in {"block", "true"} or attributes.get("mode") == "display":
        return True
    value = attributes.get("class", "").lower()
    return any(word in value for word in _DISPLAY_WORDS)


def _holds_display(element: Element, math: Element) -> bool:
    return element is not math and any(_is_display(node) for node in _near(element))


def _from_image(element: Element) -> str | None:
    words = element.attributes.get("class", "").lower()
    alt = element.attributes.get("alt", "").strip()
    if not alt or not ("mwe-math-fallback" in words or {"tex", "latex"} & set(words.split())):
        return None
    return written(alt, is_display=_is_display(element))


def _from_script(element: Element) -> str | None:
    kind = element.attributes.get("type", "").lower()
    if not kind.startswith("math/tex"):
        return None
    return written(text_of(element), is_display="mode=display" in kind)


def _from_attribute(element: Element) -> str | None:
    for name in ("data-tex", "data-latex", "data-expr", "data-formula"):
        if tex := element.attributes.get(name):
            return written(tex, is_display=_is_display(element))
    return None


def _annotated(math: Element) -> str:
    for node in math.walk():
        if node.tag == "annotation" and _TEX.search(node.attributes.get("encoding", "")):
            return text_of(node).strip()
    # MediaWiki and LaTeXML write TeX here; a text for screen readers would have words.
    alternative = math.attributes.get("alttext", "").strip()
    return alternative if re.search(r"[\\^_{}=+]", alternative) or len(alternative) < 4 else ""


def _row(element: Element, depth: int) -> str:
    """A sequence of elements, as TeX."""
    return _joined([_tex(child, depth + 1) for child in element.children if isinstance(child, Element)])


def _tex(element: Element, depth: int) -> str:
    if depth > _MAX_DEPTH:
        return " ".join(text_of(element).split())
    tag = element.tag
    if tag in _LEAVES:
        return _LEAVES[tag](" ".join(text_of(element).split()))
    if tag in {"annotation", "annotation-xml", "mphantom", "none", "mprescripts"}:
        return ""
    if tag == "mspace":
        return r"\quad" if element.attributes.get("width", "").startswith(("1em", "2em")) else ""
    if tag == "msqrt":
        return rf"\sqrt{{{_row(element, depth)}}}"
    if tag == "mtable":
        return _matrix(element, depth)
    if tag == "mfenced":
        opening, closing = element.attributes.get("open", "("), element.attributes.get("close", ")")
        inner = ",".join(_arguments(element, depth))
        return rf"\left{_fence(opening)} {inner} \right{_fence(closing)}"
    if tag == "mover" and (accented := _accented(element, depth)) is not None:
        return accented
    build = _LAYOUTS.get(tag)
    if build is not None:
        arguments = _arguments(element, depth)
        if len(arguments) == build[0]:
            return build[1](*arguments)
    return _row(element, depth)


def _arguments(element: Element, depth: int) -> list[str]:
    return [_tex(child, depth + 1) for child in element.children if isinstance(child, Element)]


def _accented(element: Element, depth: int) -> str | None:
    parts = [child for child in element.children if isinstance(child, Element)]
    accent = ACCENTS.get(text_of(parts[1]).strip()) if len(parts) == 2 else None
    return None if accent is None else rf"\{accent}{{{_tex(parts[0], depth + 1)}}}"


def _matrix(element: Element, depth: int) -> str:
    lines = [
        " & ".join(_tex(cell, depth + 2) for cell in row.children if isinstance(cell, Element))
        for row in element.children
        if isinstance(row, Element)
    ]
    rows = r" \\ ".join(lines)
    return rf"\begin{{matrix}} {rows} \end{{matrix}}"


def _joined(pieces: list[str]) -> str:
    text = ""
    for piece in pieces:
        # A command ends where something other than a letter follows.
        if text and piece and piece[0].isalpha() and re.search(r"\\[A-Za-z]+\Z", text):
            text += " "
        text += piece
    return text


def _identifier(text: str) -> str:
    if text in OPERATORS:
        return OPERATORS[text]
    if len(text) == 1:
        return _escaped(text)
    return rf"\{text}" if text in FUNCTIONS else rf"\mathrm{{{_escaped(text)}}}" if text else ""


def _operator(text: str) -> str:
    if text in OPERATORS:
        return OPERATORS[text]
    if text in FUNCTIONS:
        return rf"\{text}"
    return rf"\operatorname{{{text}}}" if len(text) > 1 and text.isalpha() else _escaped(text)


def _number(text: str) -> str:
    return OPERATORS.get(text, _escaped(text))


def _quoted(text: str) -> str:
    return rf"\text{{{_escaped(text)}}}" if text else ""


def _escaped(text: str) -> str:
    return _ESCAPED_IN_TEXT.sub(lambda match: rf"\{match[0]}" if match[0] in "{}$%#&_" else "", text)


def _group(tex: str) -> str:
    return tex if len(tex) == 1 else f"{{{tex}}}"


def _base(tex: str) -> str:
    return tex if len(tex) == 1 or re.fullmatch(r"\\[A-Za-z]+", tex) else f"{{{tex}}}"


def _fence(text: str) -> str:
    return OPERATORS.get(text, rf"\{text}" if text in {"{", "}"} else text) or "."


def _over(base: str, mark: str) -> str:
    return f"{base}^{_group(mark)}" if _has_limits(base) else rf"\overset{{{mark}}}{{{base}}}"


def _under(base: str, mark: str) -> str:
    if mark.strip() in {"_", "\\_", "¯", "\\overline{}"}:
        return rf"\underline{{{base}}}"
    return f"{base}_{_group(mark)}" if _has_limits(base) else rf"\underset{{{mark}}}{{{base}}}"


def _has_limits(base: str) -> bool:
    return base.lstrip("\\") in {*FUNCTIONS, "sum", "prod", "int", "iint", "oint", "bigcup", "bigcap", "coprod"}


_LEAVES: dict[str, Callable[[str], str]] = {
    "mi": _identifier,
    "mn": _number,
    "mo": _operator,
    "mtext": _quoted,
    "ms": _quoted,
}
_LAYOUTS: dict[str, tuple[int, Callable[..., str]]] = {
    "mfrac": (2, lambda over, under: rf"\frac{{{over}}}{{{under}}}"),
    "mroot": (2, lambda base, index: rf"\sqrt[{index}]{{{base}}}"),
    "msub": (2, lambda base, sub: f"{_base(base)}_{_group(sub)}"),
    "msup": (2, lambda base, sup: f"{_base(base)}^{_group(sup)}"),
    "msubsup": (3, lambda base, sub, sup: f"{_base(base)}_{_group(sub)}^{_group(sup)}"),
    "munder": (2, _under),
    "mover": (2, _over),
    "munderover": (3, lambda base, under, over: f"{_base(base)}_{_group(under)}^{_group(over)}"),
}
