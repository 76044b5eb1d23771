"""Which elements somebody means by their words, without a model: by the words that both have in common.

What must always hold: what shares no word with the instructions is never chosen; equal scores keep the page's order.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

_MOST_WORDS = 200
_LONGEST_LINE = 2_000
_NAME_WEIGHT, _LINE_WEIGHT, _HINT_WEIGHT = 3.0, 1.0, 0.5
_ENOUGH = 0.6
"""Of the best score, what another element needs to be meant as well."""

_WORD = re.compile(r"[^\W_]+")
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a about action actions all an and any are as at available be by can do does element elements every find for
        from get give go has have here how i in into is it its list me my of on one or out page please show site some
        that the their them then there these this those to up use user using want web website what where which with
        you your""",
    )
)
# What people write in several ways, as one word.
_SPELLINGS: Mapping[str, str] = {
    "login": r"(?:log|sign)[\s-]?(?:in|on)",
    "logout": r"(?:log|sign)[\s-]?(?:out|off)",
    "signup": r"sign[\s-]?up|register|create (?:an )?account",
    "email": r"e-mail",
    "checkout": r"check[\s-]out",
    "next": r"next page",
    "cart": r"basket|bag",
}
_SPELLED = re.compile(r"\b(?:" + "|".join(f"(?P<{word}>{pattern})" for word, pattern in _SPELLINGS.items()) + r")\b")


@dataclass(frozen=True, slots=True)
class Line:
    """What is known of an element: what can be done with it, its role, its name, and its line of the description."""

    id: str
    kind: str
    role: str
    name: str
    text: str


def matching(instructions: str, lines: Sequence[Line]) -> list[str]:
    """The ids of the elements that the instructions mean, the best first; none where no word fits."""
    words = _words(instructions)[:_MOST_WORDS]
    hints = frozenset[str]().union(*(_HINTS.get(word, frozenset()) for word in words))
    meant = {word for word in words if word not in _HINTS} or {word for word in words if not _HINTS[word] & hints}
    names = [frozenset(_words(line.name)) for line in lines]
    texts = [frozenset(_words(line.text[:_LONGEST_LINE])) | name for line, name in zip(lines, names, strict=True)]
    if not meant:
        return [line.id for line in lines if hints & {line.kind, line.role}]
    counts = Counter(word for text in texts for word in text & meant)
    weights = {word: math.log(1 + len(lines) / count) for word, count in counts.items()}
    scores: list[tuple[float, int]] = []
    for place, (line, name, text) in enumerate(zip(lines, names, texts, strict=True)):
        score = sum(weights[word] * (_NAME_WEIGHT if word in name else _LINE_WEIGHT) for word in meant & text)
        if score:
            # Of two that fit alike, the one whose name says less else.
            score *= 1 + 1 / (10 + len(name - meant))
            score *= 1 + (_HINT_WEIGHT if hints & {line.kind, line.role} else 0)
            scores.append((score, place))
    scores.sort(key=lambda scored: (-scored[0], scored[1]))
    return [lines[place].id for score, place in scores if score >= scores[0][0] * _ENOUGH]


def _words(text: str) -> list[str]:
    """The words of a text that say something, without accents, each in a simple form."""
    plain = text.casefold()
    if not plain.isascii():
        plain = "".join(each for each in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(each))
    plain = _SPELLED.sub(lambda match: match.lastgroup or "", plain)
    return [_stem(word) for word in _WORD.findall(plain) if word not in _STOP_WORDS]


@lru_cache(maxsize=10_000)
def _stem(word: str) -> str:
    """English words lose their commonest endings; what is left need not be a word."""
    if len(word) < 5 or not word.isascii():
        return word[:-1] if len(word) == 4 and word.endswith("s") and not word.endswith("ss") else word
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + instead
            break
    else:
        if word.endswith("s") and not word.endswith(("ss", "us", "is")):
            word = word[:-1]
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


# Words that say what is to be done, or what kind of thing is meant, rather than which.
_HINTS: Mapping[str, frozenset[str]] = {
    _stem(word): frozenset(meant.split())
    for words, meant in (
        ("fill type enter write put input field box textbox", "fill textbox searchbox"),
        ("click press push tap open follow hit submit", "click"),
        ("button", "button"),
        ("link", "link"),
        ("check uncheck tick untick checkbox toggle switch", "check checkbox switch"),
        ("radio", "radio"),
        ("tab", "tab"),
        ("menu", "menuitem menu"),
        ("select choose pick dropdown combobox option", "select option combobox listbox"),
        ("image picture photo", "image"),
    )
    for word in words.split()
}
