"""What a server leans on breaks under load: the disk is full, the database read-only, restarted or out of reach.

Meanwhile every request is answered in bounded time, with what was asked for or with a clear 5xx, and nothing that was
acknowledged is undone. Afterwards everything works again without a restart of the server, and every figure is right.
"""

import asyncio
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.lives import House, house
from tests.support.load import Load
from tests.support.postgres import Cluster, cluster
from tests.support.tcp_proxy import Line, TcpProxy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

_SEED = int(os.environ.get("NOCTULE_TEST_SEED", "20261123"))
_SETTINGS = {"NOCTULE_WARM_POOL_SIZE": "1", "NOCTULE_MAX_SESSIONS": "8"}
_BROKEN_SECONDS = 4.0
_MENDED_SECONDS = 3.0
# Longer than the server waits for a database, shorter than any client waits for a server.
_ANSWER_SECONDS = 30.0
_WORKS_AGAIN_SECONDS = 30.0

Fault = Callable[[], None]


async def _survives(home: House, breaks: Fault, mends: Fault, broken_seconds: float = _BROKEN_SECONDS) -> None:
    """Load, fault, load, no fault, load; then everything that was told must be so."""
    home.server.start()
    load = Load(
        home.server,
        home.tenants,
        home.journal,
        random.Random(_SEED),
        clients=8,
        timeout_seconds=_ANSWER_SECONDS,
        allowed=frozenset({503}),
    )
    working = asyncio.create_task(load.run())
    answers = home.journal.answers
    try:
        await _until(lambda: answers["POST start 200"] > 5, "the load did not begin")
        breaks()
        try:
            await asyncio.sleep(broken_seconds)
        finally:
            mends()
        print(f"\nwhile it was broken: {dict(sorted(answers.items()))}")
        answers.clear()
        await _until(
            lambda: all(answers[of] > 1 for of in ("POST start 200", "POST execute 200", "GET usage 200")),
            f"it does not work again: {home.server.tail()}",
            _WORKS_AGAIN_SECONDS,
        )
        await asyncio.sleep(_MENDED_SECONDS)
    finally:
        load.stop()
        await working
    print(f"when it was mended: {dict(sorted(answers.items()))}; the slowest answer took {load.slowest_seconds:.1f} s")
    await _ask_again(home)
    await _stop_all(home)
    await home.check()
    doubtful = sum(start.is_in_doubt for start in home.journal.starts)
    found = await home.facts()
    billed = len(found.minutes) - sum(start.session_id is not None for start in home.journal.starts)
    print(f"{len(found.minutes)} sessions; of {doubtful} starts that were answered 5xx {billed} are billed")
    assert home.server.terminate() == 0
    home.server.start()
    await home.check()


async def _ask_again(home: House) -> None:
    """What clients do with a 5xx: the same once more, under the same key."""
    for tenant in home.tenants:
        with home.server.client(tenant.key) as client:
            for start in home.journal.starts:
                if start.workspace_id == tenant.workspace_id and start.key is not None and start.is_in_doubt:
                    answer = client.post("/sessions/start", json={}, headers={"Idempotency-Key": start.key})
                    while answer.status_code in (429, 529):
                        await _stop_all(home)
                        answer = client.post("/sessions/start", json={}, headers={"Idempotency-Key": start.key})
                    assert answer.status_code == 200, answer.text
                    home.journal.take_start(start, answer.json())


async def _stop_all(home: House) -> None:
    for tenant in home.tenants:
        with home.server.client(tenant.key) as client:
            while items := client.get("/sessions").raise_for_status().json()["items"]:
                for item in items:
                    client.delete(f"/sessions/{item['session_id']}/stop").raise_for_status()
    # A browser that is given back, or a start that failed, is written down behind the answer.
    await asyncio.sleep(1.5)


