"""SIGKILL of ``noctule db`` at its named places: no half of anything, and the server takes no notice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from noctule.db.connect import backend, snapshot, work_engine
from noctule.db.files import file_engine
from tests.support.server import Server
from tests.unit.db.books import contents

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgres"])
def environment(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of a server on each engine."""
    if request.param == "sqlite":
        return {}
    return {"NOCTULE_DATABASE_URL": request.getfixturevalue("postgres_url")}


@pytest.fixture
def server(environment: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """A server that is not started yet."""
    server = Server(tmp_path / "data", environment)
    yield server
    server.close()


@contextmanager
def _load(server: Server) -> Iterator[None]:
    """Sessions that start and stop all the while; every request is answered well."""
    stop = Event()
    failures: list[str] = []

    def work() -> None:
        with server.client() as client:
            while not stop.is_set():
                started = client.post("/sessions/start", json={})
                if started.status_code != 200:
                    failures.append(started.text)
                    return
                stopped = client.delete(f"/sessions/{started.json()['session_id']}/stop")
                if stopped.status_code != 200:
                    failures.append(stopped.text)

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []


def _killed(server: Server, environment: dict[str, str], failpoint: str, *arguments: str) -> None:
    doomed = Server(server.data_dir, {**environment, "NOCTULE_FAILPOINT": failpoint}, port=server.port)
    assert doomed.noctule(*arguments, check=False).returncode == -9


def _state(server: Server, environment: dict[str, str]) -> object:
    url = environment.get("NOCTULE_DATABASE_URL", "sqlite:///")
    on_file = backend(url) == "sqlite"
    path = server.data_dir / "noctule.db"
    engine = file_engine(path, writable=True) if on_file else work_engine(url)
    with snapshot(engine) as connection:
        return contents(connection)


@pytest.mark.parametrize("failpoint", ["backup.copied", "backup.before_rename"])
def test_a_backup_that_is_killed_under_load_leaves_no_file_and_the_next_one_is_whole(
    server: Server, environment: dict[str, str], failpoint: str, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    file = folder / "backup.db"
    server.start()
    with _load(server):
        _killed(server, environment, failpoint, "db", "backup", str(file))
        assert not file.exists()
        server.noctule("db", "backup", str(file))
        assert [path.name for path in folder.iterdir()] == ["backup.db"]
    with server.client() as client:
        assert client.post("/sessions/start", json={}).status_code == 200
    for arguments in (("usage", "audit"), ("db", "check"), ("db", "check", str(file))):
        checked = server.noctule(*arguments, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_restore_that_is_killed_leaves_the_database_as_it_was_and_the_next_one_is_whole(
    server: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "backup.db"
    server.start()
    with server.client() as client:
        old = client.post("/sessions/start", json={}).json()["session_id"]
        server.noctule("db", "backup", str(file))
        new = client.post("/sessions/start", json={}).json()["session_id"]
    refused = server.noctule("db", "restore", "--replace", str(file), check=False)
    assert refused.returncode == 1
    assert "stop it first" in refused.stderr
    server.kill()
    before = _state(server, environment)
    _killed(server, environment, "restore.before_commit", "db", "restore", "--replace", str(file))
    assert _state(server, environment) == before
    server.noctule("db", "restore", "--replace", str(file))
    server.start()
    with server.client() as client:
        found = client.get(f"/sessions/{old}").json()
        assert (found["status"], "unexpectedly" in found["error"]) == ("error", True)
        assert client.get(f"/sessions/{new}").status_code == 404
        assert client.get("/usage").json()["session_count"] == 1
        assert client.post("/sessions/start", json={}).status_code == 200
    for arguments in (("usage", "audit"), ("db", "check")):
        checked = server.noctule(*arguments, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr
