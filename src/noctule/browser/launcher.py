"""Starts browsers and answers for every one of them until it is gone.

What must always hold: a data directory has one launcher; nothing of an earlier boot is alive once ``start``
has returned; whatever ``launch`` raises, nothing of that browser stays; after ``close`` no process and no
folder is left. Chromium's sandbox is on unless the operator switched it off or, with ``auto``, the machine
cannot give it one.
"""

import asyncio
import logging
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from noctule.browser import binaries, flags, process, sandbox, uids
from noctule.browser.binaries import Binaries
from noctule.browser.chrome_args import judge
from noctule.browser.commands import SandboxLevel
from noctule.browser.process import BrowserProcess, LaunchFailed
from noctule.browser.rundir import BrowserDirectory, DataDirLock, RunDirectory, choose
from noctule.browser.sandbox import SandboxMissing
from noctule.browser.sweep import sweep

T = TypeVar("T")
Furnish = Callable[[BrowserDirectory, int | None], Awaitable[None]]

log = logging.getLogger(__name__)

_CLOSE_SECONDS = 10.0
_THREADS = 4
_NO_PROXY_PORT = 9
_SETPRIV_SECONDS = 5.0
_CLOSING = "No browser is started any more: the server is closing."
# Full Chromium has a viewer for PDFs, in pages of its own that nobody can reach; as a download such a file can be read
# and kept, as it is by the headless shell, which has no viewer.
_PREFERENCES = {"plugins": {"always_open_pdf_externally": True}}


