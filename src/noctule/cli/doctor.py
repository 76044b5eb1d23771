"""``noctule doctor``: what a machine lacks to run Noctule, in plain words.

It looks and changes nothing: the only thing it starts is one browser, which it ends again, the only thing it writes one
object in the bucket of files, which it deletes again; and it works beside a running server.
"""

import asyncio
import http.client
import os
import platform
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from noctule.app.places import CannotStart, database_url, open_objects
from noctule.browser import binaries, rundir, sandbox, uids
from noctule.browser.binaries import NoBrowser
from noctule.browser.commands import SandboxLevel
from noctule.browser.launcher import Launcher
from noctule.browser.process import LaunchFailed
from noctule.browser.recording import Ffmpeg, NoEncoder
from noctule.browser.sandbox import SandboxMissing
from noctule.cli.common import load_settings
from noctule.db.engine import Database
from noctule.db.migrate import pending
from noctule.kit.errors import Unavailable
from noctule.kit.ids import new_id
from noctule.objects.store import ObjectStore, key
from noctule.settings import Settings

_PYTHON = (3, 11)
_DESCRIPTORS = 4096
_SHARED_MEMORY_BYTES = 1024**3
_FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_COMMAND_SECONDS = 10.0
_HTTP_SECONDS = 2.0
_DISCARD_PORT = 9

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ``warning`` is what Noctule runs with but worse, ``error`` what it does not run with;
    ``remedy`` says what to do about either."""

    name: str
    level: Level
    message: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        """Whether Noctule can run with it."""
        return self.level != "error"


def checks(settings: Settings) -> list[Check]:
    """Every finding, in the order in which to read them. Takes a second or two."""
    return [
        _python(),
        _chromium(settings),
        _sandbox(settings),
        _user_namespaces(),
        _browser_users(settings),
        _fonts(),
        _ffmpeg(settings),
        _descriptors(),
        _shared_memory(),
        _data_directory(settings),
        _database(settings),
        _files(settings),
        _port(settings),
    ]


@click.command()
def doctor() -> None:
    """Say what this machine lacks to run Noctule; exit status 1 if it cannot run."""
    found = checks(load_settings())
    for check in found:
        colour = {"ok": "green", "warning": "yellow", "error": "red"}[check.level]
        click.echo(f"{click.style(check.level.ljust(8), fg=colour)} {check.name}: {check.message}")
        if check.remedy:
            click.echo(f"         {check.remedy}")
    errors = sum(check.level == "error" for check in found)
    warnings = sum(check.level == "warning" for check in found)
    click.echo("")
    if errors:
        click.echo(f"{errors} thing(s) to put right before Noctule can run, {warnings} to think about.")
        raise SystemExit(1)
    click.echo(f"Noctule can run here. {warnings} thing(s) to think about." if warnings else "All is well.")


def _python() -> Check:
    version = platform.python_version()
    if sys.version_info < _PYTHON:
        return Check("Python", "error", f"this is {version}", "Noctule needs Python 3.11 or newer.")
    return Check("Python", "ok", version)


def _chromium(settings: Settings) -> Check:
    name = "Chromium"
    try:
        found = binaries.find(settings.headless_shell_path, settings.chromium_path)
    except NoBrowser as error:
        return Check(name, "error", "no browser", str(error))
    parts, silent = [], []
    for program in (found.headless_shell, found.chromium):
        if program is not None:
            version = binaries.version(program)
            parts.append(f"{program} ({version or 'does not say its version'})")
            silent += [] if version else [str(program)]
    message = ", ".join(parts)
    if silent:
        return Check(name, "error", message, f"Run {silent[0]} --version to see what is wrong with it.")
    if found.headless_shell is None:
        return Check(
            name,
            "warning",
            f"{message}; no headless shell",
            "chromium-headless-shell starts in half the time and half the memory "
            "(Debian: apt-get install chromium-headless-shell).",
        )
    if found.chromium is None:
        return Check(
            name,
            "warning",
            f"{message}; no full Chromium",
            "Sessions that ask for full Chromium get the headless shell (Debian: apt-get install chromium).",
        )
    return Check(name, "ok", message)


def _sandbox(settings: Settings) -> Check:
    """Start a browser as the server would, and look at it."""
    name = "Sandbox"
    try:
        with tempfile.TemporaryDirectory(prefix="noctule-doctor-") as folder:
            level = asyncio.run(_probe(settings, Path(folder)))
    except NoBrowser:
        return Check(name, "error", "there is no browser to try")
    except SandboxMissing as error:
        return Check(name, "error", str(error))
    except (LaunchFailed, OSError) as error:
        return Check(name, "error", f"a browser does not start: {error}", "Put right what it complains about.")
    if level.level in ("namespace", "setuid"):
        return Check(name, "ok", f"{level.level}: {level.explanation}")
    remedy = sandbox.REMEDY if settings.sandbox != "off" else "Unset NOCTULE_SANDBOX to switch it on."
    return Check(name, "warning", f"{level.level}: {level.explanation}", remedy)


async def _probe(settings: Settings, data_dir: Path) -> SandboxLevel:
    launcher = Launcher(
        data_dir=data_dir,
        headless_shell=settings.headless_shell_path,
        chromium=settings.chromium_path,
        sandbox=settings.sandbox,
        uid_base=settings.browser_uid_base,
        concurrency=1,
    )
    await launcher.start()
    try:
        await launcher.launch(wants_chromium=False, proxy_port=_DISCARD_PORT)
        return launcher.sandbox_level()
    finally:
        await launcher.close()


def _user_namespaces() -> Check:
    name = "User namespaces"
    forbids: list[tuple[str, Callable[[int], bool]]] = [
        ("kernel/unprivileged_userns_clone", lambda value: value == 0),
        ("kernel/apparmor_restrict_unprivileged_userns", lambda value: value != 0),
        ("user/max_user_namespaces", lambda value: value == 0),
    ]
    for setting, is_forbidden in forbids:
        value = _kernel_setting(setting)
        if value is not None and is_forbidden(value):
            shown = setting.replace("/", ".")
            return Check(name, "warning", f"restricted by {shown}={value}", sandbox.REMEDY)
    return Check(name, "ok", "allowed for everybody")


def _kernel_setting(name: str) -> int | None:
    try:
        return int(Path("/proc/sys", name).read_text())
    except (OSError, ValueError):
        return None


def _browser_users(settings: Settings) -> Check:
    name = "Browsers' users"
    base = settings.browser_uid_base
    hindrance = uids.hindrance(base)
    if hindrance is None:
        return Check(name, "ok", f"each browser gets a user id of its own, from {base} on")
    if os.geteuid() != 0:
        return Check(name, "ok", "browsers run as the user that runs the server")
    return Check(
        name,
        "warning",
        f"browsers would run as root, without a sandbox, because {hindrance}",
        "Run the server as an ordinary user, or as a root that may change users.",
    )


def _ffmpeg(settings: Settings) -> Check:
    name = "Recording"
    try:
        found = Ffmpeg.find(settings.ffmpeg_path)
    except NoEncoder as error:
        return Check(name, "warning", "sessions cannot be recorded", str(error))
    state = "on" if settings.recording else "off unless a session asks for it (NOCTULE_RECORDING)"
    return Check(name, "ok", f"ffmpeg {found.version}; recording is {state}")


def _fonts() -> Check:
    name = "Fonts"
    count = _font_count()
    if count == 0:
        return Check(
            name,
            "warning",
            "none found; pages will show boxes instead of letters",
            "Debian: apt-get install fonts-dejavu-core fonts-noto-cjk fonts-noto-color-emoji",
        )
    return Check(name, "ok", f"{count} found")


def _font_count() -> int:
    if program := shutil.which("fc-list"):
        try:
            answer = subprocess.run(
                [program, ":", "file"],
                capture_output=True,
                timeout=_COMMAND_SECONDS,
                check=True,
                stdin=subprocess.DEVNULL,
            )
            return len(answer.stdout.splitlines())
        except (OSError, subprocess.SubprocessError):
            pass
    endings = {".ttf", ".otf", ".ttc", ".pfb"}
    return sum(path.suffix.lower() in endings for folder in _FONT_FOLDERS for path in folder.rglob("*"))


def _descriptors() -> Check:
    name = "File descriptors"
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit != resource.RLIM_INFINITY and limit < _DESCRIPTORS:
        allowed = "" if most == resource.RLIM_INFINITY or most >= _DESCRIPTORS else f" (the hard limit is {most})"
        return Check(
            name,
            "warning",
            f"at most {limit} at once{allowed}",
            f"Run `ulimit -n {_DESCRIPTORS}` before the server, or set LimitNOFILE={_DESCRIPTORS} in its systemd unit.",
        )
    return Check(name, "ok", "no limit" if limit == resource.RLIM_INFINITY else f"{limit} at once")


def _shared_memory() -> Check:
    name = "Shared memory"
    room = rundir.shared_memory_room_bytes()
    if room is None or room < _SHARED_MEMORY_BYTES:
        there_is = "there is no /dev/shm" if room is None else f"only {room // 1024**2} MiB are free in /dev/shm"
        return Check(
            name,
            "warning",
            f"{there_is}; browsers keep their files on disk and start more slowly",
            "Give /dev/shm 1 GiB or more (Docker: --shm-size=2g).",
        )
    return Check(name, "ok", f"{room // 1024**2} MiB free in /dev/shm")


def _data_directory(settings: Settings) -> Check:
    name = "Data folder"
    folder = settings.data_dir
    there = next(step for step in (folder, *folder.absolute().parents) if step.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Check(name, "error", f"{folder} cannot be written to", "Set NOCTULE_DATA_DIR to a folder that can.")
    return Check(name, "ok", f"{folder}" if folder.exists() else f"{folder} (will be made)")


def _database(settings: Settings) -> Check:
    name = "Database"
    try:
        url = make_url(database_url(settings))
    except SQLAlchemyError:
        return Check(name, "error", "its URL cannot be read", "NOCTULE_DATABASE_URL: postgresql://user@host:5432/name")
    is_file = url.get_backend_name() == "sqlite"
    shown = url.render_as_string(hide_password=True)
    if is_file and not Path(url.database or "").exists():
        return Check(name, "ok", f"{shown} (will be made)")
    try:
        with closing(Database(url.render_as_string(hide_password=False))) as database:
            behind = pending(database.engine)
    except Exception as error:
        # Drivers raise what they like; whatever it is, the operator needs to see it, without the password.
        remedy = (
            "Is the file a SQLite database?"
            if is_file
            else "Is PostgreSQL up, and are NOCTULE_DATABASE_URL's parts right?"
        )
        reason = str(getattr(error, "orig", None) or error)
        if url.password:
            reason = reason.replace(str(url.password), "***")
        return Check(name, "error", f"{shown} cannot be used: {reason}", remedy)
    state = "its schema will be brought up to date at the next start" if behind else "its schema is up to date"
    return Check(name, "ok", f"{shown}; {state}")


def _files(settings: Settings) -> Check:
    name = "Files"
    if settings.objects_url is None:
        folder = settings.data_dir / "objects"
        there = next(step for step in (folder, *folder.absolute().parents) if step.exists())
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            return Check(name, "error", f"{folder} cannot be written to", "Make it the server's user's own.")
        return Check(name, "ok", f"{folder}" if folder.exists() else f"{folder} (will be made)")
    remedy = "Are NOCTULE_OBJECTS_URL, NOCTULE_OBJECTS_ENDPOINT and the AWS_* variables right, and is the bucket there?"
    try:
        asyncio.run(_try_out(open_objects(settings)))
    except CannotStart as error:
        return Check(name, "error", str(error), "NOCTULE_OBJECTS_URL: s3://bucket/prefix")
    except (Unavailable, TimeoutError) as error:
        return Check(name, "error", f"{settings.objects_url} cannot be written to: {error or 'no answer'}", remedy)
    return Check(name, "ok", f"{settings.objects_url}")


async def _try_out(objects: ObjectStore) -> None:
    async with asyncio.timeout(_COMMAND_SECONDS):
        probe = key("doctor", new_id())
        await objects.put(probe, b"noctule")
        await objects.delete([probe])


def _port(settings: Settings) -> Check:
    name = "Port"
    where = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if _is_noctule(settings):
                return Check(name, "ok", f"{where} is served by Noctule")
            return Check(name, "error", f"{where} cannot be had: {error.strerror}", "Set NOCTULE_PORT to a free one.")
    return Check(name, "ok", f"{where} is free")


def _is_noctule(settings: Settings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    connection = http.client.HTTPConnection(host, settings.port, timeout=_HTTP_SECONDS)
    try:
        connection.request("GET", "/health")
        return b"Noctule" in connection.getresponse().read(4096)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
