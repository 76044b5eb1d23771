"""What kind of page it is, as far as its address and its controls tell without a model.

Only what is plain to see is said; a page that could be several things, or none, is ``other``.
"""

import re
from collections.abc import Sequence
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from noctule.page.domain.matching import Line

Category = Literal[
    "homepage",
    "search-results",
    "data-feed",
    "item",
    "auth",
    "form",
    "manage-cookies",
    "overlay",
    "payment",
    "captcha",
    "other",
]

_DIALOG = "### Content of 'dialog'"
_CAPTCHA = re.compile(
    r"captcha|i'?m not a robot|verify (?:that )?you are (?:a )?human|press (?:&|and) hold", re.IGNORECASE
)
_COOKIES = re.compile(r"\bcookies?\b|\bconsent\b", re.IGNORECASE)
_CONSENT = re.compile(r"\b(?:accept|agree|allow|reject|decline|refuse)\b", re.IGNORECASE)
_CARD = re.compile(r"card ?number|\bcvv\b|\bcvc\b|security code|name on (?:the )?card", re.IGNORECASE)
_CART = re.compile(r"\badd to (?:cart|basket|bag)\b|\bbuy now\b", re.IGNORECASE)
_PASSWORD = 'type="password"'
_SEARCH_NAMES = frozenset({"q", "query", "search", "s", "k", "keyword", "keywords", "search_query"})
_FIELDS = frozenset({"fill", "select", "check"})
_FEW_FIELDS, _MANY_LINKS = 3, 5
_MOST_AUTH_FIELDS = 6
_HOME_PATHS = frozenset({"", "/", "/index.html"})


def category_of(url: str, description: str, lines: Sequence[Line]) -> Category:
    """The contract's category of a page."""
    in_front = description.split("\n### ", 1)[0] if description.startswith(_DIALOG) else None
    if in_front is not None and _COOKIES.search(in_front) and _CONSENT.search(in_front):
        return "manage-cookies"
    if any(_CAPTCHA.search(line.name) for line in lines):
        return "captcha"
    fields = [line for line in lines if line.kind in _FIELDS]
    if any(_CARD.search(line.name) for line in fields if line.kind == "fill"):
        return "payment"
    if any(_PASSWORD in line.text for line in fields) and len(fields) <= _MOST_AUTH_FIELDS:
        return "auth"
    if in_front is not None:
        return "overlay"
    return _by_address(url, lines) or ("form" if len(fields) >= _FEW_FIELDS else "other")


def _by_address(url: str, lines: Sequence[Line]) -> Category | None:
    try:
        parts = urlsplit(url)
        queried = {name.lower() for name, value in parse_qsl(parts.query, max_num_fields=100) if value}
    except ValueError:
        return None
    if queried & _SEARCH_NAMES and sum(line.role == "link" for line in lines) >= _MANY_LINKS:
        return "search-results"
    if sum(bool(_CART.search(line.name)) for line in lines) == 1:
        return "item"
    return "homepage" if parts.scheme in ("http", "https") and parts.path in _HOME_PATHS and not queried else None
