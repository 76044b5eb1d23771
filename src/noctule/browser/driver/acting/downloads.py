"""Files that come out of a page: what a click brings, or the file that a tab shows.

What must always hold: no more than ``MAX_FILE_BYTES`` are read; a file is gone from the session's folder once it was
read; what a browser put into that folder is opened as the plain file that it must be, never followed elsewhere.
"""

import asyncio
import base64
import contextlib
import os
import re
import stat
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from noctule.browser.cdp import CdpConnection, CdpError
from noctule.browser.commands import Acted, CommandFailed, Downloaded, DownloadFile, File
from noctule.browser.driver.acting import pointer
from noctule.browser.driver.acting.files import FILE_SCRIPTS, MAX_FILE_BYTES, file_name
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.loading import load, too_large
from noctule.browser.driver.tab import Tab
from noctule.browser.driver.tabs import Tabs
from noctule.browser.driver.world import ScriptFailed

_PAGE_TYPES = ("text/html", "application/xhtml+xml")
_BEGIN_SECONDS = 10.0
_POLL_SECONDS = 0.05
_READ_BYTES = 1024 * 1024
_CLICK_SHARE = 0.5
_GUID = re.compile(r"[0-9A-Za-z-]{8,64}")


@dataclass(slots=True)
class _Download:
    guid: str
    url: str
    name: str
    state: str = "inProgress"
    received_bytes: int = 0


