"""Sessions leave nothing behind: a smaller count here, the large one in ``bench/leaks.py``."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.leaks import settle
from tests.support.server import Server

pytestmark = pytest.mark.slow

_ROW = 40
_AT_ONCE = 8


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that nobody else uses, so that its numbers are this test's."""
    server = Server(tmp_path / "data")
    try:
        yield server.start()
    finally:
        server.close()


def test_processes_descriptors_directories_and_memory_return_to_the_baseline(server: Server) -> None:
    def life(_: int) -> None:
        with server.client() as client:
            started = client.post("/sessions/start", json={}).raise_for_status().json()
            assert client.delete(f"/sessions/{started['session_id']}/stop").json()["status"] == "closed"

    for number in range(5):
        life(number)
    before = settle(server)
    for number in range(_ROW):
        life(number)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(life, range(_AT_ONCE)))
    after = settle(server)
    assert after.processes == before.processes
    assert after.directories == before.directories
    assert after.descriptors <= before.descriptors + 4
    assert after.rss_bytes <= before.rss_bytes * 1.25 + 10 * 2**20
