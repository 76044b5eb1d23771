"""Keeps secrets out of what is written down; no I/O.

What must always hold: whatever comes out, of any kind of event, has no value of a header, parameter or field whose name
says that it is a secret, no token that shows itself by its form, and none of the texts that the session is known to
have been given as secrets, however they are encoded. There is no way to switch that off.
"""

import base64
import json
import re
from collections.abc import Collection
from functools import lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***masked***"
"""What stands in the place of a secret; it may stand in an address."""

_WORDS = frozenset(
    """
    password passwd passphrase passcode pwd pass secret secrets token tokens apikey auth authorization authentication
    credential credentials sid sessionid signature sig otp totp pin cvv cvc csrf xsrf jwt assertion bearer cookie
    cookies ssn iban cardnumber accesskey privatekey clientsecret codeverifier
    """.split()  # noqa: SIM905
)
_PAIRS = frozenset(
    {
        ("api", "key"),
        ("access", "key"),
        ("private", "key"),
        ("secret", "key"),
        ("signing", "key"),
        ("license", "key"),
        ("session", "id"),
        ("card", "number"),
        ("account", "number"),
        ("code", "verifier"),
        ("security", "code"),
        ("saml", "response"),
        ("one", "time"),
    }
)
# An authorization code is a secret, a country code is none.
_LONG_ONLY = frozenset({"code", "state", "nonce", "ticket", "session", "key"})
_LONG = 16
# Words of the format itself, and of what is safe to tell.
_PUBLIC = frozenset({"sec-websocket-key", "sec-websocket-accept", "accept-key", "keyword", "keywords", "key-type"})

