"""Superscripts and subscripts: characters of their own where there are any, else the HTML that markdown allows."""

import re
from collections.abc import Sequence

from noctule.extraction.document import Element
from noctule.extraction.markdown.tags import text_of
from noctule.extraction.markdown.text import BREAK, EMPHASIS, STRIKE, STRONG

_SUPERSCRIPTS = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_SUBSCRIPTS = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_SMALL = {
    "sup": (re.compile(r"[0-9+\-−=()n]+\Z"), _SUPERSCRIPTS),
    "sub": (re.compile(r"[0-9+\-−=()]+\Z"), _SUBSCRIPTS),
}
_SIGNS = {"tm": "™", "sm": "℠", "r": "®", "c": "©", "®": "®", "™": "™", "©": "©"}
# Endings of ordinals and abbreviations read as well on the line: 1st, 2nd, XIXe, Mme.
_ENDING = re.compile(r"(?:st|nd|rd|th|e|er|ère|re|es|o|a|º|ª|me|lle|de|ste|da|do|[*†‡§]+|\\\*)\Z", re.I)
_PRICE = re.compile(r"[$€£¥]\s?\d[\d,]*\Z")
_CENTS = re.compile(r"\d\d\Z")
_MAX_CHARACTERS = 20


def follows_price(pieces: Sequence[str]) -> bool:
    """Whether what was written last is a price that may go on in small type."""
    return _PRICE.search("".join(piece[-12:] for piece in pieces[-3:]).rstrip()) is not None


def cents(element: Element) -> str | None:
    """The part of a price behind its point, if that is all that an element holds."""
    text = text_of(element).strip()
    return f".{text}" if _CENTS.match(text) else None


def written(raw: str, tag: str) -> str:
    """The content of a ``sup`` or ``sub``, as one reads it on the line."""
    text = raw.strip()
    # References and links are small only so as not to disturb.
    if not text or "[" in text or any(mark in text for mark in (STRONG, EMPHASIS, STRIKE, BREAK, "`", "$")):
        return raw
    if tag == "sup" and (sign := _SIGNS.get(text.lower())) is not None:
        return sign
    pattern, characters = _SMALL[tag]
    if pattern.match(text):
        return text.translate(characters)
    is_sign = not any(map(str.isalnum, text)) or text[0] == "."
    # Some pages set whole sentences in small type by these.
    if is_sign or len(text) > _MAX_CHARACTERS or (tag == "sup" and _ENDING.match(text)):
        return raw
    return f"<{tag}>{text}</{tag}>"
