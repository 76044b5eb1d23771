"""JSON values, and any text at all, as Python source.

What must always hold: the source is valid UTF-8 without control characters, evaluates to the very value, and no text
can end its literal.
"""

import keyword
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LINE = 120
_INDENT = "    "
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TAKEN = frozenset(
    (
        *("client", "session", "run"),
        *("bool", "dict", "float", "int", "list", "object", "set", "str", "type"),
        *("compile", "dir", "eval", "exec", "getattr", "globals", "help", "id", "input", "locals", "open", "print"),
        *("self", "setattr", "vars"),
    )
)
_LONGEST_NAME = 40
# What would end a triple-quoted literal, or run into its end.
_ENDS_BLOCK = re.compile(r'"""|"\Z')


@dataclass(frozen=True, slots=True)
class Name:
    """A name in the place of a value."""

    name: str


def quoted(text: str) -> str:
    """A text as one literal on one line."""
    return '"' + "".join(_ESCAPES.get(sign) or _shown(sign) for sign in text) + '"'


def block(text: str) -> str:
    """A text as a triple-quoted literal, its lines as lines."""
    signs = (sign if sign in '\n"' else _ESCAPES.get(sign) or _shown(sign) for sign in text)
    inside = _ENDS_BLOCK.sub(lambda found: found[0].replace('"', '\\"'), "".join(signs))
    return f'"""\\\n{inside}"""'


def literal(value: Any) -> str:
    """A value on one line; a ``Name`` stands for itself."""
    match value:
        case Name(name=name):
            return name
        case str():
            return quoted(value)
        case float() if not math.isfinite(value):
            return f'float("{value}")'
        case Mapping():
            return "{" + ", ".join(f"{quoted(str(key))}: {literal(item)}" for key, item in value.items()) + "}"
        case Sequence():
            return "[" + ", ".join(literal(item) for item in value) + "]"
        case _:
            return repr(value)


def call(function: str, arguments: Mapping[str, Any], indent: str = "", ends: str = "") -> str:
    """A call with named arguments, on one line where it fits, else one line an argument."""
    parts = [f"{name}={literal(value)}" for name, value in arguments.items()]
    line = f"{indent}{function}({', '.join(parts)}){ends}"
    if len(line) <= LINE or not parts:
        return line
    inner = "".join(f"{indent}{_INDENT}{part},\n" for part in parts)
    return f"{indent}{function}(\n{inner}{indent}){ends}"


def name_of(text: str, otherwise: str = "value") -> str:
    """A Python name that a text suggests."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:_LONGEST_NAME].strip("_")
    if not name or name[0].isdigit():
        name = f"{otherwise}_{name}".rstrip("_")
    return f"{name}_" if keyword.iskeyword(name) or keyword.issoftkeyword(name) or name in _TAKEN else name


def class_name_of(text: str, otherwise: str = "Data") -> str:
    """A name of a class that a text suggests."""
    return "".join(part.capitalize() for part in name_of(text, otherwise).split("_") if part) or otherwise


def _shown(sign: str) -> str:
    """A sign as it is, or what stands for one that cannot be seen or changes how others look."""
    if sign.isprintable():
        return sign
    number = ord(sign)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
