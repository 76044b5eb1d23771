"""Files that go into a page and come from an address: the browser loads them, as the page itself would.

What must always hold: nothing of this server's own network is reached; the address goes out through the session's
egress, which judges it, and what comes is bounded like any file.
"""

from dataclasses import replace

from noctule.browser.commands import CommandFailed, File, RemoteFile, UploadFile
from noctule.browser.driver.acting.downloads import name_of
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.files import file_name
from noctule.browser.driver.loading import load
from noctule.browser.driver.tab import Tab
from noctule.kit.files import MAX_FILE_BYTES


async def fetched(tab: Tab, command: UploadFile) -> UploadFile:
    """The command with its file at hand, and with the time that is left. Raises ``CommandFailed``, ``CdpError``."""
    if not isinstance(command.file, RemoteFile):
        return command
    url, deadline = command.file.url, Deadline(command.timeout_seconds)
    if not tab.url.startswith(("http://", "https://")):
        raise CommandFailed("InvalidActionError", "Open a page before a file is uploaded to it from an address")
    async with load(tab, url, deadline, failure_kind="ActionExecutionError") as incoming:
        content = await incoming.read(MAX_FILE_BYTES, deadline)
    file = File(file_name(name_of(url, incoming.headers)), content)
    return replace(command, file=file, timeout_seconds=deadline.left_seconds)
