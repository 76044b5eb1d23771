"""One Chromium as the operating system sees it: started, watched, ended.

It leads a session and a process group of its own, knows nothing of the server's environment, and dies with
the server even when that is killed outright. Its first process is not reaped before its whole group has been
killed, so the group's number cannot have gone to somebody else by then.
"""

import asyncio
import contextlib
import logging
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import IO, Any

from noctule.browser import procfs
from noctule.browser.rundir import BrowserDirectory

log = logging.getLogger(__name__)

_TAIL_BYTES = 8 * 1024
_READ_BYTES = 64 * 1024
_REAP_SECONDS = 5.0
_LAST_WORDS_SECONDS = 0.2
_SURVIVORS_SECONDS = 5.0
_STANDSTILL_SECONDS = 1.0
_LOOK_AGAIN_SECONDS = 0.01
_LISTENING = re.compile(rb"DevTools listening on ws://127\.0\.0\.1:(\d+)(/devtools/browser/[0-9A-Za-z-]+)\s*\n")
_NOISE = re.compile(r"dbus|WARNING|:INFO:|DevTools listening|^#\d|^\s*$")
# Pages write to the log of a running browser as well, whatever they like, and what that is is nobody else's business.
_ITS_OWN = re.compile(r"\[[\d:/.]+:(?:ERROR|FATAL):(?!CONSOLE)|Received signal \d")
# Font configuration and time zone are the operator's; nothing else of the server's environment is passed on.
_PASSED_ON = ("FONTCONFIG_FILE", "FONTCONFIG_PATH", "FONTCONFIG_SYSROOT", "TZ")


class LaunchFailed(Exception):
    """A browser could not be started; the message says why, ``stderr`` is the end of what it wrote."""

    def __init__(self, message: str, stderr: str = "") -> None:
        super().__init__(message)
        self.stderr = stderr


def environment(directory: BrowserDirectory) -> dict[str, str]:
    """All that a browser's process gets to know of its surroundings."""
    home = str(directory.home)
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": str(directory.tmp),
        "LANG": "C.UTF-8",
        "XDG_CONFIG_HOME": f"{home}/.config",
        "XDG_CACHE_HOME": f"{home}/.cache",
        "XDG_DATA_HOME": f"{home}/.local/share",
        "XDG_RUNTIME_DIR": str(directory.tmp),
        "DBUS_SESSION_BUS_ADDRESS": "disabled:",
        "DBUS_SYSTEM_BUS_ADDRESS": "disabled:",
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    }