async def _until(holds: Callable[[], bool], otherwise: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, otherwise
        await asyncio.sleep(0.05)


# -- disk full -----------------------------------------------------------------------------------------------


@contextmanager
def _small_disk(size: str) -> Iterator[Path]:
    """A file system of its own, which every user can enter."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = Path(tempfile.mkdtemp(prefix="noctule-test-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        folder.rmdir()
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def _fill(disk: Path) -> None:
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(4096))
        except OSError:
            pass


def _free(disk: Path) -> None:
    (disk / "ballast").unlink()


def test_a_full_disk_under_sqlite() -> None:
    async def scene() -> None:
        with _small_disk("24m") as disk:
            async with house(disk, None, _SETTINGS) as home:
                await _survives(home, lambda: _fill(disk), lambda: _free(disk))

    asyncio.run(scene())


def test_a_full_disk_under_postgres(tmp_path: Path, postgres_server: str) -> None:
    async def scene(disk: Path, running: Cluster) -> None:
        def mend() -> None:
            _free(disk)
            # PostgreSQL ends itself when it cannot write its log, and waits for its operator then.
            if not running.is_running:
                running.start()

        async with house(tmp_path / "house", running.url, _SETTINGS) as home:
            await _survives(home, lambda: _fill(disk), mend)

    with _small_disk("200m") as disk:
        (disk / "cluster").mkdir()
        with cluster(disk / "cluster") as running:
            asyncio.run(scene(disk, running))


# -- read-only -----------------------------------------------------------------------------------------------


def _immutable(data_dir: Path, flag: str) -> None:
    # Not the shared memory beside them: a server that writes to it would be killed by SIGBUS, as by no real disk.
    files = [data_dir / "noctule.db", data_dir / "noctule.db-wal"]
    subprocess.run(["chattr", flag, *files], check=True, capture_output=True)


def test_a_read_only_sqlite(tmp_path: Path) -> None:
    # No file system can be remounted read-only while files of it are written. An immutable file is as good: the kernel
    # refuses writes through descriptors that are open already.
    (tmp_path / "probe").touch()
    probe = subprocess.run(["chattr", "+i", tmp_path / "probe"], capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip(f"files cannot be made immutable here: {probe.stderr.strip()}")
    subprocess.run(["chattr", "-i", tmp_path / "probe"], check=True)

    async def scene() -> None:
        async with house(tmp_path / "house", None, _SETTINGS) as home:
            data_dir = home.server.data_dir
            await _survives(home, lambda: _immutable(data_dir, "+i"), lambda: _immutable(data_dir, "-i"))

    asyncio.run(scene())


def test_a_read_only_postgres(tmp_path: Path, postgres_server: str) -> None:
    async def scene(running: Cluster) -> None:
        def read_only(value: str) -> None:
            running.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}", "SELECT pg_reload_conf()")

        async with house(tmp_path / "house", running.url, _SETTINGS) as home:
            await _survives(home, lambda: read_only("on"), lambda: read_only("off"))

    with cluster() as running:
        asyncio.run(scene(running))


# -- out of reach --------------------------------------------------------------------------------------------


def test_a_postgres_that_restarts(tmp_path: Path, postgres_server: str) -> None:
    async def scene(running: Cluster) -> None:
        async with house(tmp_path / "house", running.url, _SETTINGS) as home:
            await _survives(home, running.stop, running.start, 2.0)

    with cluster() as running:
        asyncio.run(scene(running))


@pytest.mark.parametrize(("line", "seconds"), [(Line.CUT, 4.0), (Line.SILENT, 12.0)], ids=["refused", "silent"])
def test_a_postgres_that_is_cut_off(tmp_path: Path, postgres_server: str, line: Line, seconds: float) -> None:
    async def scene(running: Cluster, proxy: TcpProxy) -> None:
        far = running.url.replace(f":{running.port}/", f":{proxy.port}/")
        async with house(tmp_path / "house", running.url, _SETTINGS | {"NOCTULE_DATABASE_URL": far}) as home:
            await _survives(home, lambda: proxy.set(line), lambda: proxy.set(Line.OPEN), seconds)

    with cluster() as running, TcpProxy(running.port) as proxy:
        asyncio.run(scene(running, proxy))
