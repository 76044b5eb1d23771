"""Blocks become lines: what holds a block (an item, a quote) is a prefix of its lines.

What must always hold: at most one blank line between two blocks, none at the ends; an item or a quote without
content leaves nothing behind; prefixes nest only so deep, so that a line is never mostly prefix.
"""

from collections.abc import Iterator
from contextlib import contextmanager

MAX_NESTING = 16


class Writer:
    """Lines of markdown. ``last`` is the kind of the block before, "" at the start of an item or a quote."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._prefix = ""
        # While nothing of an item has been written: its first line's prefix, and the blank line before it.
        self._first: str | None = None
        self._gap: str | None = None
        self._in_item = False
        self._depth = 0
        self.last = ""

    @property
    def is_full(self) -> bool:
        """Whether nothing may be nested any deeper."""
        return self._depth >= MAX_NESTING

    @property
    def starts_item(self) -> bool:
        """Whether the next block stands behind an item's marker."""
        return self._first is not None

    def block(self, kind: str, text: str) -> None:
        """One block of one or more lines."""
        first = self._open()
        if "\n" not in text:
            self._lines.append(first + text)
        else:
            head, *rest = text.split("\n")
            prefix, empty = self._prefix, self._prefix.rstrip()
            self._lines.append(first + head)
            self._lines.extend(prefix + line if line else empty for line in rest)
        self.last = kind

    @contextmanager
    def inside(
        self, kind: str, marker: str, prefix: str, *, interrupts: bool = True, keep_empty: bool = False
    ) -> Iterator[None]:
        """Blocks behind ``marker`` on the first line and ``prefix`` on the others.

        Kinds that begin with "list" are items, and stand beside items of the same kind without a blank line, as
        they do under the paragraph of their own item unless they cannot interrupt one.
        """
        before, outer = self._first, (self._prefix, self._in_item, self.last)
        is_item = kind.startswith("list")
        if before is None:
            tight = is_item and (self.last == kind or (self._in_item and self.last == "paragraph" and interrupts))
            self._gap = self._prefix.rstrip() if self.last and not tight else None
        self._first = (self._prefix if before is None else before) + marker
        self._prefix += prefix
        self._in_item = is_item
        self.last = ""
        self._depth += 1
        yield
        self._depth -= 1
        if keep_empty and self._first is not None:
            self._lines.append(self._open().rstrip())
        written = self._first is None
        self._prefix, self._in_item, self.last = outer
        if written:
            self.last = kind
        else:
            self._first = before

    @contextmanager
    def continued(self, prefix: str) -> Iterator[None]:
        """More blocks of the item that has just ended, right below it."""
        outer = (self._prefix, self._in_item, self.last)
        self._prefix += prefix
        self._in_item, self.last = True, "paragraph"
        self._depth += 1
        yield
        self._depth -= 1
        self._prefix, self._in_item, self.last = outer

    def text(self) -> str:
        """All that was written."""
        return "\n".join(self._lines)

    def _open(self) -> str:
        if self._first is None:
            if self.last:
                self._lines.append(self._prefix.rstrip())
            return self._prefix
        if self._gap is not None:
            self._lines.append(self._gap)
            self._gap = None
        first, self._first = self._first, None
        return first
