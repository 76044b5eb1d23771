"""Files that go into a page.

A file is put together inside of the page, so that it needs no place that the browser could read on this machine, and
a browser on another machine gets it just the same.
"""

import asyncio
import base64
import mimetypes

from noctule.browser.cdp import CdpError
from noctule.browser.commands import Acted, CommandFailed, File, RemoteFile, UploadFile
from noctule.browser.driver.acting import pointer
from noctule.browser.driver.acting.locating import SCRIPTS, Spot, reach
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.files import file_name
from noctule.browser.driver.tab import Tab
from noctule.browser.driver.world import ObjectArgument
from noctule.kit.files import MAX_FILE_BYTES

FILE_SCRIPTS = (*SCRIPTS, "files")

_PART_BYTES = 3 * 1024 * 1024
_CHOOSER_SECONDS = 3.0


async def upload(tab: Tab, command: UploadFile) -> Acted:
    """Give a file that is at hand to a file field. Raises ``CommandFailed``, ``CdpError``."""
    file = command.file
    if isinstance(file, RemoteFile):
        raise TypeError("the file has to be loaded first")
    if len(file.content) > MAX_FILE_BYTES:
        raise CommandFailed("InvalidActionError", f"The file is larger than {MAX_FILE_BYTES // 1024**2} MiB")
    deadline = Deadline(command.timeout_seconds)
    target = command.target
    options = {"select": not target.selectors}
    spot, answer = await reach(tab, target, "acting.fileField", options, deadline, FILE_SCRIPTS)
    found = await pointer.found(spot, answer, target, deadline)
    if not answer["isField"]:
        spot = await _choose(tab, spot, found.name, deadline)
    name = file_name(file.name)
    await _give(spot, File(name, file.content), found.name, deadline)
    return Acted(f"Uploaded {name!r} to {found.name}.", found.selector, found.label)


async def _choose(tab: Tab, spot: Spot, name: str, deadline: Deadline) -> Spot:
    """Click what opens a file chooser; answers the world of the field that the chooser is for, which is held there."""
    tab.choosers.clear()
    await tab.call("Page.setInterceptFileChooserDialog", {"enabled": True}, timeout_seconds=deadline.left_seconds)
    try:
        clicked = await pointer.click_held(tab, spot, 0, deadline)
        if clicked.get("failed"):
            raise CommandFailed("ActionExecutionError", f"{name} could not be clicked to open a file chooser")
        wait = Deadline(min(_CHOOSER_SECONDS, deadline.left_seconds))
        if not await tab.until(lambda: bool(tab.choosers), wait):
            raise CommandFailed(
                "ActionExecutionError",
                f"No file chooser opened when {name} was clicked; choose the file field itself or what opens it",
            )
    finally:
        tab.post("Page.setInterceptFileChooserDialog", {"enabled": False})
    if not tab.choosers[-1]:
        raise CommandFailed("ActionExecutionError", f"The file chooser of {name} belongs to no field of the page")
    page = Spot(tab.world)
    field = ObjectArgument(await tab.world.adopt(tab.choosers[-1], deadline))
    await page.run("acting.holdField", field, deadline=deadline, scripts=FILE_SCRIPTS)
    return page


async def _give(spot: Spot, file: File, name: str, deadline: Deadline) -> None:
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    try:
        async with asyncio.timeout_at(deadline.at):
            await spot.run("acting.beginFile", deadline=deadline, scripts=FILE_SCRIPTS)
            for begin in range(0, len(file.content), _PART_BYTES):
                part = base64.b64encode(file.content[begin : begin + _PART_BYTES]).decode()
                await spot.run("acting.addToFile", part, deadline=deadline, scripts=FILE_SCRIPTS)
            given = await spot.run("acting.giveFile", file.name, kind, deadline=deadline, scripts=FILE_SCRIPTS)
    except TimeoutError:
        raise CommandFailed(
            "ActionExecutionError", f"The file could not be put into {name} within {deadline.seconds:g} s"
        ) from None
    except CdpError as error:
        raise CommandFailed("ActionExecutionError", f"The file could not be put into {name}: {error}") from None
    if not given:
        raise CommandFailed("ActionExecutionError", f"{name} went away while the file was put into it; observe again")
