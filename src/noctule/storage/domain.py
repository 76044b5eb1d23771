"""Files: what they may be called, what they are served as, and how many there may be. No name is ever a place.

What must hold: a name is kept as it came, byte for byte, or refused; only what a browser brings is renamed.
"""

import mimetypes
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import PurePosixPath

from noctule.kit.files import LONGEST_NAME_BYTES, cut_name

MAX_FILES = 10_000
LONGEST_MIME_TYPE = 127
UNKNOWN_TYPE = "application/octet-stream"

_MIME_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")


class FileSource(StrEnum):
    """Where a file came from: from a user, or out of a session's browser."""

    USER_UPLOAD = "user_upload"
    SESSION_DOWNLOAD = "session_download"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file. The same bytes stay under its ``id`` for ever; ``object_id`` says where they are.

    ``session_id`` is ``None`` for what belongs to the whole workspace. ``name`` is the one file of its session and
    source, ``filename`` what whoever gave it calls it: of a download the name begins with the time. ``checksum`` is
    SHA-256 in hexadecimal.
    """

    id: str
    workspace_id: str
    session_id: str | None
    source: FileSource
    name: str
    filename: str
    mime_type: str
    size: int
    checksum: str
    object_id: str
    created_at: datetime


def name_problem(name: str) -> str | None:
    """What is wrong with a name, if anything."""
    if not name:
        return "a file's name is not empty"
    if name in {".", ".."}:
        return "a file's name is not . or .."
    if "/" in name or "\\" in name:
        return "a file's name has no / and no \\"
    if any(_is_control(sign) for sign in name):
        return "a file's name has no control characters"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "a file's name is text that UTF-8 can hold"
    if size > LONGEST_NAME_BYTES:
        return f"a file's name has at most {LONGEST_NAME_BYTES} bytes in UTF-8, and this one has {size}"
    return None


def fitting_name(name: str) -> str:
    """The name of a file that a page chose, made one that can be kept: its last part, its ending kept if it is cut."""
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = "".join("_" if _is_control(sign) or "\ud800" <= sign <= "\udfff" else sign for sign in last)
    if plain in {"", ".", ".."}:
        return "download"
    return cut_name(plain)


def listed_name(filename: str, at: datetime, number: int) -> str:
    """What a download is listed as: the time in UTC, a number if it is not the first of that second, its own name."""
    when = at.strftime("%Y_%m_%d_%H_%M_%S")
    # Cut once more: by what it is listed as it can be asked for.
    return cut_name(f"{when}-{filename}" if number == 1 else f"{when}_{number}-{filename}")


def mime_type(name: str, declared: str | None) -> str:
    """What a file is served as: by its name, else as was said when it came."""
    guessed, encoding = mimetypes.guess_type(name, strict=False)
    if guessed is not None and encoding is None:
        return guessed
    said = (declared or "").partition(";")[0].strip().lower()
    is_type = len(said) <= LONGEST_MIME_TYPE and _MIME_TYPE.fullmatch(said)
    return said if is_type else UNKNOWN_TYPE


def ending(name: str) -> str:
    """``.pdf`` of ``report.pdf``; empty without one."""
    return PurePosixPath(name).suffix


def _is_control(sign: str) -> bool:
    return unicodedata.category(sign) == "Cc"
