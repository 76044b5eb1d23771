"""Keeps what browsers remember, and gives it back to new ones.

What must always hold: the files are copied while nobody writes them, because the browser has ended or because all of
its processes stand still; more than the profile may have is not kept at all; a copy does not outlive the keeping.
"""

import asyncio
import contextlib
import functools
import io
import logging
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from noctule.browser.assembly import Browser
from noctule.browser.cdp import CdpError
from noctule.browser.commands import (
    BrowserLost,
    BrowserState,
    CommandFailed,
    KeepProfile,
    KeptProfile,
    OriginItems,
    StoredProfile,
)
from noctule.browser.launcher import Furnish
from noctule.browser.process import BrowserProcess
from noctule.browser.profile import archive
from noctule.browser.profile.archive import BadArchive, Entry
from noctule.browser.profile.threads import Incoming, pieces
from noctule.browser.rundir import BrowserDirectory

T = TypeVar("T")

log = logging.getLogger(__name__)

KEEPING_SECONDS = 60.0
"""How long it may take to keep one profile."""

_ENDING_SECONDS = 5.0
_BUFFER_BYTES = 256 * 1024
_MEBIBYTE = 1024 * 1024


class Archives(Protocol):
    """Where archives are, by name."""

    def read(self, name: str) -> AsyncIterator[bytes]:
        """The bytes of an archive. Raises an error with words for people if it cannot be had."""
        ...

    async def write(self, name: str, content: AsyncIterable[bytes]) -> int:
        """Keep an archive whole or not at all; answers how many bytes it takes."""
        ...


class NoArchives:
    """For a node without profiles."""

    def read(self, name: str) -> AsyncIterator[bytes]:
        raise BadArchive("this machine keeps no profiles")

    async def write(self, name: str, content: AsyncIterable[bytes]) -> int:
        raise BadArchive("this machine keeps no profiles")


class Keeper:
    """One machine's keeping of profiles. ``most_bytes`` is what the files of one may have, unpacked."""

    def __init__(self, archives: Archives, most_bytes: int) -> None:
        self._archives = archives
        self._most_bytes = most_bytes

    def furnishing(self, stored: StoredProfile) -> Furnish | None:
        """Puts the files of a profile into the folder of a browser that is about to be launched."""
        name = stored.archive
        if name is None:
            return None
        without = (archive.LOCAL_STORAGE,) if stored.state.forgets_local else ()

        async def furnish(directory: BrowserDirectory, uid: int | None) -> None:
            incoming = Incoming(self._archives.read(name))
            unpack = functools.partial(
                archive.unpack,
                io.BufferedReader(incoming, _BUFFER_BYTES),
                directory.profile / archive.DEFAULT,
                uid=uid,
                most_bytes=self._most_bytes,
                without=without,
            )
            # A thread of its own: it waits for what the loop has from its common threads, and all of those could be
            # waiting like that.
            thread = ThreadPoolExecutor(1, thread_name_prefix="unpack a profile")
            unpacking = asyncio.get_running_loop().run_in_executor(thread, unpack)
            try:
                await asyncio.shield(unpacking)
            except BadArchive as error:
                raise CommandFailed("ProfileError", f"The profile cannot be used: {error}") from None
            except OSError as error:
                log.error("the files of a profile could not be put in place: %s", error)
                raise CommandFailed("ProfileError", "The profile's files could not be put in place") from None
            finally:
                incoming.stop()
                # Nobody may take the folder away while it is still written to.
                await asyncio.wait((unpacking,))
                thread.shutdown(wait=False)

        return furnish

    async def keep_running(self, browser: Browser, wish: KeepProfile) -> KeptProfile:
        """Keep what a browser remembers that goes on. It stands still while its files are copied. Bounded.

        Raises ``CommandFailed``, ``BrowserLost``, and what the archives raise.
        """
        async with _in_time():
            return await self._keep_running(browser, wish)

    async def keep_last(self, browser: Browser, wish: KeepProfile) -> KeptProfile:
        """Keep what a browser remembers that nobody uses any more, and end it for that; bounded, errors as above."""
        async with _in_time():
            return await self._keep_last(browser, wish)

    async def _keep_running(self, browser: Browser, wish: KeepProfile) -> KeptProfile:
        process = _process(browser)
        state = await _state(browser)
        copy = process.directory / f"profile-{wish.archive.rpartition('/')[2]}"
        try:
            entries = await _in_thread(process, _copy, process, copy, wish.most_bytes)
            return await self._written(process, wish, state, copy, entries, _hosts(state), is_clean=False)
        except OSError as error:
            log.error("the files of browser %d could not be copied: %s", process.pid, error)
            raise CommandFailed("ProfileError", "The profile's files could not be copied") from None
        finally:
            await asyncio.to_thread(shutil.rmtree, copy, ignore_errors=True)

    async def _keep_last(self, browser: Browser, wish: KeepProfile) -> KeptProfile:
        process = _process(browser)
        state = await _state(browser, is_last=True)
        hosts = _hosts(state)
        with contextlib.suppress(CdpError):
            await browser.driver.quit()
        is_clean = await process.ended(_ENDING_SECONDS)
        if is_clean:
            # Its files have the local items of every origin by now; no need to take a tab through them.
            state = BrowserState(state.cookies, tuple(OriginItems(o.origin, None, o.session) for o in state.origins))
        else:
            log.warning("browser %d did not end by itself; its files are kept as they were", process.pid)
            await process.end()
        folder = process.profile / archive.DEFAULT
        entries = await _in_thread(process, _measured, folder, wish.most_bytes)
        return await self._written(process, wish, state, folder, entries, hosts, is_clean=is_clean)

    async def _written(
        self,
        process: BrowserProcess,
        wish: KeepProfile,
        state: BrowserState,
        folder: Path,
        entries: list[Entry],
        hosts: set[str],
        *,
        is_clean: bool,
    ) -> KeptProfile:
        size = None
        if entries:
            packed = pieces(archive.pack(folder, entries), process.executor)
            try:
                size = await self._archives.write(wish.archive, packed)
            except (OSError, BadArchive) as error:
                log.error("the files of browser %d could not be read: %s", process.pid, error)
                raise CommandFailed("ProfileError", "The profile's files could not be read") from None
        return KeptProfile(state, size, tuple(sorted(hosts.union(archive.hosts(entries)))), is_clean)


