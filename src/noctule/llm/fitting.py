"""Cutting what does not fit into a model's context, by one stated rule.

The content may fill the context except for a quarter of it, which is kept for the instructions and the answer. What is
too long keeps its first three quarters and its last quarter, cut at line ends where there are any near, with a mark
between them: pages say what they are at their beginning, and totals, footers and next pages stand at their end.
"""

import math

_SHARE_OF_CONTENT = 0.75
_SHARE_OF_BEGINNING = 0.75
# Fewer than the four of English, for pages of numbers, URLs and other scripts.
_CHARACTERS_PER_TOKEN = 2.5
_NEAR = 400
_MOST_CHARACTERS = 2_000_000

MARK = "[… {left_out} characters left out here …]"


def fit(content: str, context_tokens: int) -> tuple[str, bool]:
    """The content, or what fits of it, and whether anything was cut."""
    room = min(_MOST_CHARACTERS, int(context_tokens * _SHARE_OF_CONTENT * _CHARACTERS_PER_TOKEN))
    if len(content) <= room:
        return content, False
    beginning = _to_line_end(content[: int(room * _SHARE_OF_BEGINNING)])
    end = _from_line_start(content[len(content) - (room - int(room * _SHARE_OF_BEGINNING)) :])
    mark = MARK.format(left_out=len(content) - len(beginning) - len(end))
    return f"{beginning}\n{mark}\n{end}", True


def tokens_for(content: str) -> int:
    """The least context that the whole content fits into by that rule."""
    return math.ceil(len(content) / (_SHARE_OF_CONTENT * _CHARACTERS_PER_TOKEN))


def _to_line_end(text: str) -> str:
    at = text.rfind("\n", max(0, len(text) - _NEAR))
    return text if at < 0 else text[:at]


def _from_line_start(text: str) -> str:
    at = text.find("\n", 0, _NEAR)
    return text if at < 0 else text[at + 1 :]
