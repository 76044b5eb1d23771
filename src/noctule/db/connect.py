"""How a connection to either database is made, and what bounds every wait on it.

SQLite: WAL, every commit flushed to the disk, at most ten seconds of waiting for another program's lock.

PostgreSQL: nothing waits without an end. The server itself ends statements, waits for locks and forgotten
transactions; a peer that vanished is noticed by the network's own time-outs; and a server that has stopped
without a word by the socket's, which is longer than all the server's, so that it has given up before we do.

Every connection to PostgreSQL holds a shared lock for as long as it lives: that is how ``db.restore`` knows
that nobody is at work. On SQLite the open file itself is such a lock.
"""

import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, SingletonThreadPool

SQLITE_READERS = 4
POSTGRES_CONNECTIONS = 10
# "noctule", as a number of 64 bits: the advisory lock of whoever works on the database.
AT_WORK = 0x6E6F6374756C65

_DRIVER = "postgresql+pg8000"
_BUSY_TIMEOUT_MS = 10_000
_CONNECT_SECONDS = 10.0
_LOCK_SECONDS = 10
_STATEMENT_SECONDS = 30
_IDLE_IN_TRANSACTION_SECONDS = 60
_SOCKET_SECONDS = 40.0
_UNANSWERED_SECONDS = 15
_KEEPALIVE_IDLE_SECONDS = 30
_KEEPALIVE_EVERY_SECONDS = 5
_KEEPALIVE_COUNT = 3


def backend(url: str) -> str:
    """``sqlite`` or ``postgresql``. Raises ``ValueError`` or SQLAlchemy's ``ArgumentError`` for any other URL."""
    name = make_url(url).get_backend_name()
    if name not in ("sqlite", "postgresql"):
        raise ValueError(f"a database URL begins with postgresql:// or sqlite:///, not with {name}://")
    return name


def sqlite_path(url: str) -> Path:
    """The file of a SQLite URL. Raises ``ValueError`` for a database in memory."""
    path = make_url(url).database
    if not path or path == ":memory:":
        raise ValueError("an in-memory database cannot be shared between threads; name a file")
    return Path(path)


def sqlite_engine(url: str) -> Engine:
    """The server's engine on a file, which is made if there is none, and must stay there then.

    A file that lost its name could be written on for days, and nobody would find it again: so every write
    looks whether the name still leads to the file that it is about to change.
    """
    path = sqlite_path(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
    engine = create_engine(url, poolclass=SingletonThreadPool, pool_size=SQLITE_READERS + 4, hide_parameters=True)

    @event.listens_for(engine, "do_connect")
    def _connect(*_: object) -> None:
        if not path.exists():
            raise sqlite3.OperationalError(f"{path} is gone")

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        # The driver's own transaction control would begin too late; ``begin`` below says BEGIN itself.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        record.info["file"] = _identity(path)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not connection.info.get("writes", True):
            connection.exec_driver_sql("BEGIN")
            return
        if connection.info["file"] != _identity(path):
            raise FileNotFoundError(f"{path} is not the file any more that was opened")
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def postgres_engine(url: str, *, patient: bool = False) -> Engine:
    """The server's engine, with a bound on every wait; ``patient``: statements may take their time."""
    engine = create_engine(
        make_url(url).set(drivername=_DRIVER),
        pool_size=POSTGRES_CONNECTIONS,
        max_overflow=2,
        pool_pre_ping=True,
        pool_timeout=_CONNECT_SECONDS,
        hide_parameters=True,
    )
    limits = {
        "statement_timeout": f"{_STATEMENT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{_IDLE_IN_TRANSACTION_SECONDS}s",
    }
    _dial(engine, None if patient else _SOCKET_SECONDS, {} if patient else limits)
    _show_presence(engine)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not connection.info.get("writes", True):
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

    return engine


def work_engine(url: str, *, alone: bool = False) -> Engine:
    """A patient engine on PostgreSQL for one piece of work of the command line.

    ``alone`` leaves the lock of those at work to the caller.
    """
    engine = create_engine(make_url(url).set(drivername=_DRIVER), poolclass=NullPool, hide_parameters=True)
    _dial(engine, None, {})
    if not alone:
        _show_presence(engine)
    return engine


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one instant of a database and changes nothing."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        # Never committed: even that fails on a damaged file, and would hide what was found.
        transaction = connection.begin()
        try:
            yield connection
        finally:
            transaction.rollback()


def _dial(engine: Engine, socket_seconds: float | None, limits: dict[str, str]) -> None:
    parameters = {
        "lock_timeout": f"{_LOCK_SECONDS}s",
        "tcp_keepalives_idle": str(_KEEPALIVE_IDLE_SECONDS),
        "tcp_keepalives_interval": str(_KEEPALIVE_EVERY_SECONDS),
        "tcp_keepalives_count": str(_KEEPALIVE_COUNT),
        **limits,
    }

    @event.listens_for(engine, "do_connect")
    def _connect(dialect: Dialect, _record: object, arguments: list[Any], named: dict[str, Any]) -> Any:
        chosen = {"application_name": "noctule", "startup_params": parameters, **named}
        if "unix_sock" in chosen or "sock" in chosen:
            chosen.setdefault("timeout", socket_seconds)
        else:
            chosen["sock"] = _open_socket(dialect, chosen.get("host"), chosen.get("port"), socket_seconds)
        try:
            # The driver's ``connect`` does not hand a socket on; its class takes one.
            return dialect.loaded_dbapi.Connection(*arguments, **chosen)
        except BaseException as error:
            if "sock" in chosen:
                chosen["sock"].close()
            if isinstance(error, OSError):
                raise _interface_error(dialect, f"the connection broke while it was made: {error}") from error
            raise


def _open_socket(dialect: Dialect, host: str | None, port: int | None, socket_seconds: float | None) -> socket.socket:
    address = (host or "localhost", int(port or 5432))
    try:
        link = socket.create_connection(address, _CONNECT_SECONDS)
    except OSError as error:
        where = f"{address[0]}, port {address[1]}"
        raise _interface_error(dialect, f"cannot connect to {where}: {error.strerror or error}") from error
    link.settimeout(socket_seconds)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_SECONDS)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_EVERY_SECONDS)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEPALIVE_COUNT)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNANSWERED_SECONDS * 1000)
    return link


def _interface_error(dialect: Dialect, message: str) -> Exception:
    # The driver's own class, which SQLAlchemy knows how to treat.
    error: Exception = dialect.loaded_dbapi.InterfaceError(message)
    return error


def _show_presence(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SELECT pg_advisory_lock_shared({AT_WORK})")
        connection.commit()