@contextlib.asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(KEEPING_SECONDS):
            yield
    except TimeoutError:
        raise CommandFailed("ProfileError", f"The profile could not be kept within {KEEPING_SECONDS:g} s") from None


def _process(browser: Browser) -> BrowserProcess:
    if browser.process is None:
        raise CommandFailed("ProfileError", "This session has no browser of its own whose profile could be kept")
    return browser.process


async def _state(browser: Browser, *, is_last: bool = False) -> BrowserState:
    try:
        return await browser.driver.remember(is_last=is_last)
    except CdpError as error:
        if browser.driver.closed.done():
            raise BrowserLost(browser.driver.closed.result()) from None
        raise CommandFailed("ProfileError", f"The browser does not tell what it remembers: {error}") from None


def _hosts(state: BrowserState) -> set[str]:
    """Those that have items."""
    hosts = (urlsplit(each.origin).hostname for each in state.origins if each.local or each.session)
    return {host for host in hosts if host}


def _measured(folder: Path, most_bytes: int) -> list[Entry]:
    try:
        entries = archive.contents(folder)
    except BadArchive as error:
        raise CommandFailed("ProfileTooLarge", f"The profile is not kept: {error}") from None
    size = sum(entry.size for entry in entries)
    if size > most_bytes:
        raise CommandFailed(
            "ProfileTooLarge",
            f"The profile is not kept: sites have stored {size / _MEBIBYTE:.1f} MiB in it, "
            f"and it may have {most_bytes / _MEBIBYTE:g} MiB",
        )
    return entries


def _copy(process: BrowserProcess, copy: Path, most_bytes: int) -> list[Entry]:
    """Copy what is kept while nothing changes."""
    folder = process.profile / archive.DEFAULT
    # Before anything stops: most of the folders are there, and too much of it is refused without a pause.
    _measured(folder, most_bytes)
    copy.mkdir(mode=0o700)
    with process.standing_still():
        entries = _measured(folder, most_bytes)
        for entry in entries:
            target = copy / entry.name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(folder / entry.name, target, follow_symlinks=False)
    return entries


async def _in_thread(process: BrowserProcess, function: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(process.executor, function, *arguments)
