"""The unit of work: ``await database.write(step)`` runs one step of a use case in one transaction.

A step is a plain function of a SQLAlchemy ``Connection``; it runs on a database thread, never on the
event loop, and must not wait for anything but SQL. What it returns arrives only after the commit: an
acknowledged write is a durable one.

On SQLite there is one writer thread with **group commit**: steps that wait at the same time share one
transaction, each in a savepoint of its own, so they share one fsync and still fail alone. On PostgreSQL
every step has a connection and a transaction of its own.

Whatever the database does, every step gets an answer, the thread goes on to the next one, and a connection
that met a fault is not used again. Only so many steps may wait, each only so long; what does not get its
turn is refused, and was not begun.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from noctule.db import faults
from noctule.db.connect import (
    POSTGRES_CONNECTIONS,
    SQLITE_READERS,
    backend,
    postgres_engine,
    sqlite_engine,
)
from noctule.kit.errors import Unavailable

T = TypeVar("T")
Step = Callable[[Connection], T]
_Waiting = tuple[Step[Any], Future[Any]]

_GROUP_LIMIT = 64
_WAITING_LIMIT = 2000
_WAITING_SECONDS = 20.0
_BEHIND = "The database does not keep up right now; nothing was changed."


class Database:
    """One open database. ``url`` is ``sqlite:///path`` or ``postgresql://user:password@host:port/name``.

    At most ``waiting_limit`` steps of a kind (reads, writes) wait for their turn, and each at most
    ``waiting_seconds``. ``patient`` is for the command line: a statement may take its time. ``engine`` is for
    what is not a step, such as a migration, and patient always. Raises ``ValueError`` or SQLAlchemy's
    ``ArgumentError`` for any other URL.
    """

    def __init__(
        self,
        url: str,
        *,
        patient: bool = False,
        waiting_limit: int = _WAITING_LIMIT,
        waiting_seconds: float = _WAITING_SECONDS,
    ) -> None:
        self.is_sqlite = backend(url) == "sqlite"
        self.engine = sqlite_engine(url) if self.is_sqlite else postgres_engine(url, patient=True)
        self._engine = self.engine if self.is_sqlite or patient else postgres_engine(url)
        self._waiting_seconds = waiting_seconds
        self._pool = _Pool(self._engine, SQLITE_READERS if self.is_sqlite else POSTGRES_CONNECTIONS, waiting_limit)
        self._writer = _GroupWriter(self.engine, waiting_limit) if self.is_sqlite else None

    async def read(self, step: Step[T]) -> T:
        """Run a step that only reads, against one consistent snapshot.

        Raises ``Unavailable`` if the database cannot be reached, or not in time.
        """
        return await self._answer(self._pool.submit(step, False))

    async def write(self, step: Step[T]) -> T:
        """Run a step in one transaction and commit it; an exception rolls back this step alone.

        Raises ``Unavailable`` if the database cannot be reached, not in time, or cannot take the change.
        """
        return await self._answer(self.submit(step))

    def submit(self, step: Step[T]) -> "Future[T]":
        """``write`` for code without an event loop: the future resolves after the commit.

        Raises ``Unavailable`` if too many wait already.
        """
        if self._writer is not None:
            return self._writer.submit(step)
        return self._pool.submit(step, True)

    def close(self) -> None:
        """Finish what was submitted, then give every connection back."""
        if self._writer is not None:
            self._writer.close()
        self._pool.close()
        self._engine.dispose()
        self.engine.dispose()

    async def _answer(self, future: "Future[T]") -> T:
        # A step that was begun is waited for, or nobody would know what became of it: its own time is bounded
        # by the database's time-outs. One that was not can still be taken back.
        taken_back = False

        def take_back() -> None:
            nonlocal taken_back
            taken_back = future.cancel()

        timer = asyncio.get_running_loop().call_later(self._waiting_seconds, take_back)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if taken_back:
                raise Unavailable(_BEHIND) from None
            raise
        finally:
            timer.cancel()


def lock_row(connection: Connection) -> bool:
    """Whether a ``SELECT`` that must serialise with others has to say ``FOR UPDATE`` here.

    SQLite needs no row locks: its write transactions are exclusive from ``BEGIN IMMEDIATE`` on.
    """
    return connection.dialect.name != "sqlite"


class _Pool:
    """Threads that each run one step in a transaction of its own."""

    def __init__(self, engine: Engine, threads: int, limit: int) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="db")
        self._room = limit + threads
        self._lock = Lock()

    def submit(self, step: Step[T], writes: bool) -> "Future[T]":
        with self._lock:
            if self._room == 0:
                raise Unavailable(_BEHIND)
            self._room -= 1
        future = self._threads.submit(_transaction, self._engine, step, writes)
        future.add_done_callback(self._leave)
        return future

    def close(self) -> None:
        self._threads.shutdown(wait=True)

    def _leave(self, _: "Future[Any]") -> None:
        with self._lock:
            self._room += 1


def _transaction(engine: Engine, step: Step[T], writes: bool) -> T:
    is_committing = False
    try:
        with engine.connect() as connection:
            connection.info["writes"] = writes
            try:
                with connection.begin():
                    result = step(connection)
                    is_committing = writes
                return result
            except (SQLAlchemyError, OSError) as error:
                if faults.breaks(error):
                    connection.invalidate(error)
                else:
                    is_committing = False
                raise
    except (SQLAlchemyError, OSError) as error:
        raise faults.translated(error, in_doubt=is_committing and engine.dialect.name != "sqlite") from error


class _GroupWriter:
    """The one thread that writes to SQLite."""

    def __init__(self, engine: Engine, limit: int) -> None:
        self._engine = engine
        self._limit = limit
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="db-writer", daemon=True)
        self._thread.start()

    def submit(self, step: Step[T]) -> "Future[T]":
        if self._queue.qsize() >= self._limit:
            raise Unavailable(_BEHIND)
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
            while group:
                group = self._commit(group)
            if closing:
                return

    def _commit(self, group: list[_Waiting]) -> list[_Waiting]:
        """Run the steps in one transaction and resolve their futures; answers those that were not begun."""
        begun: list[Future[Any]] = []
        done: list[tuple[Future[Any], Any]] = []
        try:
            with self._engine.connect() as connection:
                connection.info["writes"] = True
                try:
                    with connection.begin():
                        is_faulty = _run(connection, group, begun, done)
                except BaseException as error:
                    connection.invalidate(error)
                    raise
                if is_faulty:
                    connection.invalidate()
        except Exception as error:
            # Nothing of this group is kept. A transaction that did not even begin is everybody's failure.
            failure = faults.translated(error)
            failed = begun or [future for _, future in group if future.set_running_or_notify_cancel()]
            for future in failed:
                if not future.done():
                    future.set_exception(failure)
            return group[len(begun) :] if begun else []
        for future, result in done:
            future.set_result(result)
        return []


def _run(
    connection: Connection, group: list[_Waiting], begun: list[Future[Any]], done: list[tuple[Future[Any], Any]]
) -> bool:
    """Run each step in a savepoint; answers whether the connection met a fault that it survived."""
    is_faulty = False
    for step, future in group:
        begun.append(future)
        if not future.set_running_or_notify_cancel():
            continue
        try:
            with connection.begin_nested():
                result = step(connection)
            done.append((future, result))
        except SQLAlchemyError as error:
            future.set_exception(faults.translated(error))
            is_faulty = is_faulty or faults.breaks(error)
            if not _is_open(connection):
                # Some faults (a full disk, say) roll the whole transaction back, savepoints and all: what came
                # before in this group is undone as well.
                raise
        except Exception as error:
            future.set_exception(error)
    return is_faulty


def _is_open(connection: Connection) -> bool:
    return bool(getattr(connection.connection.driver_connection, "in_transaction", False))
