"""Tags, and names of the same letters: words by which a workspace tells its sessions and budgets apart."""

import re

MOST_TAGS = 10
TAG_PATTERN = r"[A-Za-z0-9][A-Za-z0-9 ._:=/@+-]{0,63}"
_TAG = re.compile(TAG_PATTERN)


def tag_problem(tag: str, what: str = "a tag") -> str | None:
    """What is wrong with a tag, or with ``what`` else it is, if anything."""
    if _TAG.fullmatch(tag) and tag == tag.rstrip():
        return None
    return (
        f"{what} has 1 to 64 letters, digits, spaces or any of . _ : = / @ + -, begins with a letter or a digit, "
        "and does not end with a space"
    )
