"""A real PostgreSQL of the tests' own: temporary directory, free loopback port, ended with the tests."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.support.ports import free_port

_VERSIONS = Path("/usr/lib/postgresql")


def find_bin() -> Path | None:
    """The folder of PostgreSQL's programs, newest version first, or ``None``."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    candidates = sorted(_VERSIONS.glob("*/bin/initdb"), reverse=True)
    return candidates[0].parent if candidates else None


class Cluster:
    """One PostgreSQL server and its data in ``folder``, which must be there and empty."""

    def __init__(self, folder: Path) -> None:
        programs = find_bin()
        assert programs is not None
        self._programs = programs
        self._folder = folder
        self._data = folder / "data"
        self.port = free_port()
        # PostgreSQL refuses to run as root; the account that Debian's package makes is made for it.
        self._is_root = os.geteuid() == 0
        if self._is_root:
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-D", self._data, "-U", "noctule", "-A", "trust", "-E", "UTF8", "--no-sync")

    @property
    def url(self) -> str:
        """The URL of its ``postgres`` database."""
        return f"postgresql://noctule@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        # Nothing in it outlives the tests, so it need not wait for a disk.
        options = f"-p {self.port} -c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        self._control("-l", self._folder / "log", "-o", options, "start")

    def stop(self) -> None:
        """End it at once, as a crash of its machine would."""
        self._control("-m", "immediate", "stop")

    @property
    def is_running(self) -> bool:
        """Whether it is there."""
        return self._run("pg_ctl", "-D", self._data, "status", check=False) == 0

    def execute(self, *statements: str) -> None:
        """Run statements as its superuser, each by itself."""
        _execute(self.url, *statements)

    def _control(self, *arguments: str | Path) -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "30", *arguments)

    def _run(self, program: str, *arguments: str | Path, check: bool = True) -> int:
        as_user = {"user": "postgres", "group": "postgres", "extra_groups": []} if self._is_root else {}
        done: subprocess.CompletedProcess[bytes] = subprocess.run(
            [self._programs / program, *arguments],
            check=check,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            **as_user,  # type: ignore[call-overload]
        )
        return done.returncode


@contextmanager
def cluster(folder: Path | None = None) -> Iterator[Cluster]:
    """A running server, in a folder of its own unless one is given."""
    home = folder or Path(tempfile.mkdtemp(prefix="noctule-test-pg-"))
    try:
        running = Cluster(home)
        running.start()
        try:
            yield running
        finally:
            if running.is_running:
                running.stop()
    finally:
        if folder is None:
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def server() -> Iterator[str]:
    """Run a server and yield the URL of its ``postgres`` database."""
    with cluster() as running:
        yield running.url


def create_database(server_url: str, name: str) -> str:
    """Make an empty database on a running server; answers its URL. Its end is the server's end."""
    _execute(server_url, f"CREATE DATABASE {name}")
    return server_url.rsplit("/", 1)[0] + "/" + name


def _execute(url: str, *statements: str) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+pg8000:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
