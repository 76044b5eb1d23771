"""The unit of work: ``await database.write(step)`` runs one step of a use case in one transaction.

A step is a plain function of a SQLAlchemy ``Connection``; it runs on a database thread, never on the
event loop, and must not wait for anything but SQL. What it returns arrives only after the commit: an
acknowledged write is a durable one.

On SQLite there is one writer thread with **group commit**: steps that wait at the same time share one
transaction, each in a savepoint of its own, so they share one fsync and still fail alone. On PostgreSQL
every step has a connection and a transaction of its own.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import SingletonThreadPool

from noctule.kit.errors import Unavailable

T = TypeVar("T")
Step = Callable[[Connection], T]

_BUSY_TIMEOUT_MS = 10_000
_GROUP_LIMIT = 64
_READERS = 4
_POSTGRES_CONNECTIONS = 10


class Database:
    """One open database. ``url`` is ``sqlite:///path`` or ``postgresql://user:password@host:port/name``.

    Raises ``ValueError`` or SQLAlchemy's ``ArgumentError`` for any other URL.
    """

    def __init__(self, url: str) -> None:
        backend = make_url(url).get_backend_name()
        if backend not in ("sqlite", "postgresql"):
            raise ValueError(f"a database URL begins with postgresql:// or sqlite:///, not with {backend}://")
        self.is_sqlite = backend == "sqlite"
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgres_engine(url)
        workers = _READERS if self.is_sqlite else _POSTGRES_CONNECTIONS
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="db")
        self._writer = _GroupWriter(self.engine) if self.is_sqlite else None

    async def read(self, step: Step[T]) -> T:
        """Run a step that only reads, against one consistent snapshot.

        Raises ``Unavailable`` if the database cannot be reached.
        """
        return await asyncio.wrap_future(self._pool.submit(_transaction, self.engine, step, False))

    async def write(self, step: Step[T]) -> T:
        """Run a step in one transaction and commit it; an exception rolls back this step alone.

        Raises ``Unavailable`` if the database cannot be reached.
        """
        return await asyncio.wrap_future(self.submit(step))

    def submit(self, step: Step[T]) -> "Future[T]":
        """``write`` for code without an event loop: the future resolves after the commit."""
        if self._writer is not None:
            return self._writer.submit(step)
        return self._pool.submit(_transaction, self.engine, step, True)

    def close(self) -> None:
        """Finish what was submitted, then give every connection back."""
        if self._writer is not None:
            self._writer.close()
        self._pool.shutdown(wait=True)
        self.engine.dispose()


def lock_row(connection: Connection) -> bool:
    """Whether a ``SELECT`` that must serialise with others has to say ``FOR UPDATE`` here.

    SQLite needs no row locks: its write transactions are exclusive from ``BEGIN IMMEDIATE`` on.
    """
    return connection.dialect.name != "sqlite"


def _transaction(engine: Engine, step: Step[T], writes: bool) -> T:
    try:
        with engine.connect() as connection:
            connection.info["writes"] = writes
            if not writes and connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                return step(connection)
    except DBAPIError as error:
        raise _translated(error) from error


def _translated(error: DBAPIError) -> Exception:
    if error.connection_invalidated or isinstance(error, OperationalError | InterfaceError):
        return Unavailable("The database is not available right now; nothing was changed.")
    return error


class _GroupWriter:
    """The one thread that writes to SQLite."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: SimpleQueue[tuple[Step[Any], Future[Any]] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="db-writer", daemon=True)
        self._thread.start()

    def submit(self, step: Step[T]) -> "Future[T]":
        future: Future[T] = Future()
        self._queue.put((step, future))
        return future

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            closing = False
            while len(group) < _GROUP_LIMIT and not self._queue.empty():
                item = self._queue.get()
                if item is None:
                    closing = True
                    break
                group.append(item)
            self._commit(group)
            if closing:
                return

    def _commit(self, group: list[tuple[Step[Any], "Future[Any]"]]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        try:
            with self._engine.connect() as connection:
                connection.info["writes"] = True
                with connection.begin():
                    for step, future in group:
                        if not future.set_running_or_notify_cancel():
                            continue
                        try:
                            with connection.begin_nested():
                                done.append((future, step(connection)))
                        except DBAPIError as error:
                            future.set_exception(_translated(error))
                        except Exception as error:
                            future.set_exception(error)
        except DBAPIError as error:
            failure = _translated(error)
            for _, future in group:
                if future.running() or future.set_running_or_notify_cancel():
                    future.set_exception(failure)
            return
        for future, result in done:
            future.set_result(result)


def _sqlite_engine(url: str) -> Engine:
    path = make_url(url).database
    if not path or path == ":memory:":
        raise ValueError("an in-memory database cannot be shared between threads; name a file")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, poolclass=SingletonThreadPool, pool_size=_READERS + 4, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own transaction control would begin too late; ``begin`` below says BEGIN itself.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.info.get("writes", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres_engine(url: str) -> Engine:
    return create_engine(
        make_url(url).set(drivername="postgresql+pg8000"),
        pool_size=_POSTGRES_CONNECTIONS,
        max_overflow=2,
        pool_pre_ping=True,
        pool_timeout=10,
        hide_parameters=True,
        connect_args={"timeout": 10},
    )
