"""Marks of emphasis in a complete paragraph become ``*``, ``**`` and ``~~``, where a parser will take them so.

Whether a run of stars opens or closes follows from the characters beside it. Where it would do neither, the
punctuation at its edge is moved out of the emphasis, and if that does not help the emphasis is given up: the
text is never changed.
"""

import re
import unicodedata

from noctule.extraction.markdown.text import (
    BREAK,
    EMPHASIS,
    EMPHASIS_END,
    STRIKE,
    STRIKE_END,
    STRONG,
    STRONG_END,
)

_CLOSERS = {STRONG: STRONG_END, EMPHASIS: EMPHASIS_END, STRIKE: STRIKE_END}
_DELIMITERS = {
    STRONG: "**",
    STRONG_END: "**",
    EMPHASIS: "*",
    EMPHASIS_END: "*",
    STRIKE: "~~",
    STRIKE_END: "~~",
}
_MARK = re.compile(f"([{''.join(_DELIMITERS)}])")
_MAX_ROUNDS = 6
_ADJACENT = re.compile("|".join(f"{closer}{opener}" for opener, closer in _CLOSERS.items()))
# What stands on both sides of such marks may be something else without them.
_BETWEEN_CODE = re.compile(f"(?<=`)(?:{_ADJACENT.pattern})+(?=`)")
_BEFORE_BRACKET = re.compile(rf"!(?:{_ADJACENT.pattern})+(?=\[)")
_BEFORE_PARENTHESIS = re.compile(rf"(?<=\])(?:{_ADJACENT.pattern})+(?=\()")
_PUNCTUATION_BEFORE_END = re.compile(r"(?<!\\)([:;,.!?…。，：；！？、»”’\"')）」』]+)\Z")
_PUNCTUATION_AFTER_START = re.compile(r"([“‘«\"'¿¡(（「『]+)")


def resolved(text: str) -> str:
    """The paragraph with delimiters in the place of marks."""
    # Two neighbours of one kind are one: their delimiters would run together.
    while _ADJACENT.search(text):
        text = _BEFORE_PARENTHESIS.sub(r"\\", _BEFORE_BRACKET.sub(r"\\!", _BETWEEN_CODE.sub(" ", text)))
        text = _ADJACENT.sub("", text)
    parts = _MARK.split(text)
    pairs = _pairs(parts)
    for _ in range(_MAX_ROUNDS):
        broken = [pair for pair in pairs if not (_opens(parts, pair[0]) and _closes(parts, pair[1]))]
        if not broken:
            break
        for opening, closing in broken:
            _mend(parts, opening, closing)
        # What was given up is no longer there to be a neighbour.
        pairs = [pair for pair in pairs if parts[pair[0]]]
    else:
        for opening, closing in pairs:
            parts[opening] = parts[closing] = ""
    _set_apart(parts)
    return "".join(_DELIMITERS.get(part, part) for part in parts)


def _set_apart(parts: list[str]) -> None:
    """Texts that stand beside each other now that marks between them are given up, and must not become one."""
    last: int | None = None
    for position, part in enumerate(parts):
        if not part:
            continue
        if position % 2:
            last = None
            continue
        if last is not None:
            if part[0] == "`" and parts[last][-1] == "`":
                parts[position] = f" {part}"
            elif part[0] == "(" and parts[last][-1] == "]":
                parts[position] = f"\\{part}"
            elif part[0] == "[" and parts[last][-1] == "!":
                parts[last] = f"{parts[last][:-1]}\\!"
        last = position


def _pairs(parts: list[str]) -> list[tuple[int, int]]:
    """Positions of marks that belong together, inner before outer; marks without a partner are taken out."""
    open_at: list[int] = []
    pairs = []
    for position in range(1, len(parts), 2):
        if parts[position] in _CLOSERS:
            open_at.append(position)
        elif open_at and _CLOSERS[parts[open_at[-1]]] == parts[position]:
            opening = open_at.pop()
            if _is_ambiguous(parts, opening, position, open_at):
                parts[opening] = parts[position] = ""
            else:
                pairs.append((opening, position))
        else:
            parts[position] = ""
    for position in open_at:
        parts[position] = ""
    return pairs


def _is_ambiguous(parts: list[str], opening: int, closing: int, around: list[int]) -> bool:
    """Whether stars inside of stars stand where they could open as well as close, as in the middle of a word."""
    if parts[opening] == STRIKE or not any(parts[position] != STRIKE for position in around):
        return False
    return any(_opens(parts, position) and _closes(parts, position) for position in (opening, closing))


def _mend(parts: list[str], opening: int, closing: int) -> None:
    last = parts[closing - 1]
    # A parenthesis after a bracket is part of a link.
    if "](" not in last and not _closes(parts, closing) and (match := _PUNCTUATION_BEFORE_END.search(last)):
        parts[closing - 1] = last[: match.start()]
        parts[closing + 1] = match[1] + parts[closing + 1]
    if not _opens(parts, opening) and (match := _PUNCTUATION_AFTER_START.match(parts[opening + 1])):
        parts[opening + 1] = parts[opening + 1][match.end() :]
        parts[opening - 1] += match[1]
    if not (_opens(parts, opening) and _closes(parts, closing) and any(parts[opening + 1 : closing : 2])):
        parts[opening] = parts[closing] = ""


def _opens(parts: list[str], position: int) -> bool:
    before, after = _neighbours(parts, position)
    # One run that first closes and then opens is read as meant only in the middle of a word.
    if _follows_closer(parts, position) and not (before.isalnum() and after.isalnum()):
        return False
    return not _is_space(after) and (not _is_punctuation(after) or _is_space(before) or _is_punctuation(before))


def _closes(parts: list[str], position: int) -> bool:
    before, after = _neighbours(parts, position)
    return not _is_space(before) and (not _is_punctuation(before) or _is_space(after) or _is_punctuation(after))


def _follows_closer(parts: list[str], position: int) -> bool:
    while position >= 2 and not parts[position - 1]:
        position -= 2
        if parts[position] and parts[position] not in _CLOSERS:
            return True
    return False


def _neighbours(parts: list[str], position: int) -> tuple[str, str]:
    """The characters beside the run of delimiters that the mark stands in; of two kinds beside each other, one
    is punctuation to the other."""
    star = parts[position] not in {STRIKE, STRIKE_END}
    before = position - 1
    while before > 0 and not parts[before]:
        if parts[before - 1] and (parts[before - 1] not in {STRIKE, STRIKE_END}) != star:
            return "~", _after(parts, position, star)
        before -= 2
    return parts[before][-1:], _after(parts, position, star)


def _after(parts: list[str], position: int, star: bool) -> str:
    after = position + 1
    while after < len(parts) - 1 and not parts[after]:
        if parts[after + 1] and (parts[after + 1] not in {STRIKE, STRIKE_END}) != star:
            return "~"
        after += 2
    return parts[after][:1]


def _is_space(character: str) -> bool:
    return not character or character == BREAK or character.isspace()


def _is_punctuation(character: str) -> bool:
    return bool(character) and not character.isalnum() and unicodedata.category(character)[0] in "PS"
