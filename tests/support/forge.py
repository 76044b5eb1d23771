"""Processes that are there at once: one that has imported everything forks them.

What is forked runs in a session of its own, with an environment and a log of its own, as if it had been started by
itself; only its imports were done before. Suites that start hundreds of servers use it, others start them as users do.
"""

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

_PR_SET_PDEATHSIG = 1


class Forged:
    """A process that somebody else started; what ``subprocess.Popen`` offers for one's own, but its status."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._descriptor = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """``None`` while it runs, 0 then: how it ended is not known."""
        if self.returncode is None and select.select([self._descriptor], [], [], 0)[0]:
            self.returncode = 0
            os.close(self._descriptor)
        return self.returncode

    def wait(self, timeout_seconds: float) -> int:
        """Wait for its end. Raises ``subprocess.TimeoutExpired``."""
        deadline = time.monotonic() + timeout_seconds
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout_seconds)
            select.select([self._descriptor], [], [], 0.1)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._descriptor, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Forge:
    """The process that forks others, which end with it. ``program`` is what they run, as ``module:function``."""

    def __init__(self, program: str = "tests.support.forge:serve") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.forge", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lock = Lock()

    def fork(self, environment: Mapping[str, str], log: Path) -> Forged:
        """A new process; its output goes to the end of ``log``. Any thread may ask."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps([dict(environment), str(log)]) + "\n")
            self._process.stdin.flush()
            return Forged(int(self._process.stdout.readline()))

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=20)


def serve() -> None:
    """``noctule serve``."""
    from noctule.cli.main import main

    main(["serve"])


def _main() -> None:
    """Fork a process for every line of standard input and print its id."""
    module, _, name = sys.argv[1].partition(":")
    importlib.import_module("noctule.cli.main")
    program = getattr(importlib.import_module(module), name)
    # Nobody asks for the status of a process, so the kernel need not keep it.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            environment, log = json.loads(line)
            _become(environment, log)
            program()
            return
        print(pid, flush=True)


def _become(environment: dict[str, str], log: str) -> None:
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)


if __name__ == "__main__":
    _main()
