"""Addresses of links and images: absolute, safe to follow, and written so that a parser takes them whole.

What must always hold: no address that runs a script or holds data instead of naming a place; the bytes spent on
addresses are bounded, however long the base of a hostile page is.
"""

import re
from urllib.parse import quote, urljoin, urlsplit

MAX_URL_CHARACTERS = 4096
_BUDGET_CHARACTERS = 8_000_000

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.\-]*):")
_REFUSED = frozenset({"javascript", "vbscript", "data", "blob", "about", "file", "view-source", "chrome", "livescript"})
# A browser takes these out of an address before it reads it.
_IGNORED = re.compile("[\x00-\x20\x7f-\x9f]+\\Z|\\A[\x00-\x20\x7f-\x9f]+|[\t\n\r]+")
_UNSAFE = re.compile('[\\s()<>|`"\\\\*\\[\\]\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff]')
_ENTITY = re.compile(r"&(?=#?\w{1,31};)")
_CANDIDATES = re.compile(r"\s*,?\s*([^\s,]\S*[^\s,]|[^\s,])(?:\s+([\d.]+[wx]))?\s*(?:,|\Z)")
_MAX_CANDIDATES = 64


def absolute(base: str, reference: str) -> str | None:
    """The address that a browser would go to from ``base``; ``None`` for none and for one not to be followed."""
    reference = _IGNORED.sub("", reference)
    if len(reference) > MAX_URL_CHARACTERS:
        return None
    scheme = _SCHEME.match(reference)
    if scheme is not None:
        return None if scheme[1].lower() in _REFUSED or not _is_whole(reference) else reference
    if not base or len(base) > MAX_URL_CHARACTERS:
        return reference or None
    try:
        joined = urljoin(base, reference)
    except ValueError:
        return None
    scheme = _SCHEME.match(joined)
    return None if scheme is not None and scheme[1].lower() in _REFUSED else joined


def _is_whole(url: str) -> bool:
    """Whether its host can be told; brackets that are not an IPv6 address' are what goes wrong."""
    try:
        return "[" not in url or bool(urlsplit(url))
    except ValueError:
        return False


def destination(url: str) -> str:
    """The address as it stands in markdown: nothing in it ends it or is markup."""
    if _UNSAFE.search(url) is not None:
        url = _UNSAFE.sub(_percent, url)
    return _ENTITY.sub("&amp;", url) if "&" in url else url


def best_source(srcset: str) -> str | None:
    """The largest picture of a ``srcset``."""
    best, best_size = None, -1.0
    for count, match in enumerate(_CANDIDATES.finditer(srcset[: 16 * MAX_URL_CHARACTERS])):
        size = _size(match[2])
        if size > best_size and not match[1].startswith("data:"):
            best, best_size = match[1], size
        if count >= _MAX_CANDIDATES:
            break
    return best


class Addresses:
    """All addresses of one document, resolved against its base once each, and numbered if placeholders stand for
    them. ``mapping`` is what each placeholder stands for."""

    def __init__(self, base: str, mapping: dict[str, str] | None) -> None:
        self._base = base.partition("#")[0]
        self.mapping = mapping
        self._names: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._known: dict[str, str | None] = {}
        self._budget = _BUDGET_CHARACTERS
        try:
            parts = urlsplit(base)
            self._origin = f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} else ""
        except ValueError:
            self._origin = ""

    def link(self, reference: str) -> str | None:
        """What stands for the link's address in the markdown."""
        return self._written(reference, "link", "")

    def image(self, reference: str) -> str | None:
        """What stands for the image's address in the markdown."""
        return self._written(reference, "img", ".png")

    def rebased(self, base: str) -> "Addresses":
        """For a frame: another base, the same numbering."""
        other = Addresses(base, self.mapping)
        other._names, other._counts = self._names, self._counts
        return other

    def _written(self, reference: str, stem: str, suffix: str) -> str | None:
        if reference in self._known:
            url = self._known[reference]
        else:
            url = self._known[reference] = self._resolved(reference)
        if url is None:
            return None
        if self.mapping is not None:
            name = self._names.get((stem, url))
            if name is None:
                self._counts[stem] = count = self._counts.get(stem, 0) + 1
                name = self._names[stem, url] = f"{stem}{count}{suffix}"
                self.mapping[name] = url
            return name
        self._budget -= len(url)
        return destination(url) if self._budget >= 0 else None

    def _resolved(self, reference: str) -> str | None:
        # Most references are whole already or start at the root; joining in general costs ten times as much.
        if reference.startswith(("https://", "http://")) and len(reference) <= MAX_URL_CHARACTERS:
            return _IGNORED.sub("", reference)
        if self._origin and reference[:1] == "/" and reference[1:2] not in {"/", "\\"} and "/." not in reference:
            whole = self._origin + _IGNORED.sub("", reference)
            return whole if len(whole) <= MAX_URL_CHARACTERS else None
        return absolute(self._base, reference)


def _percent(match: re.Match[str]) -> str:
    character = match.group()
    if "\ud800" <= character <= "\udfff":
        character = "\ufffd"
    return quote(character, safe="")


def _size(descriptor: str | None) -> float:
    try:
        # "2x" and "800w" never stand in one list; without a descriptor a candidate is the plain one.
        return float(descriptor[:-1]) if descriptor else 1.0
    except ValueError:
        return 0.0
