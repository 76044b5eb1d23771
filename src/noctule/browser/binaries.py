"""Where this machine's browsers are.

Distributions put a shell script in front of Chromium that reads the user's configuration and adds flags of
its own; the program behind it is what we start, where it can be found.
"""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_SHELL_NAMES = ("chromium-headless-shell", "chrome-headless-shell", "headless_shell")
_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_FOLDERS = (Path("/usr/lib/chromium"), Path("/usr/lib/chromium-browser"), Path("/opt/google/chrome"))
_SCRIPT_LIMIT_BYTES = 64 * 1024
_VERSION_TIMEOUT_SECONDS = 10.0


class NoBrowser(RuntimeError):
    """No usable Chromium; the message says what to install or to set."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs that were found; at least one of them."""

    headless_shell: Path | None
    chromium: Path | None

    def choose(self, *, wants_chromium: bool) -> tuple[Path, bool]:
        """The program to start, and whether it is the headless shell: that one unless full Chromium is
        asked for; else whichever there is."""
        preferred = self.chromium if wants_chromium else self.headless_shell
        chosen = preferred or self.headless_shell or self.chromium
        assert chosen is not None
        return chosen, chosen == self.headless_shell


def find(headless_shell: Path | None = None, chromium: Path | None = None) -> Binaries:
    """The configured programs, else those on ``PATH`` and in the usual places.

    Raises ``NoBrowser`` for a configured path that cannot be run and where nothing is found at all.
    """
    found = Binaries(
        headless_shell=_configured(headless_shell, "NOCTULE_HEADLESS_SHELL_PATH") or _search(_SHELL_NAMES),
        chromium=_configured(chromium, "NOCTULE_CHROMIUM_PATH") or _search(_CHROMIUM_NAMES),
    )
    if found.headless_shell is None and found.chromium is None:
        raise NoBrowser(
            "No Chromium was found. Install one (Debian: apt-get install chromium-headless-shell chromium) "
            "or name it in NOCTULE_HEADLESS_SHELL_PATH or NOCTULE_CHROMIUM_PATH."
        )
    return found


def _configured(path: Path | None, setting: str) -> Path | None:
    if path is None:
        return None
    if not path.is_file() or not os.access(path, os.X_OK):
        raise NoBrowser(f"{setting} names {path}, which is not a program that can be run.")
    return behind_wrapper(path)


def _search(names: tuple[str, ...]) -> Path | None:
    for name in names:
        on_path = shutil.which(name)
        for candidate in [Path(on_path)] if on_path else []:
            program = behind_wrapper(candidate)
            if not _is_snap(program):
                return program
        for folder in _FOLDERS:
            if _is_program(folder / name):
                return folder / name
    return None


def behind_wrapper(path: Path) -> Path:
    """The program that a wrapper script starts, or the path itself where that cannot be told."""
    real = path.resolve()
    if _is_program(real):
        return real
    folders: list[Path] = [real.parent, *_FOLDERS]
    names = [path.name, real.name] + (["chrome"] if "chrome" in real.name else [])
    for folder in folders:
        for name in names:
            if _is_program(folder / name):
                return folder / name
    return path


def _is_program(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"\x7fELF" and os.access(path, os.X_OK)
    except OSError:
        return False


def _is_snap(path: Path) -> bool:
    """Snap's confinement hides our directories from the browser, so such a Chromium is of no use here."""
    if path.resolve().name == "snap":
        return True
    try:
        with path.open("rb") as file:
            start = file.read(_SCRIPT_LIMIT_BYTES)
    except OSError:
        return False
    return start.startswith(b"#!") and b"/snap/" in start


def version(binary: Path) -> str | None:
    """Its version such as ``"156.0.8029.12"``, or ``None`` if it does not run or does not say in time."""
    with tempfile.TemporaryDirectory(prefix="noctule-version-") as home:
        try:
            answer = subprocess.run(
                [binary, "--version"],
                env={"PATH": "/usr/bin:/bin", "HOME": home},
                cwd=home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_VERSION_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    found = re.search(rb"\b\d+(?:\.\d+){2,3}\b", answer.stdout)
    return found.group().decode() if found else None
