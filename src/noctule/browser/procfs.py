"""What Linux tells about processes: read from ``/proc``, never from a command's output.

Every reader takes a process that ends while it is looked at for one that does not exist.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_STATUS = re.compile(r"^(State|PPid|Uid|NSpid|NSpgid|NSsid|Seccomp):\t(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One process. ``namespace_depth`` counts the pid namespaces it is nested in, ours included;
    ``seccomp`` is 2 under a filter."""

    pid: int
    parent: int
    group: int
    session: int
    uid: int
    state: str
    namespace_depth: int
    seccomp: int

    @property
    def is_alive(self) -> bool:
        """Whether it can still do anything; a zombie only waits to be counted."""
        return self.state not in "ZX"


def status(pid: int) -> ProcessStatus | None:
    """The process of that id, or ``None``."""
    try:
        fields = dict(_STATUS.findall((_PROC / str(pid) / "status").read_text(errors="replace")))
        return ProcessStatus(
            pid=pid,
            parent=int(fields["PPid"]),
            group=int(fields["NSpgid"].split()[0]),
            session=int(fields["NSsid"].split()[0]),
            uid=int(fields["Uid"].split()[0]),
            state=fields["State"][0],
            namespace_depth=len(fields["NSpid"].split()),
            seccomp=int(fields.get("Seccomp", "0")),
        )
    except (OSError, KeyError, ValueError, IndexError):
        return None


def pids() -> list[int]:
    """Ids of all processes that can be seen from here."""
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal()]


def processes() -> Iterator[ProcessStatus]:
    """All processes that can be seen from here."""
    for pid in pids():
        if (found := status(pid)) is not None:
            yield found


def started_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot: with its id, its name for good in this boot."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
        # The second field is the command in parentheses and may itself hold spaces and parentheses.
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def arguments(pid: int) -> list[str]:
    """The command line of a process; empty for one that is gone or is a zombie.

    Chromium rewrites its own and its helpers' as one string, so an element may hold several arguments
    separated by spaces.
    """
    return _zero_separated(pid, "cmdline")


def environment(pid: int) -> list[str]:
    """The ``NAME=value`` pairs a process was started with; empty where that may not be read or was
    wiped, as Chromium does."""
    return _zero_separated(pid, "environ")


def _zero_separated(pid: int, name: str) -> list[str]:
    try:
        raw = (_PROC / str(pid) / name).read_bytes()
    except OSError:
        return []
    return [part.decode(errors="replace") for part in raw.split(b"\0") if part]


def boot_id() -> str:
    """A name for this boot of the machine."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def user_namespace(pid: int) -> str | None:
    """Name of the user namespace of a process, ``None`` where that may not be read."""
    try:
        return (_PROC / str(pid) / "ns/user").readlink().name
    except OSError:
        return None


def pss_bytes(pid: int) -> int:
    """Proportional set size of one process; its unshared resident size where that may not be read."""
    try:
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        resident, shared = (_PROC / str(pid) / "statm").read_text().split()[1:3]
        return (int(resident) - int(shared)) * 4096
    except (OSError, ValueError):
        return 0
