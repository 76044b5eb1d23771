"""Text as markdown: nothing hidden in it, and escaped only where a parser would take it for markup.

Until a paragraph is complete, what depends on its neighbours stands in it as a mark: a control character, which
text never holds because ``plain`` takes them out. What must always hold: no mark leaves this package.
"""

import re

STRONG, STRONG_END = "\x01", "\x02"
EMPHASIS, EMPHASIS_END = "\x03", "\x04"
STRIKE, STRIKE_END = "\x06", "\x0e"
BREAK = "\x05"

# Controls, soft hyphens, zero-width characters, directional overrides, tags and private characters (icon fonts):
# a person sees none of them, and a model may be told things by them. Joiners stay, scripts need them.
_HIDDEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e"
    "\u200f\u202a-\u202e\u2060-\u206f\u3164\ue000-\uf8ff\ufeff\uffa0\ufff0-\ufffb\ufdd0-\ufdef\ufffe\uffff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
)
_HIDDEN_TEXT = re.compile(f"[{_HIDDEN}]")
_JOINERS = f"\u200c\u200d{BREAK} "
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPECIAL = re.compile(f"[{_HIDDEN}\ud800-\udfff\\\\`*_\\[\\]<&~$]")

_ESCAPED = (
    r"\\(?=[!-/:-@\[-`{-~]|\s*\Z)"  # a backslash that would escape what follows
    r"|`"
    r"|(?<!\s)\*|\*(?!\s)"
    r"|(?<![^\W_])_|_(?![^\W_])"  # inside a word an underscore is only that
    r"|\[(?=\^)|\](?=\()"
    r"|<(?=[A-Za-z/!?]|\Z)"
    r"|&(?=#?\w{1,31};)"
    r"|~(?=~)|(?<!\s)~|~\Z"
)
# By whether dollars and brackets are markup too.
_MARKUP = {
    (dollars, brackets): re.compile(_ESCAPED + r"|\$" * dollars + r"|[\[\]]" * brackets)
    for dollars in (False, True)
    for brackets in (False, True)
}
_BALANCED = re.compile(r"[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*")

_LINE_STARTERS = frozenset("#>-+*=|:[0123456789")
_LINE_START = re.compile(
    r"(#{1,6}(?=\s|\Z)|>|[-+*](?=\s|\Z)|-(?=[-\s]*\Z)|=(?==*\s*\Z)|[|:](?=[\s|:-]*-[\s|:-]*\Z)"
    r"|\[(?=[ xX]\](?:\s|\Z)|(?:[^\[\]\\]|\\.)*\]:))"
    r"|(\d{1,9})(?=[.)](?:\s|\Z))"
)
_BREAKS = re.compile(rf"[\s{BREAK}]*{BREAK}[\s{BREAK}]*")


def plain(text: str) -> str:
    """Without what nobody sees; half characters become the replacement character."""
    return _SURROGATE.sub("\ufffd", _HIDDEN_TEXT.sub("", text))


def squeezed(text: str) -> str:
    """``plain``, on one line, as a browser collapses white space."""
    return " ".join(plain(text).split())


def escaped(text: str, *, dollars: bool = False, brackets: bool = False) -> str:
    """Text that a parser gives back as it is. ``dollars`` where formulas stand in dollars, ``brackets`` in a link."""
    if _SPECIAL.search(text) is None:
        return text
    brackets = brackets and ("](" in text or _BALANCED.fullmatch(text) is None)
    return _MARKUP[dollars, brackets].sub(r"\\\g<0>", plain(text))


def collapsed(text: str) -> str:
    """White space as a browser shows it: none beside a line break or at the ends, else one space."""
    text = " ".join(text.split())
    if BREAK in text:
        text = _BREAKS.sub(lambda run: BREAK * min(run.group().count(BREAK), 2), text).strip(BREAK)
    # Joiners that join nothing are what some editors put into an empty line.
    return text if text.strip(_JOINERS) else ""


def one_break(text: str) -> str:
    """The text with single line breaks: a paragraph does not end inside of a link or an emphasis."""
    return _BREAKS.sub(BREAK, text) if BREAK in text else text


def guarded(line: str) -> str:
    """A line of a paragraph that would otherwise start a heading, a list, a quote or the like."""
    if line[:1] not in _LINE_STARTERS:
        return line
    return _LINE_START.sub(_guard, line, count=1) if _LINE_START.match(line) else line


def _guard(match: re.Match[str]) -> str:
    return f"\\{match[1]}" if match[1] else f"{match[2]}\\"
