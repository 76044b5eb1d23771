"""The one thing of JavaScript's grammar that is read in Python: a string literal (ECMA-262, 12.9.4)."""

import re

_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|.))", re.DOTALL)
_SINGLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": "", "\r\n": ""}


def string_value(literal: str) -> str:
    """The text that a quoted literal stands for. Raises ``ValueError`` if it is not quoted."""
    if len(literal) < 2 or literal[0] != literal[-1] or literal[0] not in "'\"":
        raise ValueError("not a string literal")
    return _ESCAPE.sub(_unescaped, literal[1:-1])


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    return chr(int(code, 16)) if code else _SINGLE.get(found[4], found[4])
