"""Pages of a list: 1-based, newest first, with the contract's envelope fields."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which page of a list is wanted; ``page`` counts from 1, ``page_size`` is 1..100."""

    page: int = 1
    page_size: int = 10

    @property
    def offset(self) -> int:
        """Rows to skip."""
        return (self.page - 1) * self.page_size

    @property
    def fetch(self) -> int:
        """Rows to read: one more than a page, which tells whether another page follows."""
        return self.page_size + 1


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of things."""

    items: tuple[T, ...]
    page: int
    page_size: int
    has_next: bool

    @property
    def has_previous(self) -> bool:
        """Whether a page stands before this one."""
        return self.page > 1

    @classmethod
    def of(cls, rows: Sequence[T], query: PageQuery) -> "Page[T]":
        """A page from ``query.fetch`` rows read at ``query.offset``."""
        return cls(
            items=tuple(rows[: query.page_size]),
            page=query.page,
            page_size=query.page_size,
            has_next=len(rows) > query.page_size,
        )