_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_USERINFO = re.compile(r"(?<=://)[^/?#\s@\"']{1,500}@")
_PARAMETER = re.compile(r"(?<![\w.%$~\[\]-])([\w.%$~\[\]-]{2,80})=([^&\s\"'<>;#,]+)")
_MEMBER = re.compile(
    r"""(["'])([\w .$-]{2,80})\1(\s*:\s*)("(?:[^"\\]|\\.)*(?:"|\\?$)|'(?:[^'\\]|\\.)*(?:'|\\?$)|-?[\d.]+)""", re.DOTALL
)
# The same where the JSON is itself a text of JSON.
_INNER_MEMBER = re.compile(
    r"""(\\")([\w .$-]{2,80})\1(\s*:\s*)(\\"(?:[^\\"]|\\\\(?:\\\\|\\"|[^\\"]))*(?:\\"|\\*$)|-?[\d.]+)"""
)
# Never tried again with less of a line: a page that writes a long one full of names would keep everybody waiting.
_MULTIPART = re.compile(r'(name="([^"\r\n]{1,200})"[^\r\n]{0,500}+(?:\r?\n[^\r\n]{1,500}+){0,5}\r?\n\r?\n)([^\r\n]*)')
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9_-])(?:(Bearer|Basic|Negotiate|Digest)\s+[A-Za-z0-9._~+/=-]{8,}"
    r"|eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)*"
    r"|(?:sk|pk|rk|ghp|gho|ghs|glpat|xox[abp]|noct)[-_][A-Za-z0-9_-]{16,}|AKIA[A-Z0-9]{16})"
)
_LEAST_SECRET = 4
_LONG_TEXT = 1000
_WITH_FIELDS = ("json", "x-www-form-urlencoded", "multipart", "text/plain")


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a header, parameter or field of that name holds a secret."""
    if name.lower() in _PUBLIC:
        return False
    words = [word.lower() for word in _SPLIT.split(name.replace("%5B", "[").replace("%5D", "]")) if word]
    if "".join(words) in _WORDS or any(word in _WORDS for word in words):
        return True
    return any(pair in _PAIRS for pair in pairwise(words))


def _is_long_secret(name: str, value: str) -> bool:
    return len(value) >= _LONG and _SPLIT.split(name)[-1].lower() in _LONG_ONLY


class Masker:
    """Masks the events of one session. ``secrets`` are texts that it is known to have been given."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        forms = {form for secret in secrets if len(secret) >= _LEAST_SECRET for form in _forms(secret)}
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        self._known = re.compile("|".join(map(re.escape, self._forms))) if forms else None

    def data(self, data: dict[str, Any]) -> dict[str, Any]:
        """The data of an event without its secrets."""
        masked = self._value(data)
        assert isinstance(masked, dict)
        return masked

    def text(self, text: str) -> str:
        """Any text without its secrets."""
        text = self._known_out(text)
        if "=" in text:
            text = _PARAMETER.sub(_parameter, text)
        if "://" in text:
            text = _USERINFO.sub(f"{MASK}@", text)
        if ":" in text and ('"' in text or "'" in text):
            text = _INNER_MEMBER.sub(_member, _MEMBER.sub(_member, text))
        if 'name="' in text:
            text = _MULTIPART.sub(_part, text)
        return _shapes_out(text)

    def header(self, name: str, value: str) -> str:
        """The value of a header without its secrets: of cookies the names stay, of credentials the scheme."""
        lower = name.lower()
        if lower == "cookie":
            return "; ".join(_cookie(pair) for pair in value.split("; "))
        if lower == "set-cookie":
            pair, _, attributes = value.partition(";")
            return _cookie(pair) + (f";{attributes}" if attributes else "")
        if lower in ("authorization", "proxy-authorization"):
            scheme, blank, _ = value.partition(" ")
            return f"{scheme} {MASK}" if blank and scheme.isalpha() else MASK
        return MASK if is_secret_name(name) else self.text(value)

    # -- inside --------------------------------------------------------------------------------------------

    def _value(self, value: Any, name: str = "") -> Any:
        match value:
            case str():
                return self.text(value)
            case dict():
                if "text" in value and ("mime" in value or name == "body"):
                    return self._body(value)
                return {self._known_out(key): self._member(key, one) for key, one in value.items()}
            case list() | tuple():
                if name == "headers":
                    return [[self._known_out(key), self.header(key, one)] for key, one in value]
                return [self._value(one) for one in value]
        return value

    def _member(self, key: str, value: Any) -> Any:
        if key == "response" and isinstance(value, dict) and isinstance(value.get("body"), dict):
            body = {**value["body"], "mime": value.get("mime_type", "")}
            return self._value({**value, "body": body}, key)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and is_secret_name(key):
            return MASK
        return self._value(value, key)

    def _body(self, body: dict[str, Any]) -> dict[str, Any]:
        """A body: one that has fields by its fields, code and pages by what is known alone, since they are full of
        equal signs that mean nothing."""
        mime = body.get("mime", "json")
        text = str(body["text"])
        if body.get("encoding") == "base64":
            decoded = _decoded(text)
            if decoded is None or self._known_out(decoded) != decoded:
                return {**body, "text": "", "is_masked": True}
            return body
        has_fields = any(kind in mime for kind in _WITH_FIELDS)
        return {**body, "text": self.text(text) if has_fields else _shapes_out(self._known_out(text))}

    def _known_out(self, text: str) -> str:
        if not text.isascii():
            # Half a surrogate pair, which any page can put into a text, cannot be written down.
            text = text.encode("utf-8", "replace").decode()
        if self._known is None:
            return text
        text = self._known.sub(MASK, text)
        if len(text) >= _LONG_TEXT or text.endswith("…"):
            # It may have been cut in the middle of a secret.
            end = text.removesuffix("…")
            for form in self._forms:
                at = end.find(form[:_LEAST_SECRET], max(0, len(end) - len(form)))
                while at >= 0:
                    if form.startswith(end[at:]):
                        return end[:at] + MASK
                    at = end.find(form[:_LEAST_SECRET], at + 1)
        return text


def _forms(secret: str) -> set[str]:
    """A secret as it may be met: as it is, in addresses, in JSON, and in Base64."""
    raw = secret.encode()
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    }


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except ValueError:
        return None


def _parameter(match: re.Match[str]) -> str:
    name, value = match.groups()
    if is_secret_name(name) or _is_long_secret(name, value):
        return f"{name}={MASK}"
    return match[0]


def _member(match: re.Match[str]) -> str:
    mark, name, colon, value = match.groups()
    if not is_secret_name(name) and not _is_long_secret(name, value):
        return match[0]
    shown = f"{mark}{MASK}{mark}"
    return f"{mark}{name}{mark}{colon}{shown}"


def _part(match: re.Match[str]) -> str:
    return match[1] + (MASK if is_secret_name(match[2]) else match[3])


def _cookie(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}={MASK}" if equals else MASK


def _shapes_out(text: str) -> str:
    return _SHAPES.sub(lambda match: f"{match[1]} {MASK}" if match[1] else MASK, text)
