"""Statements that every tick asks: compiled once, their rows as the driver gives them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Dialect, Select, type_coerce

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=4096)
def instant(stored: int) -> datetime:
    """The instant of a stored integer. Accounts share most of theirs: a month's ends, the last tick."""
    return _EPOCH + timedelta(microseconds=stored)


def stored(column: ColumnElement[datetime]) -> ColumnElement[int]:
    """An instant as the integer that is stored."""
    return type_coerce(column, BigInteger)


def quick(
    connection: Connection, make: Callable[[str], Select[Any]], parameters: tuple[object, ...] = ()
) -> Iterator[Any]:
    """Rows of a statement that ``make`` writes for a dialect, with its parameters in the order in which they stand."""
    return iter(connection.exec_driver_sql(_compiled(make, connection.dialect), parameters))


@cache
def _compiled(make: Callable[[str], Select[Any]], dialect: Dialect) -> str:
    return str(make(dialect.name).compile(dialect=dialect))
