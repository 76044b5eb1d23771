"""Where a month's money went: its cost by session, agent, function, model, key, day or tag.

The rows of every dimension but ``tag`` add up to the month's cost exactly, since what has no key of that
dimension has a row of its own. A use with several tags counts in each of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import msgspec
from sqlalchemy import Connection

from noctule.kit.paging import Page, PageQuery
from noctule.metering.domain.months import Month
from noctule.metering.store import days
from noctule.metering.store.days import Dimension, Filters, Spent

__all__ = ["Breakdown", "Dimension", "Filters", "Spent", "breakdown"]

_FIGURES = tuple(field.name for field in fields(Spent) if field.name != "key")


@dataclass(frozen=True, slots=True)
class Breakdown:
    """One page of a month's rows. The row with the empty key is for what has none of the dimension.

    ``total_nanos`` is the cost of all rows of all pages, each use counted once. ``overlaps``: some uses
    count in more than one row, so the rows add up to more than that.
    """

    month: Month
    dimension: Dimension
    rows: Page[Spent]
    total_nanos: int
    overlaps: bool = False


def breakdown(
    connection: Connection,
    account_id: str,
    month: Month,
    dimension: Dimension,
    query: PageQuery,
    filters: Filters = Filters(),
) -> Breakdown:
    """A month of an account, broken down: days in order, other rows with the largest cost first.

    A month in which nothing was used has no rows.
    """
    total = days.total(connection, account_id, month, filters)
    if dimension is Dimension.TAG:
        rows, overlaps = _by_tag(days.by_tags(connection, account_id, month, filters))
        page = Page.of(rows[query.offset : query.offset + query.fetch], query)
        return Breakdown(month, dimension, page, total, overlaps)
    found = days.grouped(connection, account_id, month, dimension, filters, offset=query.offset, limit=query.fetch)
    return Breakdown(month, dimension, Page.of(found, query), total)


def _by_tag(lists: Iterable[Spent]) -> tuple[list[Spent], bool]:
    figures: dict[str, list[int]] = {}
    overlaps = False
    for spent in lists:
        tags = set(msgspec.json.decode(spent.key, type=list[str])) or {""}
        overlaps = overlaps or len(tags) > 1
        added = [int(getattr(spent, name)) for name in _FIGURES]
        for tag in tags:
            figures[tag] = [a + b for a, b in zip(figures[tag], added, strict=True)] if tag in figures else added
    rows = [Spent(tag, *sums) for tag, sums in figures.items()]
    rows.sort(key=lambda row: (-row.total_nanos, row.key.encode()))
    return rows, overlaps
