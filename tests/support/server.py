"""A real server in a process of its own, for the suites that kill it, load it, or speak to it as users do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from noctule.browser.rundir import candidates
from tests.support.forge import Forge, Forged
from tests.support.ports import free_port

KEY = "noct_test_key_of_the_suites_0123456789"


class Server:
    """One ``noctule serve``. ``data_dir`` outlives it, so that another can go on where it ended."""

    def __init__(
        self,
        data_dir: Path,
        environment: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
        forge: Forge | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(data_dir.parent),
            "NOCTULE_DATA_DIR": str(data_dir),
            "NOCTULE_PORT": str(self.port),
            "NOCTULE_API_KEY": KEY,
            "NOCTULE_WARM_POOL_SIZE": "1",
            **(environment or {}),
        }
        self._forge = forge
        self._process: subprocess.Popen[bytes] | Forged | None = None

    @property
    def database_url(self) -> str:
        """Where its state is."""
        return self._environment.get("NOCTULE_DATABASE_URL", f"sqlite:///{self.data_dir / 'noctule.db'}")

    @property
    def process(self) -> psutil.Process:
        """The server's process."""
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def start(self, extra: Mapping[str, str] | None = None, timeout_seconds: float = 40.0) -> "Server":
        """Start and wait until it is ready; fails with the log's end if it is not."""
        self.spawn(extra)
        return self.await_ready(timeout_seconds)

    def spawn(self, extra: Mapping[str, str] | None = None) -> None:
        """Start and do not wait."""
        if self._forge is not None:
            self._process = self._forge.fork({**self._environment, **(extra or {})}, self.log)
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "noctule", "serve"],
                env={**self._environment, **(extra or {})},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def await_ready(self, timeout_seconds: float = 40.0) -> "Server":
        """Wait until it is ready; fails with the log's end if it is not."""
        assert self._process is not None
        deadline = time.monotonic() + timeout_seconds
        with httpx.Client(timeout=2, trust_env=False) as client:
            while time.monotonic() < deadline:
                if self._process.poll() is not None:
                    raise AssertionError(f"the server ended with {self._process.returncode}:\n{self.tail()}")
                try:
                    if client.get(f"{self.url}/ready").status_code == 200:
                        return self
                except httpx.TransportError:
                    pass
                time.sleep(0.05)
        raise AssertionError(f"the server was not ready in {timeout_seconds} s:\n{self.tail()}")

    def client(self, key: str = KEY, timeout_seconds: float = 60.0) -> httpx.Client:
        """An HTTP client with a key."""
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=timeout_seconds, trust_env=False
        )

    def terminate(self, timeout_seconds: float = 20.0) -> int:
        """SIGTERM, as a service manager would; answers the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout_seconds)

    def kill(self) -> None:
        """SIGKILL: the server has no say in it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def wait(self, timeout_seconds: float) -> int:
        """Wait for it to end by itself."""
        assert self._process is not None
        return self._process.wait(timeout_seconds)

    def close(self) -> None:
        """End it, whatever state it is in."""
        if self._process is not None and self._process.poll() is None:
            try:
                self.terminate()
            except subprocess.TimeoutExpired:
                self.kill()

    def noctule(
        self, *arguments: str, check: bool = True, extra: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line on this server's data."""
        return subprocess.run(
            [sys.executable, "-m", "noctule", *arguments],
            env={**self._environment, **(extra or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=check,
        )

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def browsers(self) -> list[int]:
        """Pids of this server's browsers that are alive, whoever their parent is now."""
        marks = [f"--user-data-dir={folder}/" for folder in run_directories(self.data_dir)]
        found = []
        for process in psutil.process_iter(["pid", "cmdline", "status"]):
            line = " ".join(process.info["cmdline"] or ())
            if any(mark in line for mark in marks):
                found.append(process.info["pid"])
        return found


def run_directories(data_dir: Path) -> list[Path]:
    """The folders that may hold the directories of a server's browsers."""
    return [candidate.path for candidate in candidates(data_dir)]


@contextmanager
def running(data_dir: Path, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A started server, ended with the block."""
    server = Server(data_dir, environment)
    try:
        yield server.start()
    finally:
        server.close()
