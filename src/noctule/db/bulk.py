"""Many rows in one statement, alike on both databases.

SQLite takes a prepared statement over a list of tuples, in process. PostgreSQL gets the rows as one JSON
parameter, since its driver would make a round trip for each row. Values are those of the columns' storage:
integers, texts, nulls.
"""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import JSON, ColumnElement, Connection, Dialect, Table, Text, bindparam, cast, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

Row = tuple[Any, ...]

_POSTGRES: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """An instant as ``db.schema.Instant`` stores it."""
    return (at - _EPOCH) // _MICROSECOND


def insert(connection: Connection, table: Table, rows: Sequence[Row], columns: tuple[str, ...] = ()) -> None:
    """Add rows; each has a value for every one of ``columns`` (of all, if none are named), in order."""
    names = columns or _names(table)
    _run(connection, _insert(table, connection.dialect.name, names), names, rows)


def add_to(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Add rows, or add their figures to those of the rows with the same primary key."""
    _run(connection, _upsert(table, connection.dialect.name, "+"), _names(table), rows)


def put(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Add rows, or replace the rows with the same primary key."""
    _run(connection, _upsert(table, connection.dialect.name, "="), _names(table), rows)


def update(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    where: tuple[str, ...],
    rows: Sequence[Row],
    *,
    also: str = "TRUE",
) -> int:
    """Set ``columns`` of existing rows; a row has the new values, and then those that find it, which are in
    the columns ``where``; ``also`` is one more condition, in SQL. Answers how many rows were found.
    """
    names = columns + tuple(f"{name}_was" if name in columns else name for name in where)
    return _run(connection, _update(table, connection.dialect.name, columns, where, also), names, rows)


def among(dialect: str, column: ColumnElement[str]) -> ColumnElement[bool]:
    """``column IN`` the values that ``listed`` makes a parameter of: one, however many values there are."""
    if dialect == "sqlite":
        each = func.json_each(bindparam("listed")).table_valued("value")
    else:
        each = func.json_array_elements_text(cast(bindparam("listed", type_=Text), JSON)).table_valued("value")
    return column.in_(select(each.c.value))


def listed(values: Sequence[str]) -> dict[str, str]:
    """The parameter of a statement with ``among``."""
    return {"listed": msgspec.json.encode(list(values)).decode()}


def _run(connection: Connection, sql: str, names: tuple[str, ...], rows: Sequence[Row]) -> int:
    if not rows:
        return 0
    if connection.dialect.name == "sqlite":
        return _many(connection, sql, rows)
    document = msgspec.json.encode([dict(zip(names, row, strict=True)) for row in rows]).decode()
    return connection.exec_driver_sql(sql, (document,)).rowcount


def _many(connection: Connection, sql: str, rows: Sequence[Row]) -> int:
    # Straight to the driver: SQLAlchemy's own bookkeeping costs as much as twenty rows.
    try:
        return int(connection.connection.cursor().executemany(sql, rows).rowcount)
    except sqlite3.Error as error:
        raise DBAPIError.instance(sql, None, error, sqlite3.Error, dialect=connection.dialect) from error


def _names(table: Table) -> tuple[str, ...]:
    # Plain strings: the names of columns are of a subclass that is not welcome as a key.
    return tuple(str(column.name) for column in table.columns)


@cache
def _insert(table: Table, dialect: str, names: tuple[str, ...]) -> str:
    listed = ", ".join(names)
    if dialect == "sqlite":
        return f"INSERT INTO {table.name} ({listed}) VALUES ({', '.join('?' * len(names))})"
    return f"INSERT INTO {table.name} ({listed}) SELECT {listed} FROM {_recordset(table)}"


@cache
def _upsert(table: Table, dialect: str, how: str) -> str:
    keys = [column.name for column in table.primary_key]
    others = [name for name in _names(table) if name not in keys]
    old = f"{table.name}." if how == "+" else None
    changes = ", ".join(f"{name} = {f'{old}{name} + ' if old else ''}excluded.{name}" for name in others)
    return f"{_insert(table, dialect, _names(table))} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"


@cache
def _update(table: Table, dialect: str, columns: tuple[str, ...], where: tuple[str, ...], also: str) -> str:
    if dialect == "sqlite":
        changes = ", ".join(f"{name} = ?" for name in columns)
        return f"UPDATE {table.name} SET {changes} WHERE {' AND '.join(f'{name} = ?' for name in where)} AND {also}"
    new = {name: f"{name}_was" if name in columns else name for name in where}
    types = {str(column.name): column.type.compile(_POSTGRES) for column in table.columns}
    fields = {name: types[name] for name in columns} | {alias: types[name] for name, alias in new.items()}
    record = ", ".join(f"{name} {kind}" for name, kind in fields.items())
    changes = ", ".join(f"{name} = new.{name}" for name in columns)
    found = " AND ".join(f"{table.name}.{name} = new.{alias}" for name, alias in new.items())
    return (
        f"UPDATE {table.name} SET {changes} "
        f"FROM json_to_recordset(CAST(%s AS json)) AS new({record}) WHERE {found} AND {also}"
    )


def _recordset(table: Table) -> str:
    return f"json_populate_recordset(NULL::{table.name}, CAST(%s AS json))"
