"""Placeholders for addresses: ``link1`` and ``img1.png`` cost a model less than what they stand for.

The markdown is written with them, a model answers with them, and ``restore`` puts the addresses back. What must
always hold: a placeholder that nothing stands for stays as it is, and no part of a longer word is taken for one.
"""

import re
from collections.abc import Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"(?<![\w/.\-])(?:link[1-9]\d*|img[1-9]\d*\.png)(?![\w/\-])")
_MAX_DEPTH = 200


def restore(value: Any, mapping: Mapping[str, str]) -> Any:
    """The same JSON value with addresses in the place of their placeholders, in all of its strings.

    Keys stay as they are. What is nested deeper than any answer stays as it is, too.
    """
    return _restored(value, mapping, 0) if mapping else value


def _restored(value: Any, mapping: Mapping[str, str], depth: int) -> Any:
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: mapping.get(match[0], match[0]), value)
    if depth >= _MAX_DEPTH:
        return value
    if isinstance(value, list):
        return [_restored(item, mapping, depth + 1) for item in value]
    if isinstance(value, dict):
        return {key: _restored(item, mapping, depth + 1) for key, item in value.items()}
    return value