class _Stderr:
    """Reads ``pipe`` for as long as the browser writes, and remembers the end of it.

    The descriptor is read by us and not by a transport: uvloop's closes it twice where it was given a file, and the
    second time it may be a file that another thread has opened meanwhile.
    """

    def __init__(self, pipe: IO[bytes], endpoint: "asyncio.Future[tuple[int, str]]") -> None:
        self._pipe = pipe
        self._loop = asyncio.get_running_loop()
        self._endpoint = endpoint
        self._tail = bytearray()
        self.on_data: Callable[[bytes], None] | None = None
        self.all_read: asyncio.Future[None] = self._loop.create_future()
        os.set_blocking(pipe.fileno(), False)

    def start(self) -> None:
        """Read from now on."""
        self._loop.add_reader(self._pipe.fileno(), self._readable)

    def close(self) -> None:
        """Read no more. May be called any number of times."""
        if not self._pipe.closed:
            self._loop.remove_reader(self._pipe.fileno())
            self._pipe.close()
        if not self.all_read.done():
            self.all_read.set_result(None)

    def _readable(self) -> None:
        try:
            data = os.read(self._pipe.fileno(), _READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._tail += data
        if not self._endpoint.done() and (found := _LISTENING.search(self._tail)):
            self._endpoint.set_result((int(found[1]), found[2].decode()))
        del self._tail[:-_TAIL_BYTES]
        if self.on_data is not None:
            self.on_data(data)

    def text(self) -> str:
        return self._tail.decode(errors="replace")


class BrowserProcess:
    """One running browser. ``directory`` is its folder, ``downloads`` the part of it for downloads.

    Whoever has it must call ``destroy``, also when it ended by itself.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        popen: "subprocess.Popen[bytes]",
        *,
        directory: BrowserDirectory,
        uid: int | None,
        is_headless_shell: bool,
        executor: Executor,
        on_destroyed: Callable[["BrowserProcess", bool], None],
    ) -> None:
        self.pid = popen.pid
        self.port = 0
        self.path = ""
        self.directory = directory.path
        self.downloads = directory.downloads
        self.is_headless_shell = is_headless_shell
        self.uid = uid
        self._popen = popen
        self._folder = directory
        self._executor = executor
        self._on_destroyed = on_destroyed
        self._destroying: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[str] = self._loop.create_future()
        self._endpoint: asyncio.Future[tuple[int, str]] = self._loop.create_future()
        assert popen.stderr is not None
        self._stderr = _Stderr(popen.stderr, self._endpoint)
        # Whoever has this may send signals to the group: its number is still its own.
        self._unreaped = threading.Lock()
        self._pidfd: int | None = os.pidfd_open(popen.pid)
        self._loop.add_reader(self._pidfd, self._on_end)

    async def ready(self, timeout_seconds: float) -> None:
        """Wait until it listens for DevTools clients.

        Raises ``LaunchFailed`` if it ends before that or takes too long; ``destroy`` it then.
        """
        deadline = self._loop.time() + timeout_seconds
        self._stderr.start()
        await asyncio.wait(
            (self._endpoint, self._ended),
            timeout=max(0.0, deadline - self._loop.time()),
            return_when=asyncio.FIRST_COMPLETED,
        )
        if self._endpoint.done():
            self.port, self.path = self._endpoint.result()
        elif self._ended.done():
            raise LaunchFailed(f"Chromium did not start: {self._ended.result()}", self._stderr.text())
        else:
            message = f"Chromium did not start inside {timeout_seconds:g} seconds. {self._last_words()}"
            raise LaunchFailed(message.strip(), self._stderr.text())

    def on_log(self, listener: Callable[[bytes], None]) -> None:
        """Hand on what it writes to its log from now on, in pieces as they come."""
        self._stderr.on_data = listener

    async def wait(self) -> str:
        """Wait until it ends, however long that takes, and say how it did, in a sentence for people."""
        return await asyncio.shield(self._ended)

    @property
    def profile(self) -> Path:
        """Chromium's folder for everything that it remembers."""
        return self._folder.profile

    @property
    def executor(self) -> Executor:
        """Threads for what blocks."""
        return self._executor

    async def ended(self, timeout_seconds: float) -> bool:
        """Wait until it has ended by itself, with all of its helpers; ``False`` if that takes longer."""
        deadline = self._loop.time() + timeout_seconds
        await asyncio.wait((self._ended,), timeout=timeout_seconds)
        while await self._loop.run_in_executor(self._executor, self._members):
            if self._loop.time() > deadline:
                return False
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        return True

    async def end(self) -> None:
        """Kill it with all of its helpers, and leave its folder as it is. Bounded."""
        if self._popen.returncode is None:
            _kill_group(self.pid)
        await self._loop.run_in_executor(self._executor, self._end_survivors)

    @contextlib.contextmanager
    def standing_still(self) -> Iterator[None]:
        """All of its processes stopped in the middle of what they do, for as long as the block takes. Blocks.

        Raises ``OSError`` where they cannot be stopped.
        """
        with self._unreaped:
            if self._popen.returncode is not None:
                raise ProcessLookupError(f"browser {self.pid} has ended")
            os.killpg(self.pid, signal.SIGSTOP)
            try:
                deadline = time.monotonic() + _STANDSTILL_SECONDS
                while any(status.state not in "TtZX" for status in self._statuses()):
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"browser {self.pid} does not stand still")
                    time.sleep(_LOOK_AGAIN_SECONDS / 10)
                yield
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGCONT)

    async def destroy(self) -> None:
        """Kill it with all of its helpers and remove its folder. Bounded; may be called at any time, any
        number of times, and goes on to its end even if the caller does not wait for that."""
        if self._destroying is None:
            self._destroying = self._loop.create_task(self._destroy(), name=f"destroy browser {self.pid}")
        await asyncio.shield(self._destroying)

    def memory_pss_bytes(self) -> int:
        """Memory of the browser and its helpers, shared pages divided among those who share them. Reads
        ``/proc`` for some milliseconds."""
        return sum(procfs.pss_bytes(pid) for pid in self._members())

    async def _destroy(self) -> None:
        gone = False
        try:
            if self._popen.returncode is None:
                _kill_group(self.pid)
            survived = not await self._loop.run_in_executor(self._executor, self._end_survivors)
            await asyncio.wait((self._ended,), timeout=_REAP_SECONDS)
            if self._ended.done():
                await self._loop.run_in_executor(self._executor, self._reap)
                gone = not survived
            else:
                log.error("browser %d does not end", self.pid)
            if not await self._loop.run_in_executor(self._executor, self._folder.remove):
                log.warning("could not remove %s", self.directory)
        finally:
            self._close_streams()
            self._on_destroyed(self, gone)

    def _on_end(self) -> None:
        """The first process has ended: note how, but leave it unreaped, which keeps its number taken."""
        self._close_pidfd()
        result = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if result is None:
            return
        how = _exit_sentence(result.si_code, result.si_status)
        # Its last words may still be on their way; a helper that outlives it can keep the pipe open.
        self._loop.call_later(_LAST_WORDS_SECONDS, self._settle, how)
        self._stderr.all_read.add_done_callback(lambda _: self._settle(how))

    def _settle(self, how: str) -> None:
        if not self._ended.done():
            self._ended.set_result(f"{how} {self._last_words()}".strip())

    def _members(self) -> list[int]:
        """Processes of its group, its session, or its user if it has one of its own."""
        return [process.pid for process in self._statuses()]

    def _statuses(self) -> list[procfs.ProcessStatus]:
        return [
            process
            for process in procfs.processes()
            if process.is_alive
            and (self.pid in (process.group, process.session) or (self.uid is not None and process.uid == self.uid))
        ]

    def _end_survivors(self) -> bool:
        deadline = time.monotonic() + _SURVIVORS_SECONDS
        while survivors := self._members():
            if time.monotonic() > deadline:
                log.error("processes %s of browser %d do not end", survivors, self.pid)
                return False
            for pid in survivors:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_LOOK_AGAIN_SECONDS)
        return True

    def _reap(self) -> None:
        """Collect its exit status, and those of its helpers, which come to us where we are process 1."""
        with self._unreaped:
            self._popen.wait()
            try:
                while os.waitpid(-self.pid, os.WNOHANG)[0] > 0:
                    pass
            except ChildProcessError:
                pass

    def _close_streams(self) -> None:
        self._close_pidfd()
        self._stderr.close()

    def _close_pidfd(self) -> None:
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    def _last_words(self) -> str:
        lines = [line.strip() for line in self._stderr.text().splitlines() if not _NOISE.search(line)]
        if self._endpoint.done():
            lines = [line for line in lines if _ITS_OWN.match(line)]
        lines = [line for line in lines if "FATAL" in line] or lines
        return f"Its last words: {lines[-1][:300]}" if lines else ""