class Downloads:
    """Brings files out of one browser. ``folder`` is where it may put them, ``None`` if that is not ours to read."""

    def __init__(self, connection: CdpConnection, tabs: Tabs) -> None:
        self.folder: Path | None = None
        self._connection = connection
        self._tabs = tabs
        self._found: dict[str, _Download] = {}

    async def download(self, tab: Tab, command: DownloadFile) -> Downloaded:
        """Raises ``CommandFailed`` where no file came, ``CdpError``."""
        deadline = Deadline(command.timeout_seconds)
        if tab.download_url and set(command.target.selectors) & {"body", "html"}:
            file = await self._loaded(tab, tab.download_url, "", deadline)
            return Downloaded(
                file, Acted(f"Saved the file of that address, {file.name!r} ({len(file.content)} bytes).")
            )
        if await self._kind(tab, deadline) not in _PAGE_TYPES:
            return await self._shown(tab, deadline, "")
        self._found = {}
        self._tabs.on_download = self._on_event
        behavior: dict[str, Any] = {"behavior": "deny", "eventsEnabled": True}
        if self.folder is not None:
            behavior |= {"behavior": "allowAndName", "downloadPath": str(self.folder)}
        await self._connection.call("Browser.setDownloadBehavior", behavior, timeout_seconds=deadline.left_seconds)
        try:
            return await self._clicked(tab, command, deadline)
        finally:
            self._tabs.on_download = None
            self._connection.post("Browser.setDownloadBehavior", {"behavior": "default"})
            self._clear()

    # -- by a click ----------------------------------------------------------------------------------------

    async def _clicked(self, tab: Tab, command: DownloadFile, deadline: Deadline) -> Downloaded:
        known, loader_id = self._tabs.all, tab.loader_id
        found = await pointer.click(tab, command.target, Deadline(command.timeout_seconds * _CLICK_SHARE))
        acted = Acted(f"Clicked {found.name}.", found.selector, found.label)
        begin = Deadline(min(_BEGIN_SECONDS, deadline.left_seconds))
        loop = asyncio.get_running_loop()
        while not self._found and loop.time() < begin.at:
            await asyncio.sleep(_POLL_SECONDS)
            opened = self._tabs.newest_from(tab, known)
            place = opened or tab
            if place.has_new_document("load", "" if opened else loader_id) and place.url != "about:blank":
                kind = await self._kind(place, deadline)
                if kind not in _PAGE_TYPES:
                    return await self._shown(place, deadline, found.name)
        if not self._found:
            raise CommandFailed(
                "ActionExecutionError",
                f"No file came when {found.name} was clicked; if it leads to a page with the file, "
                "download it from there",
            )
        download = next(iter(self._found.values()))
        if self.folder is None:
            return Downloaded(await self._loaded(tab, download.url, download.name, deadline), acted)
        file = File(file_name(download.name or "download"), await self._received(download, self.folder, deadline))
        told = f"Clicked {found.name} and downloaded {file.name!r} ({len(file.content)} bytes)."
        return Downloaded(file, Acted(told, found.selector, found.label))

    async def _received(self, download: _Download, folder: Path, deadline: Deadline) -> bytes:
        loop = asyncio.get_running_loop()
        while download.state == "inProgress":
            if download.received_bytes > MAX_FILE_BYTES or loop.time() >= deadline.at:
                self._connection.post("Browser.cancelDownload", {"guid": download.guid})
                if download.received_bytes > MAX_FILE_BYTES:
                    raise too_large(MAX_FILE_BYTES)
                raise CommandFailed(
                    "ActionExecutionError",
                    f"The download did not end within {deadline.seconds:g} s; {download.received_bytes} bytes had come",
                )
            await asyncio.sleep(_POLL_SECONDS)
        if download.state != "completed" or not _GUID.fullmatch(download.guid):
            raise CommandFailed("ActionExecutionError", "The download was cancelled or broke off")
        try:
            return await asyncio.to_thread(read_file, folder / download.guid)
        except (OSError, ValueError) as error:
            raise CommandFailed("ActionExecutionError", f"The downloaded file cannot be read: {error}") from None

    def _on_event(self, method: str, params: dict[str, Any]) -> None:
        guid = str(params.get("guid", ""))
        if method == "Browser.downloadWillBegin":
            name = str(params.get("suggestedFilename", ""))
            self._found[guid] = _Download(guid, str(params.get("url", "")), name)
        elif (download := self._found.get(guid)) is not None:
            download.state = str(params.get("state", download.state))
            download.received_bytes = int(params.get("receivedBytes", 0))

    def _clear(self) -> None:
        for guid in self._found:
            if self.folder is not None and _GUID.fullmatch(guid):
                with contextlib.suppress(OSError):
                    (self.folder / guid).unlink()

    # -- what a tab shows ----------------------------------------------------------------------------------

    async def _kind(self, tab: Tab, deadline: Deadline) -> str:
        try:
            kind: str = await tab.world.run(FILE_SCRIPTS, "acting.contentType", deadline=deadline)
        except CdpError:
            return _PAGE_TYPES[0]
        return kind

    async def _shown(self, tab: Tab, deadline: Deadline, clicked: str) -> Downloaded:
        """The file that a tab shows instead of a page."""
        file = await self._loaded(tab, tab.url, "", deadline)
        how = f"Clicked {clicked} and saved" if clicked else "Saved"
        return Downloaded(file, Acted(f"{how} the file that the tab shows, {file.name!r} ({len(file.content)} bytes)."))

    async def _loaded(self, tab: Tab, url: str, name: str, deadline: Deadline) -> File:
        """Load an address once more, the way that the page itself would."""
        if not url.startswith(("http://", "https://")):
            return File(file_name(name or "download"), await self._resource(tab, url, deadline))
        async with load(tab, url, deadline, failure_kind="ActionExecutionError") as file:
            content = await file.read(MAX_FILE_BYTES, deadline)
        return File(file_name(name or name_of(url, file.headers)), content)

    async def _resource(self, tab: Tab, url: str, deadline: Deadline) -> bytes:
        """An address that only the page can load."""
        content = bytearray()
        try:
            size = int(await tab.world.run(FILE_SCRIPTS, "acting.load", url, deadline=deadline))
            if size > MAX_FILE_BYTES:
                raise too_large(MAX_FILE_BYTES)
            for begin in range(0, size, _READ_BYTES):
                end = min(size, begin + _READ_BYTES)
                part = await tab.world.run(FILE_SCRIPTS, "acting.readLoaded", begin, end, deadline=deadline)
                content += base64.b64decode(part)
        except (CdpError, ScriptFailed) as error:
            raise CommandFailed("ActionExecutionError", f"The file cannot be read in the page: {error}") from None
        return bytes(content)


def name_of(url: str, headers: dict[str, str]) -> str:
    """What to call a file: by its ``content-disposition`` (RFC 6266), else by its address."""
    message = Message()
    message["content-disposition"] = headers.get("content-disposition", "").replace("\n", " ").replace("\r", " ")
    return message.get_filename() or unquote(urlsplit(url).path.rsplit("/", 1)[-1]) or "download"


def read_file(path: Path) -> bytes:
    """The plain file at that place. Raises ``OSError``, ``ValueError`` for anything else that is there."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise ValueError("it is not a plain file")
        if found.st_size > MAX_FILE_BYTES:
            raise ValueError(f"it is larger than {MAX_FILE_BYTES // 1024**2} MiB")
        return file.read(MAX_FILE_BYTES + 1)
