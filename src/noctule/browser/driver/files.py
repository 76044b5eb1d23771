"""Files on their way into a page or out of it: what they are called, what they are, how large they may be.

What must always hold: what a browser put somewhere is opened as the plain file that it must be, never followed
elsewhere, and read to the size that it had then.
"""

import asyncio
import mimetypes
import os
import re
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path, PurePosixPath

_MAX_NAME_CHARACTERS = 200
_READ_BYTES = 256 * 1024
_DATA_TYPE = re.compile(r"data:([\w.+-]{1,60}/[\w.+-]{1,100})[;,]")


def file_name(name: str) -> str:
    """The last part of a name, which is all that a page gets to see of it."""
    return PurePosixPath(name.replace("\\", "/")).name[-_MAX_NAME_CHARACTERS:] or "file"


def content_type_of(name: str, url: str) -> str:
    """What a file that came from an address is: by its ``data:`` address, else by its name."""
    found = _DATA_TYPE.match(url)
    return found[1].lower() if found else mimetypes.guess_type(name)[0] or "application/octet-stream"


class OpenFile:
    """The plain file at a place. Raises ``OSError``, ``ValueError`` for anything else that is there."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(self._descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
                raise ValueError("it is not a plain file")
            if found.st_size > most_bytes:
                raise ValueError(f"it is larger than {most_bytes // 1024**2} MiB")
        except BaseException:
            os.close(self._descriptor)
            raise
        self.size = found.st_size

    def __enter__(self) -> "OpenFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> bytes:
        """All of it."""
        return b"".join(iter(self._reader(), b""))

    async def chunks(self) -> AsyncIterator[bytes]:
        """All of it, part by part, from the beginning."""
        read = self._reader()
        while chunk := await asyncio.to_thread(read):
            yield chunk

    def close(self) -> None:
        """Let go of it. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _reader(self) -> Callable[[], bytes]:
        """Reads the next part, never beyond the size that the file had when it was opened."""
        at = 0

        def read() -> bytes:
            nonlocal at
            if self._descriptor < 0:
                raise ValueError("the file is closed")
            chunk = os.pread(self._descriptor, min(_READ_BYTES, self.size - at), at)
            at += len(chunk)
            return chunk

        return read
