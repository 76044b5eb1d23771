"""Which addresses a session may be sent to.

The rule is kept on the address as Chromium's own parser will see it: blanks and control characters at the
ends, and tabs and line breaks anywhere, do not count, so that none of them can hide a scheme.
"""

import re
from urllib.parse import urlsplit

from noctule.browser.commands import CommandFailed

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_STRIPPED = "".join(map(chr, range(0x21)))
_REMOVED = str.maketrans("", "", "\t\n\r")
_PORT = re.compile(r"\d{1,5}(?:[/?#]|$)")

RULE = "only http:, https:, data:, blob: and about:blank may be opened"


def checked(url: str) -> str:
    """The address to navigate to. Raises ``CommandFailed`` (``InvalidURLError``) naming what is wrong."""
    clean = url.strip(_STRIPPED).translate(_REMOVED)
    found = _SCHEME.match(clean)
    if found is None or _looks_like_host(clean, found):
        raise CommandFailed("InvalidURLError", f"Invalid URL {_short(url)}: it must start with https:// or http://")
    scheme = found[1].lower()
    if scheme in ("data", "blob") or clean.lower() == "about:blank":
        return clean
    if scheme not in ("http", "https"):
        raise CommandFailed(
            "InvalidURLError", f"{scheme}: addresses are refused: {RULE}. Use an address that starts with https://"
        )
    try:
        parts = urlsplit(clean.replace("\\", "/"))
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise CommandFailed(
            "InvalidURLError", f"Invalid URL {_short(url)}: {error} (expected https://host/…)"
        ) from None
    if not host or " " in host:
        raise CommandFailed("InvalidURLError", f"Invalid URL {_short(url)}: no host name after https:// or http://")
    return clean


def host_and_port(url: str) -> tuple[str, int] | None:
    """Host (lower case, no brackets, no final dot) and port that an http(s) or ws(s) address leads to."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname:
        return None
    if port is None:
        port = 443 if parts.scheme in ("https", "wss") else 80
    return normal_host(parts.hostname), port


def normal_host(host: str) -> str:
    """A host name in the one spelling that comparisons use."""
    return host.strip("[]").rstrip(".").lower()


def _looks_like_host(clean: str, found: "re.Match[str]") -> bool:
    rest = clean[found.end() :]
    return not rest.startswith("//") and (found[1].lower() == "localhost" or "." in found[1] or bool(_PORT.match(rest)))


def _short(url: str) -> str:
    return repr(url if len(url) <= 200 else url[:200] + "…")
