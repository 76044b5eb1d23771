"""Where browsers live while they run: one folder a browser, in memory where the machine has room.

A data directory belongs to one server at a time (``lock``), and its run directory is found from its path
alone, so that the next boot knows where the last one left its browsers. A browser's folder belongs to the
server and holds four that belong to the browser's user; other users can pass through but not look.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from noctule.browser import procfs
from noctule.kit.ids import new_id

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the name below it is ours alone, or refused
_ROOM_BYTES = 1024**3
_OWNER_FILE = "owner.json"
# Chromium puts a Unix socket of up to 50 characters into ``tmp``; the kernel takes 107.
_LONGEST_PATH = 107 - 50 - len("/12345678/tmp")
# The last thread of a killed process may still finish a write that makes a file behind our back.
_REMOVE_PAUSES_SECONDS = (0.0, 0.0, 0.05, 0.2, 0.5)
_BROWSER_FOLDERS = ("home", "profile", "tmp", "downloads")


class DataDirInUse(RuntimeError):
    """Another server runs on this data directory."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The browser that a folder belongs to: its first process and the user it runs as."""

    pid: int
    started_ticks: int
    boot_id: str
    uid: int


@dataclass(frozen=True, slots=True)
class BrowserDirectory:
    """A browser's folder; all of it but ``path`` itself is the browser's own."""

    path: Path

    @property
    def home(self) -> Path:
        """``HOME``."""
        return self.path / "home"

    @property
    def profile(self) -> Path:
        """Chromium's user data directory."""
        return self.path / "profile"

    @property
    def tmp(self) -> Path:
        """``TMPDIR``."""
        return self.path / "tmp"

    @property
    def downloads(self) -> Path:
        """Where downloads go."""
        return self.path / "downloads"

    def write_preferences(self, preferences: Mapping[str, object], uid: int | None) -> None:
        """Give a browser that was not started yet preferences, beside those that it has. Raises ``OSError``."""
        folder = self.profile / "Default"
        if folder.is_symlink():
            raise NotADirectoryError(errno.ENOTDIR, "is a link", str(folder))
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / "Preferences"
        try:
            known = {} if file.is_symlink() else json.loads(file.read_text())
        except (OSError, ValueError):
            known = {}
        file.unlink(missing_ok=True)
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(json.dumps((known if isinstance(known, dict) else {}) | dict(preferences)))
        if uid is not None:
            for path in (folder, file):
                os.chown(path, uid, uid)

    def write_owner(self, pid: int, uid: int) -> None:
        """Note which process lives here, for the sweep of a later boot."""
        ticks = procfs.started_ticks(pid)
        if ticks is not None:
            owner = Owner(pid=pid, started_ticks=ticks, boot_id=procfs.boot_id(), uid=uid)
            (self.path / _OWNER_FILE).write_text(json.dumps(asdict(owner)))

    def owner(self) -> Owner | None:
        """The noted process; ``None`` where the server died before it could write that down."""
        try:
            return Owner(**json.loads((self.path / _OWNER_FILE).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def remove(self) -> bool:
        """Delete it with all it holds. Answers whether it is gone; call only when its browser is."""
        for pause_seconds in _REMOVE_PAUSES_SECONDS:
            time.sleep(pause_seconds)
            shutil.rmtree(self.path, ignore_errors=True)
            if not self.path.exists():
                return True
            _make_writable(self.path)
        return False


def _make_writable(top: Path) -> None:
    """A browser may have taken write permission away from folders of its own."""
    for folder, names, _ in os.walk(top):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o700)


class RunDirectory:
    """The folder that holds one server's browsers."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def in_memory(self) -> bool:
        """Whether it is on ``/dev/shm``, which then has room enough for Chromium's shared memory, too."""
        return self.path.parent == _SHARED_MEMORY

    def make(self) -> None:
        """Create it. Raises ``OSError`` where that cannot be, or where somebody else already has it."""
        self.path.mkdir(mode=0o711, parents=True, exist_ok=True)
        if not is_ours(self.path):
            raise PermissionError(errno.EPERM, "belongs to somebody else", str(self.path))
        self.path.chmod(0o711)

    def new_browser(self, uid: int | None) -> BrowserDirectory:
        """A fresh folder for a browser of that user, ``None`` for our own."""
        directory = BrowserDirectory(self.path / new_id()[:8])
        directory.path.mkdir(mode=0o711)
        directory.path.chmod(0o711)
        for name in _BROWSER_FOLDERS:
            folder = directory.path / name
            folder.mkdir(mode=0o700)
            if uid is not None:
                os.chown(folder, uid, uid)
        return directory

    def browsers(self) -> Iterator[BrowserDirectory]:
        """The folders of all browsers that were put here."""
        if is_ours(self.path):
            for entry in self.path.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    yield BrowserDirectory(entry)

    def remove_if_empty(self) -> None:
        """Take it away once no browser is left in it."""
        with contextlib.suppress(OSError):
            self.path.rmdir()


def is_ours(path: Path) -> bool:
    """Whether it is a real folder that belongs to this process's user."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return path.is_dir() and not path.is_symlink() and found.st_uid == os.geteuid()


def candidates(data_dir: Path) -> list[RunDirectory]:
    """Every place where a server of this data directory may have put its browsers, best first."""
    resolved = data_dir.resolve()
    name = "noctule-" + hashlib.sha256(str(resolved).encode()).hexdigest()[:8]
    places = (_SHARED_MEMORY / name, resolved / "run", Path(tempfile.gettempdir()) / name)
    return [RunDirectory(place) for place in places]


def choose(data_dir: Path, *, for_other_users: bool) -> RunDirectory:
    """Make and answer the best place. ``for_other_users``: browsers run as users of their own.

    Raises ``OSError`` if none can be made.
    """
    failure: OSError | None = None
    for candidate in candidates(data_dir):
        if candidate.in_memory and not _has_room(_SHARED_MEMORY):
            continue
        if len(str(candidate.path)) > _LONGEST_PATH:
            continue
        if for_other_users and not _others_may_pass(candidate.path.parent):
            continue
        try:
            candidate.make()
        except OSError as error:
            failure = error
        else:
            return candidate
    raise failure or FileNotFoundError(errno.ENOENT, "no place for the browsers' folders near", str(data_dir))


def shared_memory_room_bytes() -> int | None:
    """Free space of ``/dev/shm``, ``None`` where there is none."""
    try:
        return shutil.disk_usage(_SHARED_MEMORY).free
    except OSError:
        return None


def _has_room(folder: Path) -> bool:
    free = shared_memory_room_bytes()
    return free is not None and free >= _ROOM_BYTES and os.access(folder, os.W_OK)


def _others_may_pass(folder: Path) -> bool:
    """Whether a stranger can walk down to this folder; what does not exist yet will be made passable."""
    return all(step.stat().st_mode & 0o001 for step in (folder, *folder.parents) if step.exists())


class DataDirLock:
    """Holds a data directory for one server; the kernel lets go when that server dies."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
            raise DataDirInUse(
                f"Another Noctule server already runs on {data_dir}. Stop it, or set NOCTULE_DATA_DIR "
                "to another folder."
            ) from None

    def release(self) -> None:
        """Let another server have it."""
        os.close(self._descriptor)
