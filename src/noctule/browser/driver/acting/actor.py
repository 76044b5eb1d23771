"""The door of this package: one command, carried out on one tab.

Before an action the state of the tab is noted; after it, what the action set off is waited for and told.
"""

from dataclasses import replace

from noctule.browser.commands import (
    Acted,
    Acting,
    Check,
    Click,
    CommandFailed,
    DownloadFile,
    Fill,
    FormFill,
    PressKey,
    Result,
    Scroll,
    SelectOption,
    UploadFile,
)
from noctule.browser.driver.acting import fields, keyboard, pointer
from noctule.browser.driver.acting.downloads import Downloader
from noctule.browser.driver.acting.files import upload
from noctule.browser.driver.acting.forms import fill_form
from noctule.browser.driver.acting.keys import combination
from noctule.browser.driver.acting.options import select_option
from noctule.browser.driver.acting.remote import fetched
from noctule.browser.driver.acting.scrolling import scroll
from noctule.browser.driver.acting.settling import before, settle
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.downloads import Downloads
from noctule.browser.driver.tab import Tab
from noctule.browser.driver.tabs import Tabs
from noctule.browser.relay.keys import is_harmless

_KEY_SECONDS = 10.0


class Actor:
    """Acts on the tabs of one browser. ``has_window`` says that it has shortcuts of its own, as full Chromium does."""

    def __init__(self, downloads: Downloads, tabs: Tabs) -> None:
        self._downloader = Downloader(downloads, tabs)
        self.has_window = True
        self._tabs = tabs

    async def run(self, tab: Tab, command: Acting) -> Result:
        """Carry out one command. Raises ``CommandFailed``, ``CdpError``."""
        tab.must_live()
        was = before(self._tabs, tab)
        async with tab.stopping_scripts():
            if isinstance(command, DownloadFile):
                return await self._downloader.download(tab, command)
            acted = await self._carry_out(tab, command)
        notes = await settle(self._tabs, tab, was)
        return replace(acted, message=acted.message + notes)

    async def _carry_out(self, tab: Tab, command: Acting) -> Acted:
        match command:
            case PressKey():
                await keyboard.send(tab, self._strokes(command.key), Deadline(_KEY_SECONDS))
                return Acted(f"Pressed {command.key}.")
            case Scroll():
                return await scroll(tab, command)
            case Click():
                acted = await _click(tab, command)
            case Fill():
                acted = await fields.fill(tab, command)
            case Check():
                acted = await fields.check(tab, command)
            case SelectOption():
                acted = await select_option(tab, command)
            case UploadFile():
                acted = await upload(tab, await fetched(tab, command))
            case FormFill():
                return await fill_form(tab, command)
            case DownloadFile():
                raise AssertionError("a download has an answer of its own")
        if command.press_enter:
            await keyboard.send(tab, keyboard.stroke(keyboard.ENTER), Deadline(_KEY_SECONDS))
        return acted

    def _strokes(self, key: str) -> list[keyboard.Call]:
        """The events of a key. One that may open a page of the browser's own is refused."""
        calls = keyboard.stroke(combination(key))
        if self.has_window and not all(is_harmless(params) for _, params in calls):
            raise CommandFailed(
                "InvalidActionError", f"{key[:80]} is a shortcut of the browser itself, not of the page, and is refused"
            )
        return calls


async def _click(tab: Tab, command: Click) -> Acted:
    found = await pointer.click(tab, command.target, Deadline(command.timeout_seconds))
    note = f" A script clicked it, because the mouse could not. {found.by_script}." if found.by_script else ""
    return Acted(f"Clicked {found.name}.{note}", found.selector, found.label)
