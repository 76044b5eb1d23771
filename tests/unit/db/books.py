"""A small database with one row of every storage class, and the same read back from anywhere."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, inspect

import noctule.app.running  # noqa: F401  (every store registers its tables)
from noctule.db import bulk, copying
from noctule.db.schema import metadata

AT = datetime(2026, 11, 2, 3, 4, 5, 678901, tzinfo=UTC)
WORKSPACE = "7d3c6a52-0000-4000-8000-000000000001"
SESSION = "7d3c6a52-0000-4000-8000-000000000002"
# More than a batch.
STEPS = 4_500
AWKWARD = "a\tb\nc\rd\\N \\. \"é\" \u2028 😀 \\x00 '%s' ,;"

_SESSION = {
    "id": SESSION,
    "workspace_id": WORKSPACE,
    "key_id": WORKSPACE,
    "instance_id": "i",
    "boot_id": "b",
    "status": "active",
    "created_at": AT,
    "last_accessed_at": AT,
    "error": AWKWARD,
    "idle_timeout_minutes": 3,
    "max_duration_minutes": 15,
    "browser_type": "chromium",
    "headless": True,
    "solve_captchas": False,
    "use_file_storage": False,
    "web_bot_auth": False,
    "proxies": True,
    "request_bytes": 2**62,
    "response_bytes": 0,
}


def fill(connection: Connection) -> None:
    """Put rows in, those that others refer to first."""
    tables = metadata.tables
    connection.execute(insert(tables["workspace"]), {"id": WORKSPACE, "name": "", "created_at": AT})
    connection.execute(insert(tables["session"]), _SESSION)
    steps = [(SESSION, position, "goto", f'{{"n":{position}}}') for position in range(STEPS)]
    bulk.insert(connection, tables["session_step"], steps)
    answer = {"workspace_id": WORKSPACE, "fingerprint": "f", "state": "done", "instance_id": "i", "boot_id": "b"}
    answers: list[dict[str, Any]] = [
        answer | {"key": "blob", "created_at": AT, "answer": bytes(range(256))},
        answer | {"key": "null", "created_at": AT, "answer": None},
    ]
    connection.execute(insert(tables["idempotency"]), answers)
    transaction = {"account_id": WORKSPACE, "booked_at": AT}
    connection.execute(
        insert(tables["ledger_transaction"]),
        [transaction | {"key": "plan:1"}, transaction | {"key": None}, transaction | {"key": "plan:2"}],
    )


def contents(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as its storage has it, booleans as numbers."""
    found = {}
    for table in copying.tables(connection):
        names = sorted(str(column["name"]) for column in inspect(connection).get_columns(table))
        listed = ", ".join(f'"{name}"' for name in names)
        rows = connection.exec_driver_sql(f'SELECT {listed} FROM "{table}"')
        found[table] = sorted(
            (tuple(int(value) if isinstance(value, bool) else value for value in row) for row in rows), key=repr
        )
    return found
