"""User ids that a server running as root lends to its browsers, one each.

A uid is lent once at a time on the whole machine: a lock file that dies with its server keeps two servers
with the same base apart, and a uid that still has a live process is passed over. Nobody needs an entry in
``/etc/passwd`` for that.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from noctule.browser import procfs

_LOCK_HOMES = (Path("/run"), Path("/dev/shm"))  # noqa: S108 - its owner is checked before use
_LOCK_FOLDER = "noctule-uids"
POOL_SIZE = 1000

# What changing to another user, giving it folders, ending it and clearing up after it takes.
_CAPABILITIES = {"CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7}


class NoUserId(Exception):
    """Every uid of the range is in use."""


def hindrance(base: int) -> str | None:
    """Why this server cannot start its browsers as other users, or ``None`` if it can."""
    if os.geteuid() != 0:
        return "the server does not run as root"
    effective = _effective_capabilities()
    missing = [name for name, bit in _CAPABILITIES.items() if not effective >> bit & 1]
    if missing:
        return f"root lacks {', '.join(missing)} here"
    for name in ("uid_map", "gid_map"):
        if not any(first <= base and base + POOL_SIZE <= first + count for first, count in _id_map(name)):
            return f"user ids {base} to {base + POOL_SIZE - 1} do not exist in this container"
    return None


def _effective_capabilities() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def _id_map(name: str) -> Iterator[tuple[int, int]]:
    for line in Path("/proc/self", name).read_text().splitlines():
        first, _, count = line.split()
        yield int(first), int(count)


class UidPool:
    """The uids of one server; may be used from any thread."""

    def __init__(self, base: int, size: int = POOL_SIZE) -> None:
        self._range = range(base, base + size)
        self._guard = threading.Lock()
        self._free: list[int] = []
        self._locks: dict[int, int] = {}

    def take(self) -> int:
        """A uid that nobody has and that no process runs under. Reads ``/proc`` only when the pool grows.

        Raises ``NoUserId``.
        """
        with self._guard:
            if self._free:
                return self._free.pop()
            busy = {process.uid for process in procfs.processes() if process.is_alive}
            for uid in self._range:
                if uid not in self._locks and uid not in busy and self._lock(uid):
                    return uid
        raise NoUserId(f"all user ids from {self._range[0]} to {self._range[-1]} are in use")

    def give_back(self, uid: int) -> None:
        """Lend it again. Only for a uid whose processes are all gone."""
        with self._guard:
            self._free.append(uid)

    def close(self) -> None:
        """Let other servers have them."""
        with self._guard:
            for descriptor in self._locks.values():
                os.close(descriptor)
            self._locks.clear()
            self._free.clear()

    def _lock(self, uid: int) -> bool:
        descriptor = os.open(_lock_folder() / str(uid), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._locks[uid] = descriptor
        return True


def _lock_folder() -> Path:
    for home in _LOCK_HOMES:
        if home.is_dir() and os.access(home, os.W_OK):
            folder = home / _LOCK_FOLDER
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
            if folder.is_symlink() or found.st_uid != os.geteuid():
                raise NoUserId(f"{folder} belongs to somebody else; remove it")
            return folder
    raise NoUserId("neither /run nor /dev/shm can be written to")
