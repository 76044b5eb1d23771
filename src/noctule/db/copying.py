"""Rows from one database into another that has the same schema, table by table, in batches.

Both sides were made by the same migrations, so a column has the same name and storage in both: integers,
texts, blobs, booleans. SQLite keeps a boolean as 0 or 1, PostgreSQL as itself.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

from sqlalchemy import Connection, inspect

VERSION_TABLE = "alembic_version"

_BATCH = 2000
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def tables(connection: Connection) -> list[str]:
    """Every table but the one of the schema's revision, referred ones before those that refer to them."""
    ordered = [name for name, _ in inspect(connection).get_sorted_table_and_fkc_names() if name is not None]
    return [name for name in ordered if name != VERSION_TABLE]


def counts(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """How many rows each of the tables has."""
    return {name: connection.exec_driver_sql(f'SELECT count(*) FROM "{name}"').scalar_one() for name in names}


def from_postgres(source: Connection, target: Connection, names: Sequence[str]) -> None:
    """Add the rows of PostgreSQL's tables to SQLite's, in the two callers' transactions."""
    for table in names:
        columns = _columns(target, table)
        listed = ", ".join(f'"{name}"' for name in columns)
        add = f'INSERT INTO "{table}" ({listed}) VALUES ({", ".join("?" * len(columns))})'
        driver: sqlite3.Connection = target.connection.driver_connection  # type: ignore[assignment]
        source.exec_driver_sql(f'DECLARE rows NO SCROLL CURSOR FOR SELECT {listed} FROM "{table}"')
        while rows := source.exec_driver_sql(f"FETCH {_BATCH} FROM rows").fetchall():
            driver.executemany(add, [tuple(row) for row in rows])
        source.exec_driver_sql("CLOSE rows")


def to_postgres(source: sqlite3.Connection, target: Connection, names: Sequence[str]) -> None:
    """Add the rows of SQLite's tables to PostgreSQL's, and let numbering go on after them."""
    for table in names:
        columns = _columns(target, table)
        booleans = [kind == "boolean" for kind in columns.values()]
        listed = ", ".join(f'"{name}"' for name in columns)
        rows = source.execute(f'SELECT {listed} FROM "{table}"')
        cursor: Any = target.connection.cursor()
        for batch in _batches(rows):
            cursor.execute(f'COPY "{table}" ({listed}) FROM STDIN', stream=BytesIO(_lines(batch, booleans)))
        _number_on(target, table, columns)


def _columns(connection: Connection, table: str) -> dict[str, str]:
    """Names and types of a table's columns, in order."""
    return {
        str(column["name"]): str(column["type"].compile(connection.dialect)).lower()
        for column in inspect(connection).get_columns(table)
    }


def _batches(rows: sqlite3.Cursor) -> Iterator[list[tuple[Any, ...]]]:
    while batch := rows.fetchmany(_BATCH):
        yield batch


def _lines(rows: Sequence[tuple[Any, ...]], booleans: Sequence[bool]) -> bytes:
    """Rows in the text format of COPY: https://www.postgresql.org/docs/15/sql-copy.html"""
    return "".join(
        "\t".join(_text(value, is_boolean) for value, is_boolean in zip(row, booleans, strict=True)) + "\n"
        for row in rows
    ).encode()


def _text(value: object, is_boolean: bool) -> str:
    if value is None:
        return "\\N"
    if is_boolean:
        return "t" if value else "f"
    if isinstance(value, bytes):
        return f"\\\\x{value.hex()}"
    return str(value).translate(_ESCAPES)


def _number_on(connection: Connection, table: str, columns: dict[str, str]) -> None:
    for name in columns:
        find = "SELECT pg_get_serial_sequence(%s, %s)"
        sequence = connection.exec_driver_sql(find, (f'"{table}"', name)).scalar_one()
        if sequence is not None:
            newest = f'SELECT max("{name}") FROM "{table}"'
            connection.exec_driver_sql(f"SELECT setval(%s, ({newest})) WHERE ({newest}) IS NOT NULL", (sequence,))
