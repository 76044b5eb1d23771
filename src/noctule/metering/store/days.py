"""What was used by day, added up over whatever a reader asks for; sums come from the rollup ``usage_day``.

Nothing here looks at single events: a month of a million of them is as many rows as its sessions had days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, literal, select
from sqlalchemy.dialects import postgresql

from noctule.metering.domain.events import Meter
from noctule.metering.domain.months import Month
from noctule.metering.store.tables import usage_day, usage_month

_BATCH = 5_000


class Dimension(StrEnum):
    """What a month can be broken down by."""

    SESSION = "session"
    AGENT = "agent"
    FUNCTION = "function"
    MODEL = "model"
    KEY = "key"
    DAY = "day"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which part of a month counts; what is ``None`` does not matter."""

    session_id: str | None = None
    api_key_id: str | None = None
    tag: str | None = None
    meter: Meter | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What belongs to one ``key`` of a dimension; the empty key is for all that has none.

    ``sessions`` counts those that used anything; minutes, bytes and tokens are whole numbers.
    """

    key: str
    sessions: int = 0
    events: int = 0
    browser_minutes: int = 0
    proxy_bytes: int = 0
    llm_tokens: int = 0
    function_minutes: int = 0
    browser_nanos: int = 0
    proxy_nanos: int = 0
    llm_nanos: int = 0
    function_nanos: int = 0

    @property
    def total_nanos(self) -> int:
        """What all of it cost."""
        return self.browser_nanos + self.proxy_nanos + self.llm_nanos + self.function_nanos


_COLUMN = {
    Dimension.SESSION: usage_day.c.session_id,
    Dimension.AGENT: usage_day.c.agent_id,
    Dimension.FUNCTION: usage_day.c.function_id,
    Dimension.MODEL: usage_day.c.model,
    Dimension.KEY: usage_day.c.api_key_id,
    Dimension.DAY: usage_day.c.day,
    Dimension.TAG: usage_day.c.tags,
}


def grouped(
    connection: Connection,
    account_id: str,
    month: Month,
    dimension: Dimension,
    filters: Filters,
    *,
    offset: int,
    limit: int,
) -> list[Spent]:
    """The rows of one dimension: days in order, everything else by cost, the largest first, then by key."""
    by = _COLUMN[dimension]
    # Byte by byte, as SQLite does: what costs the same stands in the same order on every database.
    key = by.collate("C") if connection.dialect.name == "postgresql" else by
    order = [key] if dimension is Dimension.DAY else [func.sum(usage_day.c.cost_nanos).desc(), key]
    query = _sums(connection, account_id, month, by, filters).order_by(*order).offset(offset).limit(limit)
    return [_spent(row) for row in connection.execute(query)]


def by_tags(connection: Connection, account_id: str, month: Month, filters: Filters) -> Iterator[Spent]:
    """One row for each list of tags, in no order; the key is the list's JSON text. Read in batches."""
    query = _sums(connection, account_id, month, usage_day.c.tags, filters)
    for row in connection.execute(query, execution_options={"yield_per": _BATCH}):
        yield _spent(row)


def total(connection: Connection, account_id: str, month: Month, filters: Filters) -> int:
    """Nano-dollars of the part of a month that counts; of all of it, if nothing is filtered."""
    if filters == Filters():
        columns = usage_month.c
        costs = columns.browser_nanos + columns.proxy_nanos + columns.llm_nanos + columns.function_nanos
        query = select(costs).where(columns.account_id == account_id, columns.month == month.key)
    else:
        query = select(func.sum(usage_day.c.cost_nanos)).where(
            *_conditions(connection.dialect.name, account_id, month, filters)
        )
    return int(connection.execute(query).scalar_one_or_none() or 0)


def _sums(
    connection: Connection, account_id: str, month: Month, by: ColumnElement[str], filters: Filters
) -> Select[Any]:
    columns = usage_day.c

    def of(meter: Meter, figure: ColumnElement[int]) -> ColumnElement[int]:
        return func.sum(case((columns.meter == meter.value, figure), else_=0))

    meters = (Meter.BROWSER, Meter.PROXY, Meter.LLM, Meter.FUNCTION)
    figures: list[ColumnElement[Any]] = [
        func.count(func.nullif(columns.session_id, "").distinct()),
        func.sum(columns.events),
        *(of(meter, columns.quantity) for meter in meters),
        *(of(meter, columns.cost_nanos) for meter in meters),
    ]
    conditions = _conditions(connection.dialect.name, account_id, month, filters)
    return select(*[by, *figures]).where(*conditions).group_by(by)


def _conditions(dialect: str, account_id: str, month: Month, filters: Filters) -> Iterator[ColumnElement[bool]]:
    columns = usage_day.c
    yield columns.account_id == account_id
    yield and_(columns.day >= f"{month.key}-01", columns.day <= f"{month.key}-31")
    if filters.session_id is not None:
        yield columns.session_id == filters.session_id
    if filters.api_key_id is not None:
        yield columns.api_key_id == filters.api_key_id
    if filters.meter is not None:
        yield columns.meter == filters.meter.value
    if filters.tag is not None:
        yield _has_tag(dialect, filters.tag)


def _has_tag(dialect: str, tag: str) -> ColumnElement[bool]:
    if dialect == "sqlite":
        each = func.json_each(usage_day.c.tags).table_valued("value")
    else:
        each = func.json_array_elements_text(usage_day.c.tags.cast(postgresql.JSON)).table_valued("value")
    return exists(select(literal(1)).select_from(each).where(each.c.value == tag))


def _spent(row: tuple[object, ...]) -> Spent:
    # PostgreSQL adds big integers up to numerics, which arrive as decimals.
    key, *figures = row
    return Spent(str(key), *(int(str(figure)) for figure in figures))
