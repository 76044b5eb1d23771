"""Secrets of a real server: what was acknowledged is there after a kill, and nowhere in the clear."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Connection, text

from noctule.db.copying import tables
from noctule.db.engine import Database
from tests.support.server import Server
from tests.support.units import read

pytestmark = pytest.mark.slow

HIDDEN = "hidden-thing-of-a-workspace"


@pytest.fixture(params=["sqlite", "postgres"])
def mortal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A running server on each engine, to be killed."""
    environment = {"NOCTULE_WARM_POOL_SIZE": "0", "NOCTULE_LOG_LEVEL": "debug"}
    if request.param == "postgres":
        environment["NOCTULE_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    server = Server(tmp_path / "data", environment)
    try:
        yield server.start()
    finally:
        server.close()


def _store(client: httpx.Client, value: str, idempotency_key: str) -> httpx.Response:
    body = {"namespace": "llm_provider", "name": "OPENAI_API_KEY", "value": value}
    return client.post("/secrets", json=body, headers={"Idempotency-Key": idempotency_key})


def _read(client: httpx.Client) -> httpx.Response:
    return client.get("/secrets/OPENAI_API_KEY", params={"namespace": "llm_provider"})


def test_an_acknowledged_secret_outlives_a_kill_and_is_nowhere_in_the_clear(mortal: Server) -> None:
    with mortal.client() as client:
        first = _store(client, f"{HIDDEN}-1", "first")
        second = _store(client, f"{HIDDEN}-2", "second")
        assert (first.status_code, second.status_code) == (201, 201)
        assert second.json()["id"] == first.json()["id"]
        assert _store(client, f"{HIDDEN}-3\n", "third").status_code == 422
        mortal.kill()
    mortal.start()
    with mortal.client() as client:
        assert _read(client).json() == {"value": f"{HIDDEN}-2"}
        [known] = client.get("/secrets").json()["items"]
        assert (known["id"], known["key_hint"]) == (first.json()["id"], "****ce-2")
        assert known["last_used_at"] is not None
        replayed = _store(client, f"{HIDDEN}-1", "first")
        assert replayed.headers["idempotent-replayed"] == "true"
        assert _read(client).json() == {"value": f"{HIDDEN}-2"}
    assert mortal.terminate() == 0
    assert HIDDEN not in mortal.log.read_text()
    assert HIDDEN.encode() not in _state(mortal)
    mortal.start()
    with mortal.client() as client:
        assert client.delete(f"/secrets/{first.json()['id']}").status_code == 204
        assert _read(client).status_code == 404
        assert client.get("/secrets").json() == {"items": []}


def _state(server: Server) -> bytes:
    """Every file of the server's, and every cell of its database."""
    files = b"".join(path.read_bytes() for path in server.data_dir.rglob("*") if path.is_file())

    def step(connection: Connection) -> bytes:
        cells = [
            cell
            for table in tables(connection)
            for row in connection.execute(text(f'SELECT * FROM "{table}"'))
            for cell in row
        ]
        return b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)

    database = Database(server.database_url)
    try:
        rows = read(database, step)
    finally:
        database.close()
    assert b"OPENAI_API_KEY" in rows
    return files + rows
