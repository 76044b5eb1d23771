"""What a failing database means to whoever asked: away for now, or a mistake in a statement.

A failure that passes (no disk space, read-only, cut off, restarted, too slow) becomes ``Unavailable`` with
the reason in plain words. It promises that nothing was changed; only a PostgreSQL that went away during the
commit itself leaves that open, and then the message says so. Anything else is a mistake of ours and stays
what it is.
"""

import logging
import sqlite3
import time
from threading import Lock

from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from noctule.kit.errors import Unavailable

log = logging.getLogger(__name__)

_NOTHING_CHANGED = "nothing was changed"
_IN_DOUBT = "it is not known whether the change was made"
_AWAY = "The database is not available right now"
_FULL = "The database has no disk space left"
_READ_ONLY = "The database is read-only right now"
_DAMAGED = "The database is damaged (`noctule db check` says more)"
_SLOW = "The database took too long"
_DISK = "The disk of the database answers with errors"

# Primary result codes: https://www.sqlite.org/rescode.html
_SQLITE = {
    # A missing table, mostly: another database lies where ours was.
    sqlite3.SQLITE_ERROR: _AWAY,
    sqlite3.SQLITE_BUSY: "The database is held by another program",
    sqlite3.SQLITE_LOCKED: "The database is held by another program",
    sqlite3.SQLITE_NOMEM: _AWAY,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_INTERRUPT: _AWAY,
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_CANTOPEN: _AWAY,
    sqlite3.SQLITE_PROTOCOL: _AWAY,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}

# SQLSTATE, whole or by its class: https://www.postgresql.org/docs/15/errcodes-appendix.html
_POSTGRES = {
    "25006": _READ_ONLY,
    "25P03": _SLOW,
    "53100": _FULL,
    "55P03": _SLOW,
    "57014": _SLOW,
    "08": _AWAY,
    "28": _AWAY,
    "3D": _AWAY,
    "40": _AWAY,
    "53": _AWAY,
    "57": _AWAY,
    "58": _DISK,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}
# After these the server has closed the connection, or is about to.
_ENDS_CONNECTION = ("08", "25P03", "57P", "58")

_COMPLAIN_EVERY_SECONDS = 10.0
_complaints: dict[str, float] = {}
_complaining = Lock()


def translated(error: Exception, *, in_doubt: bool = False) -> Exception:
    """What the caller gets instead of a driver's error; the error itself if the database is not at fault.

    ``in_doubt``: the connection broke while the commit was under way.
    """
    reason = _reason(error)
    if reason is None:
        return error
    _complain(reason, error)
    return Unavailable(f"{reason}; {_IN_DOUBT if in_doubt else _NOTHING_CHANGED}.")


def breaks(error: BaseException) -> bool:
    """Whether the connection that met this error is of no use any more."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated or isinstance(error, InterfaceError):
            return True
        if isinstance(error.orig, sqlite3.Error):
            # A new connection is cheap, and finds a file that was replaced or made writable again.
            return _reason(error) is not None
        return _sqlstate(error).startswith(_ENDS_CONNECTION)
    return isinstance(error, OSError)


def _reason(error: Exception) -> str | None:
    if isinstance(error, PoolTimeoutError | TimeoutError):
        return _SLOW
    if isinstance(error, OSError):
        return _AWAY
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        # Without a code it is an error of our own: the file is gone.
        return _SQLITE.get(getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_CANTOPEN) & 0xFF)
    state = _sqlstate(error)
    if found := _POSTGRES.get(state) or _POSTGRES.get(state[:2]):
        return found
    return _AWAY if error.connection_invalidated or isinstance(error, InterfaceError) else None


def _sqlstate(error: DBAPIError) -> str:
    # pg8000 gives the fields of the server's ErrorResponse; "C" is the code.
    details = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return str(details.get("C", "")) if isinstance(details, dict) else ""


def _complain(reason: str, error: Exception) -> None:
    """One line in the log for each reason, and not one for each of a thousand callers."""
    now = time.monotonic()
    with _complaining:
        if now - _complaints.get(reason, -_COMPLAIN_EVERY_SECONDS) < _COMPLAIN_EVERY_SECONDS:
            return
        _complaints[reason] = now
    # The driver's own words; SQLAlchemy's would add the statement.
    log.error("%s: %s", reason, getattr(error, "orig", None) or error)