class Launcher:
    """The browsers' processes of one server. All methods belong to one event loop."""

    def __init__(
        self,
        *,
        data_dir: Path,
        headless_shell: Path | None,
        chromium: Path | None,
        sandbox: Literal["auto", "require", "off"],
        uid_base: int,
        concurrency: int,
    ) -> None:
        self._data_dir = data_dir
        self._configured = (headless_shell, chromium)
        self._sandbox = sandbox
        self._uid_base = uid_base
        self._places = asyncio.Semaphore(concurrency)
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="launcher")
        self._live: set[BrowserProcess] = set()
        self._launching: set[asyncio.Task[BrowserProcess]] = set()
        self._levels: dict[Path, SandboxLevel] = {}
        self._probing = asyncio.Lock()
        self._closed = False
        self._binaries: Binaries | None = None
        self._lock: DataDirLock | None = None
        self._run: RunDirectory | None = None
        self._uids: uids.UidPool | None = None
        self._setpriv: Path | None = None

    async def start(self) -> None:
        """Take the data directory, end what an earlier boot left, find the browsers.

        Raises ``NoBrowser``, ``DataDirInUse``, ``SandboxMissing`` (with ``require``), ``OSError`` where
        there is no place for the browsers' folders.
        """
        try:
            await self._in_thread(self._prepare)
            if self._sandbox == "require":
                probe = await self.launch(wants_chromium=False, proxy_port=_NO_PROXY_PORT)
                await probe.destroy()
        except BaseException:
            await self.close()
            raise

    async def launch(
        self,
        *,
        wants_chromium: bool,
        proxy_port: int,
        chrome_args: tuple[str, ...] = (),
        timeout_seconds: float = 20.0,
        furnish: Furnish | None = None,
    ) -> BrowserProcess:
        """A browser that listens for DevTools clients and opens one blank page; all of its traffic goes to
        the proxy on that loopback port. It is the caller's to ``destroy``. ``furnish`` puts files into its folder
        before it starts, as the given user's.

        Raises what ``furnish`` does, ``ValueError`` for an argument a session may not set, ``SandboxMissing``
        (with ``require``), ``LaunchFailed`` for everything else, its turn not coming in time included.
        """
        judge(chrome_args)
        if self._closed or self._binaries is None:
            raise LaunchFailed(_CLOSING)
        binary, is_headless_shell = self._binaries.choose(wants_chromium=wants_chromium)
        task = asyncio.create_task(
            self._launch(_Wish(binary, is_headless_shell, proxy_port, chrome_args, timeout_seconds, furnish))
        )
        self._launching.add(task)
        task.add_done_callback(self._launching.discard)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await task
        except TimeoutError:
            raise LaunchFailed(f"No browser was started inside {timeout_seconds:g} seconds.") from None
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                raise
            # It was ``close`` that gave the launch up, not whoever waits for it.
            raise LaunchFailed(_CLOSING) from None

    def sandbox_level(self) -> SandboxLevel:
        """The weakest level of the browsers started so far; unknown before the first."""
        if self._sandbox == "off":
            return sandbox.SWITCHED_OFF
        return sandbox.weakest(list(self._levels.values()))

    async def close(self) -> None:
        """End everything that was launched, remove every folder, let the data directory go. At most ten
        seconds."""
        self._closed = True
        for task in self._launching:
            task.cancel()
        if work := [*self._launching, *(asyncio.create_task(browser.destroy()) for browser in self._live)]:
            await asyncio.wait(work, timeout=_CLOSE_SECONDS)
        for browser in self._live:
            log.error("browser %d is still there", browser.pid)
        self._executor.shutdown(wait=False)
        if self._run is not None:
            self._run.remove_if_empty()
        if self._uids is not None:
            self._uids.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _prepare(self) -> None:
        self._lock = DataDirLock(self._data_dir)
        if swept := sweep(self._data_dir):
            log.warning("removed %d browsers that an earlier run of this server left behind", swept)
        found = binaries.find(*self._configured)
        self._setpriv = _usable_setpriv()
        hindrance = uids.hindrance(self._uid_base)
        if hindrance is None:
            self._uids = uids.UidPool(self._uid_base)
        elif os.geteuid() == 0:
            log.warning("browsers run as root, because %s", hindrance)
        self._run = choose(self._data_dir, for_other_users=self._uids is not None)
        self._binaries = found
        log.info("browsers: %s; their folders: %s", found, self._run.path)

    async def _launch(self, wish: "_Wish") -> BrowserProcess:
        async with self._places:
            if self._sandbox == "off":
                return await self._attempt(wish, sandboxed=False)
            if wish.binary not in self._levels:
                async with self._probing:
                    if wish.binary not in self._levels:
                        return await self._first(wish)
            return await self._attempt(wish, sandboxed=self._levels[wish.binary].level != "none")

    async def _first(self, wish: "_Wish") -> BrowserProcess:
        """The first browser of a program shows whether it can be sandboxed here."""
        try:
            browser = await self._attempt(wish, sandboxed=True)
        except LaunchFailed as failure:
            if not sandbox.is_to_blame(failure.stderr):
                raise
            if self._sandbox == "require":
                raise SandboxMissing(f"NOCTULE_SANDBOX=require, but: {failure} {sandbox.REMEDY}") from failure
            browser = await self._attempt(wish, sandboxed=False)
            self._found(wish.binary, sandbox.missing(str(failure)))
            return browser
        try:
            level = await self._in_thread(sandbox.inspect, browser.pid)
            if self._sandbox == "require" and level.level not in ("namespace", "setuid"):
                raise SandboxMissing(f"NOCTULE_SANDBOX=require, but: {level.explanation} {sandbox.REMEDY}")
        except BaseException:
            await browser.destroy()
            raise
        self._found(wish.binary, level)
        return browser

    def _found(self, binary: Path, level: SandboxLevel) -> None:
        self._levels[binary] = level
        report = log.info if level.level == "namespace" else log.warning
        report("sandbox of %s: %s. %s", binary.name, level.level, level.explanation)

    async def _attempt(self, wish: "_Wish", *, sandboxed: bool) -> BrowserProcess:
        uid, directory = await self._lodging()
        try:
            if wish.furnish is not None:
                await wish.furnish(directory, uid)
            if not wish.is_headless_shell:
                try:
                    directory.write_preferences(_PREFERENCES, uid)
                except OSError as error:
                    raise LaunchFailed(f"No place for another browser's preferences: {error}") from error
            arguments = flags.build(
                profile=directory.profile,
                proxy_port=wish.proxy_port,
                chrome_args=wish.chrome_args,
                sandboxed=sandboxed,
                small_shared_memory=self._run is not None and not self._run.in_memory,
            )
            browser = process.start(
                [wish.binary, *arguments],
                directory=directory,
                uid=uid,
                setpriv=self._setpriv,
                is_headless_shell=wish.is_headless_shell,
                executor=self._executor,
                on_destroyed=self._destroyed,
            )
        except BaseException:
            self._vacate(uid, directory)
            raise
        self._live.add(browser)
        try:
            await browser.ready(wish.timeout_seconds)
        except BaseException:
            await browser.destroy()
            raise
        return browser

    async def _lodging(self) -> tuple[int | None, BrowserDirectory]:
        """A user id, where browsers have their own, and a folder."""
        found = asyncio.get_running_loop().run_in_executor(self._executor, self._find_lodging)
        try:
            return await asyncio.shield(found)
        except asyncio.CancelledError:
            # The thread cannot be stopped; what it makes must not be forgotten.
            self._vacate(*await found)
            raise
        except (OSError, uids.NoUserId) as error:
            raise LaunchFailed(f"No place for another browser: {error}") from error

    def _find_lodging(self) -> tuple[int | None, BrowserDirectory]:
        assert self._run is not None
        uid = self._uids.take() if self._uids is not None else None
        try:
            return uid, self._run.new_browser(uid)
        except OSError:
            if self._uids is not None and uid is not None:
                self._uids.give_back(uid)
            raise

    def _vacate(self, uid: int | None, directory: BrowserDirectory) -> None:
        directory.remove()
        if self._uids is not None and uid is not None:
            self._uids.give_back(uid)

    def _destroyed(self, browser: BrowserProcess, all_gone: bool) -> None:
        """A user id under which something still lives is not lent again before the next boot."""
        self._live.discard(browser)
        if self._uids is not None and browser.uid is not None and all_gone:
            self._uids.give_back(browser.uid)

    async def _in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What one launch is about."""

    binary: Path
    is_headless_shell: bool
    proxy_port: int
    chrome_args: tuple[str, ...]
    timeout_seconds: float
    furnish: Furnish | None = None


def _usable_setpriv() -> Path | None:
    """util-linux's ``setpriv``; others of that name cannot tie a child's life to ours."""
    found = shutil.which("setpriv")
    if found is None:
        return None
    try:
        subprocess.run(
            [found, "--pdeathsig", "KILL", "--no-new-privs", "true"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SETPRIV_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        log.warning("%s cannot tie browsers to the life of this server; a later start will sweep instead", found)
        return None
    return Path(found)
