"""Follows every download of one browser, from its first event to the end of its file.

A browser of ours puts its downloads into a folder of the session, each under its number. One that an action waits for
is the action's (``claim``); any other is handed to ``deliver`` once it is complete.

What must always hold: a download is somebody's once, never twice; a file is out of the folder as soon as it is
complete, cancelled or given up; what a browser put there is opened as the plain file that it must be, never followed
elsewhere; size, number, time and what the folder holds at a time are bounded, and what goes beyond is cancelled.
"""

import asyncio
import contextlib
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from noctule.browser.driver.files import OpenFile
from noctule.kit.files import MAX_FILE_BYTES

log = logging.getLogger(__name__)

_GUID = re.compile(r"[0-9A-Za-z-]{8,64}")
_PART_SUFFIX = ".crdownload"
_LOOK_SECONDS = 0.1
_REMEMBERED = 16
_OTHER_ADDRESS_SECONDS = 1.0
_MAX_CONTEXTS = 64
# The browser may hear of a client that has gone only after we have; it then falls back to dropping downloads.
_RENEWALS_SECONDS = (0.0, 0.2, 1.0)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the downloads of one session may come to. ``held_bytes`` is for those that are in the folder at a time."""

    file_bytes: int = MAX_FILE_BYTES
    held_bytes: int = 3 * MAX_FILE_BYTES
    total_bytes: int = 2 * 1024**3
    at_a_time: int = 20
    in_all: int = 1000
    seconds: float = 1800.0
    deliveries_at_a_time: int = 2


@dataclass(eq=False, slots=True)
class Download:
    """One download. ``problem`` is why it will not be had; ``kept_as`` is its name with whoever took it."""

    guid: str
    url: str
    name: str
    frame_id: str
    begun_at: float
    is_claimed: bool = False
    problem: str = ""
    received_bytes: int = 0
    kept_as: str | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False, slots=True)
class Claim:
    """What an action waits for: of the ``downloads`` that begin meanwhile the one that it takes."""

    downloads: list[Download] = field(default_factory=list)
    taken: Download | None = None

    def find(self, url: str) -> Download | None:
        """The download of that address; the first one where the address is not known, or leads on to another."""
        same = next((each for each in self.downloads if each.url == url), None)
        if same is not None or not self.downloads:
            return same
        first = self.downloads[0]
        waited = asyncio.get_running_loop().time() - first.begun_at
        return first if not url or waited > _OTHER_ADDRESS_SECONDS else None


class Browser(Protocol):
    """A connection to a browser, as far as it is needed here; ``CdpConnection`` is one."""

    closed: "asyncio.Future[str]"

    def post(self, method: str, params: dict[str, Any] | None = None) -> None: ...


Deliver = Callable[[Download, OpenFile], Awaitable[str | None]]


class Downloads:
    """The downloads of one browser. ``folder`` is where it may put them, ``None`` if that is not ours to read.

    ``deliver`` is given what no action waits for; its failures are logged, the first of a session as a warning.
    """

    limits = Limits()

    def __init__(self, connection: Browser) -> None:
        self.folder: Path | None = None
        self.deliver: Deliver | None = None
        self._connection = connection
        self._running: dict[str, Download] = {}
        self._recent: deque[Download] = deque(maxlen=_REMEMBERED)
        self._claim: Claim | None = None
        self._contexts: deque[str] = deque(maxlen=_MAX_CONTEXTS)
        self._denied: set[str] = set()
        self._count = 0
        self._total_bytes = 0
        self._held_bytes = 0
        self._has_warned = False
        self._watch: asyncio.Task[None] | None = None
        self._deliveries: set[asyncio.Task[None]] = set()
        self._renewals: list[asyncio.TimerHandle] = []
        self._places = asyncio.Semaphore(self.limits.deliveries_at_a_time)

    # -- how the browser treats them -----------------------------------------------------------------------

    def start(self) -> None:
        """Have the browser put its downloads into the folder, and tell of them."""
        if self.folder is not None:
            self._behave("allowAndName")

    def follow_context(self, context_id: str) -> None:
        """Do the same for a context that a client has made. The last ones alone are remembered: nobody tells when one
        ends, and to say it to one again does no harm."""
        if self.folder is None or context_id in self._contexts:
            return
        self._contexts.append(context_id)
        if context_id not in self._denied:
            self._behave("allowAndName", context_id)

    def deny(self, context_id: str) -> None:
        """A client wants no downloads in a context, the default one where the id is empty, until ``renew``."""
        if len(self._denied) < _MAX_CONTEXTS:
            self._denied.add(context_id)

    def renew(self) -> None:
        """A client that had its own wishes has gone, and with it what the browser did with downloads."""
        self._denied.clear()
        self._cancel_renewals()
        if self.folder is not None:
            loop = asyncio.get_running_loop()
            self._renewals = [loop.call_later(seconds, self._behave, "allowAndName") for seconds in _RENEWALS_SECONDS]

    def _behave(self, behavior: str, context_id: str = "") -> None:
        params: dict[str, Any] = {"behavior": behavior, "eventsEnabled": behavior != "default"}
        if behavior == "allowAndName":
            params["downloadPath"] = str(self.folder)
        if context_id:
            params["browserContextId"] = context_id
        self._connection.post("Browser.setDownloadBehavior", params)

    # -- for an action -------------------------------------------------------------------------------------

    @contextmanager
    def claim(self) -> Iterator[Claim]:
        """Hold the downloads that begin inside the block until one of them is taken; what is left of that one is gone
        after, and the others are nobody's."""
        claim = self._claim = Claim()
        if self.folder is None:
            # Somebody else's browser: it tells of the download, which is then loaded in another way.
            self._behave("deny")
        try:
            yield claim
        finally:
            self._claim = None
            if self.folder is None:
                self._behave("default")
            if (download := claim.taken) is None:
                self._let_go(claim.downloads)
            elif self.folder is not None:
                if not download.ended.is_set():
                    self._give_up(download, "the action has ended")
                self._remove(download)

    def take(self, claim: Claim, download: Download) -> None:
        """The action has found its download."""
        claim.taken = download
        self._let_go([each for each in claim.downloads if each is not download])

    def _let_go(self, downloads: list[Download]) -> None:
        for download in downloads:
            download.is_claimed = False
            if download.ended.is_set():
                self._settle(download)

    def read(self, download: Download) -> bytes:
        """The whole file of a claimed download. Raises ``OSError``, ``ValueError``."""
        with OpenFile(self._path(download), self.limits.file_bytes) as file:
            return file.read()

    def brought_by(self, frame_id: str, url: str) -> Download | None:
        """The last download of that address in that frame, if no action had it."""
        found = (each for each in reversed(self._recent) if (each.frame_id, each.url) == (frame_id, url))
        return next((each for each in found if not each.is_claimed), None)

    # -- events --------------------------------------------------------------------------------------------

    def on_event(self, method: str, params: dict[str, Any]) -> None:
        """What the browser tells of a download."""
        guid = str(params.get("guid", ""))
        if method == "Browser.downloadWillBegin":
            if guid not in self._running:
                self._begin(guid, params)
        elif (download := self._running.get(guid)) is not None:
            self._progress(download, params)

    def _begin(self, guid: str, params: dict[str, Any]) -> None:
        loop = asyncio.get_running_loop()
        url, name = str(params.get("url", "")), str(params.get("suggestedFilename", ""))
        download = Download(guid, url, name, str(params.get("frameId", "")), loop.time())
        claim = self._claim
        if claim is not None and claim.taken is None and len(claim.downloads) < self.limits.at_a_time:
            claim.downloads.append(download)
            download.is_claimed = True
        elif self.folder is None:
            return
        self._count += 1
        self._running[guid] = download
        self._recent.append(download)
        if not _GUID.fullmatch(guid):
            self._give_up(download, "the browser gave it no proper number")
        elif not download.is_claimed and self._count > self.limits.in_all:
            self._give_up(download, f"the session had {self.limits.in_all} before it")
        elif not download.is_claimed and len(self._running) > self.limits.at_a_time:
            self._give_up(download, f"{self.limits.at_a_time} others are running")
        elif self.folder is not None and (self._watch is None or self._watch.done()):
            self._watch = loop.create_task(self._watched(), name="watch downloads")

    def _progress(self, download: Download, params: dict[str, Any]) -> None:
        download.received_bytes = max(download.received_bytes, int(params.get("receivedBytes", 0)))
        match params.get("state"):
            case "completed":
                self._end(download)
            case "canceled":
                self._end(download, "it was cancelled or broke off")
            case _:
                self._check(download, int(params.get("totalBytes", 0)))

    def _check(self, download: Download, total_bytes: int = 0) -> None:
        """Give one up that goes beyond a bound."""
        size = max(download.received_bytes, total_bytes)
        running = sum(each.received_bytes for each in self._running.values())
        if size > self.limits.file_bytes:
            self._give_up(download, f"it is larger than {self.limits.file_bytes // 1024**2} MiB")
        elif self._total_bytes + running > self.limits.total_bytes:
            self._give_up(download, f"the session's downloads came to {self.limits.total_bytes // 1024**2} MiB")
        elif self._held_bytes + running > self.limits.held_bytes:
            self._give_up(download, f"{self.limits.held_bytes // 1024**2} MiB of downloads are waiting to be kept")
        elif asyncio.get_running_loop().time() > download.begun_at + self.limits.seconds:
            self._give_up(download, f"it did not end within {self.limits.seconds:g} s")

    async def _watched(self) -> None:
        """The browser tells how far it has come twice a second; a fast download is beyond any bound by then."""
        while self._running and not self._connection.closed.done():
            await asyncio.sleep(_LOOK_SECONDS)
            for download in list(self._running.values()):
                with contextlib.suppress(OSError):
                    part = self._path(download, _PART_SUFFIX).stat(follow_symlinks=False)
                    download.received_bytes = max(download.received_bytes, part.st_size)
                self._check(download)

    def _give_up(self, download: Download, problem: str) -> None:
        for context_id in ("", *self._contexts):
            place = {"browserContextId": context_id} if context_id else {}
            self._connection.post("Browser.cancelDownload", {"guid": download.guid, **place})
        self._end(download, problem)

    def _end(self, download: Download, problem: str = "") -> None:
        if self._running.pop(download.guid, None) is None:
            return
        download.problem = problem
        download.ended.set()
        if problem:
            self._remove(download)
        if not download.is_claimed:
            self._settle(download)

    def _settle(self, download: Download) -> None:
        """See to one that has ended and that no action wants."""
        if not download.problem and self.deliver is not None:
            self._hand_over(download, self.deliver)
            return
        if download.problem:
            log.info("a download was not kept: %s", download.problem)
        self._remove(download)
        download.settled.set()

    # -- what is complete ----------------------------------------------------------------------------------

    def _hand_over(self, download: Download, deliver: Deliver) -> None:
        try:
            # Whatever happens to the folder from now on, the file can be read.
            file = OpenFile(self._path(download), self.limits.file_bytes)
        except (OSError, ValueError) as error:
            download.problem = str(error)
            log.warning("a downloaded file cannot be read: %s", error)
            download.settled.set()
            return
        finally:
            self._remove(download)
        self._total_bytes += file.size
        self._held_bytes += file.size
        task = asyncio.create_task(self._delivered(download, file, deliver), name="hand over a download")
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def _delivered(self, download: Download, file: OpenFile, deliver: Deliver) -> None:
        try:
            async with self._places, asyncio.timeout(self.limits.seconds):
                download.kept_as = await deliver(download, file)
        except Exception as error:
            download.problem = f"it could not be kept: {error}"
            report = log.debug if self._has_warned else log.warning
            self._has_warned = True
            report("a download of %d bytes could not be kept: %s", file.size, error or type(error).__name__)
        finally:
            file.close()
            self._held_bytes -= file.size
            download.settled.set()

    async def drain(self, timeout_seconds: float) -> None:
        """Wait for the deliveries that are running; what is not done by then, or when the waiting is cancelled, is
        given up."""
        late = set(self._deliveries)
        if not late:
            return
        try:
            _, late = await asyncio.wait(late, timeout=timeout_seconds)
        finally:
            for task in late:
                task.cancel()
        if late:
            log.warning("%d downloads were not kept within %g s of their session's end", len(late), timeout_seconds)
            await asyncio.wait(late, timeout=timeout_seconds)

    def close(self) -> None:
        """Follow nothing any more. What is being handed over goes on; see ``drain``."""
        self._cancel_renewals()
        if self._watch is not None:
            self._watch.cancel()
        for download in list(self._running.values()):
            self._end(download, "the browser has gone")

    def _cancel_renewals(self) -> None:
        for renewal in self._renewals:
            renewal.cancel()
        self._renewals = []

    def _path(self, download: Download, suffix: str = "") -> Path:
        if self.folder is None or not _GUID.fullmatch(download.guid):
            raise ValueError("it has no place")
        return self.folder / f"{download.guid}{suffix}"

    def _remove(self, download: Download) -> None:
        for suffix in ("", _PART_SUFFIX):
            with contextlib.suppress(OSError, ValueError):
                self._path(download, suffix).unlink()