def start(
    command: Sequence[str | Path],
    *,
    directory: BrowserDirectory,
    uid: int | None,
    setpriv: Path | None,
    is_headless_shell: bool,
    executor: Executor,
    on_destroyed: Callable[[BrowserProcess, bool], None],
) -> BrowserProcess:
    """Start a browser, as user ``uid`` unless that is ``None``, and note it down in its folder. Blocks for
    a few milliseconds.

    Must be called on the event loop's thread: the kernel ends the browser when the thread that started it
    ends. Without ``setpriv`` there is no such tie, only the sweep of the next boot. Raises ``LaunchFailed``
    if the program cannot be run at all.
    """
    identity: dict[str, Any] = {}
    if setpriv is not None:
        command = [setpriv, *setpriv_arguments(uid), *command]
    elif uid is not None:
        identity = {"user": uid, "group": uid, "extra_groups": ()}
    try:
        popen = subprocess.Popen(
            command,
            env=environment(directory),
            cwd=directory.path,
            umask=0o077,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **identity,
        )
    except OSError as error:
        raise LaunchFailed(f"Chromium cannot be run: {error}") from error
    directory.write_owner(popen.pid, os.geteuid() if uid is None else uid)
    return BrowserProcess(
        popen,
        directory=directory,
        uid=uid,
        is_headless_shell=is_headless_shell,
        executor=executor,
        on_destroyed=on_destroyed,
    )


def setpriv_arguments(uid: int | None) -> list[str]:
    """What ``setpriv`` shall do before it becomes the browser: no way back to any privilege, and death with
    us. Capabilities are dropped for good, but Chromium has all of them inside the user namespace of its own
    that its sandbox is made of."""
    arguments = ["--no-new-privs", "--pdeathsig", "KILL"]
    if uid is not None:
        arguments += ["--reuid", str(uid), "--regid", str(uid), "--clear-groups"]
        arguments += ["--inh-caps=-all", "--bounding-set=-all"]
    return arguments


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _exit_sentence(code: int, status: int) -> str:
    if code == os.CLD_EXITED:
        return f"The browser ended with exit code {status}."
    try:
        name = signal.Signals(status).name
    except ValueError:
        name = "unknown"
    return f"The browser was ended by signal {status} ({name})."
