"""Text that goes into headers, command lines and lists."""

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def plain_text(value: str) -> str:
    """The text, if it has no control characters. Raises ``ValueError``."""
    if _CONTROL.search(value):
        raise ValueError("control characters, line breaks among them, are not allowed")
    return value
