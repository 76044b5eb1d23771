"""Steps of a unit of work for tests without an event loop."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from noctule.db.engine import Database

P = ParamSpec("P")
T = TypeVar("T")


def submit(
    database: Database, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> "Future[T]":
    """``write`` behind the caller's back, at the same time as others where the database can do that."""
    return database.submit(lambda connection: step(connection, *args, **kwargs))


def write(database: Database, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``step(connection, ...)`` in a transaction of its own and commit it."""
    return submit(database, step, *args, **kwargs).result(timeout=60)


def read(database: Database, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``step(connection, ...)`` against one snapshot."""
    with database.engine.connect() as connection:
        connection.info["writes"] = False
        with connection.begin():
            return step(connection, *args, **kwargs)
