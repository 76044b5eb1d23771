"""A real PostgreSQL of the tests' own: temporary directory, free loopback port, ended with the tests."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_VERSIONS = Path("/usr/lib/postgresql")


def find_bin() -> Path | None:
    """The folder of PostgreSQL's programs, newest version first, or ``None``."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    candidates = sorted(_VERSIONS.glob("*/bin/initdb"), reverse=True)
    return candidates[0].parent if candidates else None


@contextmanager
def server() -> Iterator[str]:
    """Run a server and yield the URL of its ``postgres`` database."""
    programs = find_bin()
    assert programs is not None
    # PostgreSQL refuses to run as root; the account that Debian's package makes is made for it.
    as_user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="noctule-test-pg-"))
    try:
        if as_user:
            shutil.chown(folder, "postgres", "postgres")
        data = folder / "data"
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "noctule", "-A", "trust", "-E", "UTF8"],
            check=True,
            capture_output=True,
            cwd=folder,
            env=environment,
            **as_user,  # type: ignore[call-overload]
        )
        port = _free_port()
        # Nothing in it outlives the tests, so it need not wait for a disk.
        options = f"-p {port} -c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        control: list[str | Path] = [programs / "pg_ctl", "-D", data, "-w", "-t", "30"]
        subprocess.run(
            [*control, "-l", folder / "log", "-o", options, "start"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            env=environment,
            **as_user,  # type: ignore[call-overload]
        )
        try:
            yield f"postgresql://noctule@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run(
                [*control, "-m", "immediate", "stop"],
                check=True,
                stdout=subprocess.DEVNULL,
                cwd=folder,
                env=environment,
                **as_user,  # type: ignore[call-overload]
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
