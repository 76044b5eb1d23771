"""Files that come out of a page: what a click brings, or the file that a tab shows.

What must always hold: no more than ``MAX_FILE_BYTES`` are read; what a click brings is the action's alone, and a file
that is kept already, because the tab was sent to it, is not kept again.
"""

import asyncio
import base64
from email.message import Message
from urllib.parse import unquote, urlsplit

from noctule.browser.cdp import CdpError
from noctule.browser.commands import Acted, CommandFailed, Downloaded, DownloadFile, File
from noctule.browser.driver.acting import pointer
from noctule.browser.driver.acting.files import FILE_SCRIPTS
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.downloads import Claim, Download, Downloads
from noctule.browser.driver.files import file_name
from noctule.browser.driver.loading import load, too_large
from noctule.browser.driver.tab import Tab
from noctule.browser.driver.tabs import Tabs
from noctule.browser.driver.world import ScriptFailed
from noctule.kit.files import MAX_FILE_BYTES

_PAGE_TYPES = ("text/html", "application/xhtml+xml")
_BEGIN_SECONDS = 10.0
_POLL_SECONDS = 0.05
_TOLD_SECONDS = 1.0
_READ_BYTES = 1024 * 1024
_CLICK_SHARE = 0.5


class Downloader:
    """Brings files out of the tabs of one browser."""

    def __init__(self, downloads: Downloads, tabs: Tabs) -> None:
        self._downloads = downloads
        self._tabs = tabs

    async def download(self, tab: Tab, command: DownloadFile) -> Downloaded:
        """Raises ``CommandFailed`` where no file came, ``CdpError``."""
        deadline = Deadline(command.timeout_seconds)
        if tab.download_url and set(command.target.selectors) & {"body", "html"}:
            if (kept_as := await self._kept(tab, deadline)) is not None:
                return Downloaded(None, Acted("Saved the file of that address."), kept_as)
            file = await self._loaded(tab, tab.download_url, "", deadline)
            return Downloaded(
                file, Acted(f"Saved the file of that address, {file.name!r} ({len(file.content)} bytes).")
            )
        if await self._kind(tab, deadline) not in _PAGE_TYPES:
            return await self._shown(tab, deadline, "")
        with self._downloads.claim() as claim:
            return await self._clicked(tab, command, claim, deadline)

    async def _kept(self, tab: Tab, deadline: Deadline) -> str | None:
        """The name under which the file is kept that the tab was sent to, if it is."""
        # The tab's navigation is answered before the browser tells of the download that it became.
        told = Deadline(min(_TOLD_SECONDS if self._downloads.folder is not None else 0.0, deadline.left_seconds))
        while (brought := self._downloads.brought_by(tab.target_id, tab.download_url)) is None:
            if asyncio.get_running_loop().time() >= told.at:
                return None
            await asyncio.sleep(_POLL_SECONDS)
        try:
            async with asyncio.timeout_at(deadline.at):
                await brought.settled.wait()
        except TimeoutError:
            raise _late(brought, deadline) from None
        return brought.kept_as

    # -- by a click ----------------------------------------------------------------------------------------

    async def _clicked(self, tab: Tab, command: DownloadFile, claim: Claim, deadline: Deadline) -> Downloaded:
        known, loader_id = self._tabs.all, tab.loader_id
        found = await pointer.click(tab, command.target, Deadline(command.timeout_seconds * _CLICK_SHARE))
        acted = Acted(f"Clicked {found.name}.", found.selector, found.label)
        begin = Deadline(min(_BEGIN_SECONDS, deadline.left_seconds))
        loop = asyncio.get_running_loop()
        while (download := claim.find(found.href)) is None and loop.time() < begin.at:
            await asyncio.sleep(_POLL_SECONDS)
            opened = self._tabs.newest_from(tab, known)
            place = opened or tab
            if place.has_new_document("load", "" if opened else loader_id) and place.url != "about:blank":
                kind = await self._kind(place, deadline)
                if kind not in _PAGE_TYPES:
                    return await self._shown(place, deadline, found.name)
        if download is None:
            raise CommandFailed(
                "ActionExecutionError",
                f"No file came when {found.name} was clicked; if it leads to a page with the file, "
                "download it from there",
            )
        self._downloads.take(claim, download)
        if self._downloads.folder is None:
            return Downloaded(await self._loaded(tab, download.url, download.name, deadline), acted)
        file = File(file_name(download.name or "download"), await self._received(download, deadline))
        told = f"Clicked {found.name} and downloaded {file.name!r} ({len(file.content)} bytes)."
        return Downloaded(file, Acted(told, found.selector, found.label))

    async def _received(self, download: Download, deadline: Deadline) -> bytes:
        try:
            async with asyncio.timeout_at(deadline.at):
                await download.ended.wait()
        except TimeoutError:
            raise _late(download, deadline) from None
        if download.problem:
            raise CommandFailed("ActionExecutionError", f"The file was not downloaded: {download.problem}")
        try:
            return await asyncio.to_thread(self._downloads.read, download)
        except (OSError, ValueError) as error:
            raise CommandFailed("ActionExecutionError", f"The downloaded file cannot be read: {error}") from None

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


def _late(download: Download, deadline: Deadline) -> CommandFailed:
    return CommandFailed(
        "ActionExecutionError",
        f"The download did not end within {deadline.seconds:g} s; {download.received_bytes} bytes had come",
    )
