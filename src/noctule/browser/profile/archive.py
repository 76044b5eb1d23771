"""The files of Chromium's that hold what sites keep, as one compressed tar.

What must always hold: of a user data directory only the folders in ``KEPT`` are read, and only plain files of them;
what is unpacked ends up in those folders of a fresh directory, as plain files of its browser's user, or nowhere;
neither way holds more than a piece of a file in memory.
"""

import gzip
import os
import re
import stat
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

DEFAULT = "Default"
LOCAL_STORAGE = "Local Storage"

KEPT = ("File System", "IndexedDB", LOCAL_STORAGE, "Service Worker", "Storage", "WebStorage")
"""Folders of ``Default``. Cookies are kept apart, since those of a session are not in Chromium's file of them;
everything else is a cache, a log, or about the person and not about sites."""

_NOT_DATA = frozenset({"LOCK", "LOG", "LOG.old"})
_PIECE_BYTES = 256 * 1024
_BLOCK_BYTES = 512
# LevelDB has compressed its tables already, and pictures are compressed, too; what does not become smaller is stored as
# it is, since to find that out for every byte of it takes longer than all the rest of a save.
_COMPRESSED, _STORED = 1, 0
_SAMPLE_BYTES = 16 * 1024
_WORTH_IT = 0.9
_GZIP = 31
_MOST_FILES = 50_000
_HOST_IN_NAME = re.compile(r"https?_(.+)_\d+(?:@\d+)?\.indexeddb\.")


class BadArchive(Exception):
    """It is not an archive of ours, or is larger than it may be."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its path below ``Default``, and its size in bytes."""

    name: str
    size: int


def contents(default: Path) -> list[Entry]:
    """The files of a profile's folder that are kept; links and special files are none.

    Raises ``BadArchive`` where there are too many of them.
    """
    found: list[Entry] = []
    for kept in KEPT:
        top = default / kept
        if top.is_symlink():
            continue
        for folder, folders, names in os.walk(top):
            folders.sort()
            for name in sorted(names):
                path = Path(folder, name)
                status = path.lstat()
                if name not in _NOT_DATA and stat.S_ISREG(status.st_mode):
                    found.append(Entry(str(path.relative_to(default)), status.st_size))
        if len(found) > _MOST_FILES:
            raise BadArchive(f"there are more than {_MOST_FILES} files")
    return found


def hosts(entries: list[Entry]) -> tuple[str, ...]:
    """The hosts whose databases are among the files."""
    names = (_HOST_IN_NAME.match(PurePosixPath(entry.name).parts[1]) for entry in entries if "/" in entry.name)
    return tuple(sorted({found[1] for found in names if found}))


def pack(default: Path, entries: list[Entry]) -> Iterator[bytes]:
    """The compressed tar of these files, piece by piece. Nothing may change them meanwhile.

    Raises ``OSError`` for one that cannot be read, ``BadArchive`` for one that has shrunk.
    """
    packer = _Packer()
    for entry in entries:
        descriptor = os.open(default / entry.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            head = tarfile.TarInfo(entry.name)
            head.size = entry.size
            yield packer.add(head.tobuf(tarfile.PAX_FORMAT))
            left, level = entry.size, None
            while left:
                piece = file.read(min(left, _PIECE_BYTES))
                if not piece:
                    raise BadArchive("a file has shrunk while it was packed")
                left -= len(piece)
                level = _level(piece) if level is None else level
                yield packer.add(piece, level)
        yield packer.add(bytes(-entry.size % _BLOCK_BYTES))
    yield packer.add(bytes(2 * _BLOCK_BYTES)) + packer.finish()


class _Packer:
    """Compresses with a level for each part: a gzip file may have many members, one after the other."""

    def __init__(self) -> None:
        self._level = _COMPRESSED
        self._member = zlib.compressobj(self._level, wbits=_GZIP)

    def add(self, data: bytes, level: int | None = None) -> bytes:
        """More of the archive; without a level, at that of the part before."""
        end = b""
        if level is not None and level != self._level:
            end = self._member.flush()
            self._level = level
            self._member = zlib.compressobj(level, wbits=_GZIP)
        return end + self._member.compress(data)

    def finish(self) -> bytes:
        """The end of the archive."""
        return self._member.flush()


def _level(piece: bytes) -> int:
    sample = piece[:_SAMPLE_BYTES]
    return _COMPRESSED if len(zlib.compress(sample, _COMPRESSED)) < _WORTH_IT * len(sample) else _STORED


def unpack(source: IO[bytes], default: Path, *, uid: int | None, most_bytes: int, without: tuple[str, ...] = ()) -> int:
    """Put the files of an archive into a folder that does not exist yet; answers how many bytes they have.

    They belong to that user, ``None`` for our own. Folders in ``without`` are left out. Raises ``BadArchive`` and what
    ``source`` raises.
    """
    _make(default, uid)
    total = count = 0
    try:
        with (
            gzip.GzipFile(fileobj=source, mode="rb") as plain,
            tarfile.open(fileobj=plain, mode="r|", bufsize=_PIECE_BYTES) as archive,
        ):
            for member in archive:
                name = _safe(member)
                total, count = total + member.size, count + 1
                if total > most_bytes or count > _MOST_FILES:
                    raise BadArchive("it is larger than a profile may be")
                content = archive.extractfile(member)
                if name.parts[0] not in without and content is not None:
                    _write(content, default, name, uid)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise BadArchive(f"it cannot be read: {type(error).__name__}") from None
    return total


def _safe(member: tarfile.TarInfo) -> PurePosixPath:
    name = PurePosixPath(member.name)
    if not member.isreg() or name.is_absolute() or ".." in name.parts or len(name.parts) < 2:
        raise BadArchive("it holds something other than plain files in folders")
    if name.parts[0] not in KEPT:
        raise BadArchive("it holds files that are no part of a profile")
    return name


def _write(content: IO[bytes], default: Path, name: PurePosixPath, uid: int | None) -> None:
    folder = default
    for part in name.parts[:-1]:
        folder = folder / part
        _make(folder, uid)
    try:
        descriptor = os.open(folder / name.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise BadArchive("it holds a file twice") from None
    with os.fdopen(descriptor, "wb") as file:
        if uid is not None:
            os.fchown(descriptor, uid, uid)
        while piece := content.read(_PIECE_BYTES):
            file.write(piece)


def _make(folder: Path, uid: int | None) -> None:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if folder.is_symlink() or not folder.is_dir():
            raise BadArchive("it holds a file where a folder belongs") from None
        return
    if uid is not None:
        os.chown(folder, uid, uid)
