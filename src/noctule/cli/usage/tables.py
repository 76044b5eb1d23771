"""How the commands of ``noctule usage`` print tables and numbers."""

from collections.abc import Sequence


def table(
    head: tuple[str, ...], rows: Sequence[tuple[str, ...]], left: frozenset[int] | set[int] = frozenset({0})
) -> list[str]:
    """The lines of a table; columns are right-aligned but for those in ``left``."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(row: tuple[str, ...]) -> str:
        cells = (
            f"{cell:<{width}}" if column in left else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    return [line(head), "  ".join("-" * width for width in widths), *(line(row) for row in rows)]


def count(number: int, noun: str) -> str:
    """``"1 minute"``, ``"1,000 bytes"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
