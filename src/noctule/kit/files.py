"""What holds of every file that a person or a page brings, wherever in the house it is on its way."""

from pathlib import PurePosixPath

MAX_FILE_BYTES = 100 * 1024 * 1024
LONGEST_NAME_BYTES = 255

_LONGEST_ENDING = 16


def cut_name(name: str) -> str:
    """A name of ``LONGEST_NAME_BYTES`` at most in UTF-8, its ending kept if that is a short one."""
    raw = name.encode("utf-8", "replace")
    if len(raw) <= LONGEST_NAME_BYTES:
        return raw.decode()
    ending = PurePosixPath(name).suffix
    kept = ending.encode("utf-8", "replace") if len(ending) <= _LONGEST_ENDING else b""
    return raw[: LONGEST_NAME_BYTES - len(kept)].decode("utf-8", "ignore") + kept.decode()
