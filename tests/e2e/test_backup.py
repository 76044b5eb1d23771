"""A backup of a server at work becomes another server, on the other kind of database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Lock

import pytest
from sqlalchemy import text

from noctule.db.connect import snapshot
from noctule.db.files import file_engine
from tests.support.server import Server

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite to postgres", "postgres to sqlite"])
def servers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """A server to be backed up and one to be made of it, on different databases; none is started."""
    on_postgres = {"NOCTULE_DATABASE_URL": request.getfixturevalue("postgres_url")}
    backed_up = Server(tmp_path / "old", on_postgres if request.param == "postgres to sqlite" else {})
    restored = Server(tmp_path / "new", on_postgres if request.param == "sqlite to postgres" else {})
    yield backed_up, restored
    restored.close()
    backed_up.close()


class _Customers:
    """Sessions that start and stop, and a note of every one that was acknowledged."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = Lock()
        self._stop = Event()
        self._started: list[str] = []
        self._pool = ThreadPoolExecutor(2)

    def __enter__(self) -> "_Customers":
        self._work = [self._pool.submit(self._use) for _ in range(2)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for work in self._work:
            work.result(timeout=60)

    def acknowledged(self, at_least: int) -> list[str]:
        """Ids of the sessions so far, once there are so many."""
        while True:
            with self._lock:
                if len(self._started) >= at_least:
                    return list(self._started)
            assert not any(work.done() for work in self._work), [work.exception() for work in self._work]
            self._stop.wait(0.05)

    def _use(self) -> None:
        with self._server.client() as client:
            while not self._stop.is_set():
                session_id = client.post("/sessions/start", json={}).raise_for_status().json()["session_id"]
                with self._lock:
                    self._started.append(session_id)
                client.delete(f"/sessions/{session_id}/stop").raise_for_status()


def test_a_backup_under_load_has_all_that_was_acknowledged_and_makes_a_server(
    servers: tuple[Server, Server], tmp_path: Path
) -> None:
    server, restored = servers
    file = tmp_path / "backup.db"
    server.start()
    with _Customers(server) as customers:
        before = customers.acknowledged(6)
        server.noctule("db", "backup", "--with-secret", str(file))
        checked = server.noctule("db", "check", check=False)
        assert checked.returncode == 0, checked.stdout
        customers.acknowledged(len(before) + 4)
    with snapshot(file_engine(file)) as connection:
        ids = set(connection.execute(text("SELECT id FROM session")).scalars())
    assert ids >= set(before)

    restored.noctule("db", "restore", str(file))
    for arguments in (("usage", "audit"), ("db", "check"), ("db", "check", str(file))):
        checked = restored.noctule(*arguments, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    assert (restored.data_dir / "secret.key").read_bytes() == (server.data_dir / "secret.key").read_bytes()
    restored.start()
    with restored.client() as client:
        assert client.get(f"/sessions/{before[0]}").json()["status"] == "closed"
        assert client.get("/usage").json()["session_count"] >= len(before)
        assert client.post("/sessions/start", json={}).status_code == 200
