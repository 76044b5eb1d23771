"""Launchers of the tests' own, and ways to look at what they left on the machine."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from noctule.browser import procfs, rundir, uids
from noctule.browser.launcher import Launcher

UID_BASE = 62200
DROPS_UID = uids.hindrance(UID_BASE) is None


def new_launcher(
    data_dir: Path, *, sandbox: Literal["auto", "require", "off"] = "auto", headless_shell: Path | None = None
) -> Launcher:
    """A launcher that is not started."""
    return Launcher(
        data_dir=data_dir,
        headless_shell=headless_shell,
        chromium=None,
        sandbox=sandbox,
        uid_base=UID_BASE,
        concurrency=2,
    )


@asynccontextmanager
async def started(data_dir: Path, **options: Any) -> AsyncIterator[Launcher]:
    """A started launcher, closed with the block."""
    found = new_launcher(data_dir, **options)
    await found.start()
    try:
        yield found
    finally:
        await found.close()


def run_bounded(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test's body, bounded."""
    asyncio.run(asyncio.wait_for(test(), 60))


def group(pid: int) -> list[procfs.ProcessStatus]:
    return [process for process in procfs.processes() if process.group == pid and process.is_alive]


def inhabitants(data_dir: Path) -> list[int]:
    """Live processes that were started with a folder of this data directory."""
    marks = [f"{candidate.path}/" for candidate in rundir.candidates(data_dir)]
    return [
        process.pid
        for process in procfs.processes()
        if process.is_alive and any(mark in command_line(process.pid) for mark in marks)
    ]


def command_line(pid: int) -> str:
    return " ".join(procfs.arguments(pid))


def folders(data_dir: Path) -> list[Path]:
    return [candidate.path for candidate in rundir.candidates(data_dir) if candidate.path.exists()]
