"""Ending what an earlier boot of the same data directory left behind, and nothing else.

A process is one of ours only if a folder in our run directory says so (its id and its start time, or its
process group where the first process is already dead) or if it was started with such a folder as its own.
Names and user ids prove nothing: another server may have the same.
"""

import contextlib
import logging
import os
import signal
import time
from pathlib import Path

from noctule.browser import procfs
from noctule.browser.rundir import BrowserDirectory, Owner, RunDirectory, candidates

log = logging.getLogger(__name__)

_GRACE_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.02


def sweep(data_dir: Path) -> int:
    """Kill every browser of an earlier boot and remove its folder; answers how many folders there were.

    The caller holds the data directory's lock.
    """
    swept = 0
    for run in candidates(data_dir):
        directories = list(run.browsers())
        end_all(run, directories)
        for directory in directories:
            swept += 1
            if not directory.remove():
                log.warning("could not remove %s of an earlier boot", directory.path)
        run.remove_if_empty()
    return swept


def end_all(run: RunDirectory, directories: list[BrowserDirectory]) -> None:
    """Kill the browsers of these folders until none is left, at most for five seconds."""
    owners = [owner for directory in directories if (owner := directory.owner()) is not None]
    deadline = time.monotonic() + _GRACE_SECONDS
    while left := _ours(run, owners):
        if time.monotonic() > deadline:
            log.error("processes %s of an earlier boot do not end", left)
            return
        for pid in left:
            kill(pid)
        time.sleep(_LOOK_AGAIN_SECONDS)


def kill(pid: int) -> None:
    """SIGKILL, if it is still there."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _ours(run: RunDirectory, owners: list[Owner]) -> list[int]:
    boot = procfs.boot_id()
    groups = {owner.pid: owner for owner in owners if owner.boot_id == boot and _is_still(owner)}
    found = []
    for process in procfs.processes():
        if not process.is_alive or process.pid == os.getpid():
            continue
        owner = groups.get(process.group)
        if (owner is not None and _belongs_to(owner, process)) or _lives_in(process.pid, run.path):
            found.append(process.pid)
    return found


def _is_still(owner: Owner) -> bool:
    """Whether the noted process, or what it left of its group, can be what bears its number now."""
    return procfs.started_ticks(owner.pid) in (None, owner.started_ticks)


def _belongs_to(owner: Owner, process: procfs.ProcessStatus) -> bool:
    """Whether a process of that number's group is the owner or a helper of its.

    A number is free again once a whole group has ended, so without its first process a group must still
    look like Chromium's helpers.
    """
    if process.uid != owner.uid:
        return False
    leader_is_there = procfs.started_ticks(owner.pid) == owner.started_ticks
    return leader_is_there or any("--type=" in argument for argument in procfs.arguments(process.pid))


def _lives_in(pid: int, run: Path) -> bool:
    """Whether a process was started with a folder of ours as its own. Any other mention of it, such as an
    administrator's ``ls``, is not enough. Chromium wipes its environment, helpers keep theirs."""
    if any(f"--user-data-dir={run}/" in argument for argument in procfs.arguments(pid)):
        return True
    return any(variable.startswith(f"HOME={run}/") for variable in procfs.environment(pid))
