"""Text that goes into headers and command lines."""

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def plain_text(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("control characters, line breaks among them, are not allowed")
    return value
