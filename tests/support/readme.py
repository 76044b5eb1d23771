"""The code blocks of README.md, so that the end-to-end tests can run them as they are printed.

A block that must run is fenced with its language and a name: ```` ```python title="session-sdk" ````.
"""

import re
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"

_FENCE = re.compile(
    r'^```(?P<lang>[a-z]+)(?: title="(?P<name>[a-z0-9-]+)")?\n(?P<code>.*?)^```$', re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; ``name`` is empty where none was given."""

    lang: str
    name: str
    code: str


def all_blocks(text: str | None = None) -> list[Block]:
    """Every block of the README (or of ``text``), in order."""
    source = README.read_text() if text is None else text
    return [Block(match["lang"], match["name"] or "", match["code"]) for match in _FENCE.finditer(source)]


def blocks(lang: str) -> list[str]:
    """The code of every block in that language, in order."""
    return [block.code for block in all_blocks() if block.lang == lang]


def block(name: str) -> str:
    """The code of the block of that name. Raises ``KeyError`` if there is none."""
    for each in all_blocks():
        if each.name == name:
            return each.code
    raise KeyError(f"README.md has no block named {name!r}")
