"""Acting on the rows of the site's tables: the command that a row means, and whether the page has recorded it."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

from noctule.browser.commands import (
    Click,
    Command,
    CommandFailed,
    Downloaded,
    DownloadFile,
    EvaluateJs,
    File,
    Fill,
    PressKey,
    SelectOption,
    SwitchTab,
    Target,
    UploadFile,
)
from tests.e2e.acting_stage import Stage
from tests.support.site import Row, Step, rows


class Find(Protocol):
    """How a control is found: by a selector or by an id."""

    async def __call__(self, stage: Stage, step: Step, *, is_there: bool) -> Target:
        """Raises ``CommandFailed`` if it is not; ``is_there`` says that it is, or soon will be."""
        ...


_LOGGED_ATTEMPTS = 80
_LOGGED_PAUSE_SECONDS = 0.04
_TIMEOUT_SECONDS = 8.0
_IN_VAIN_SECONDS = 0.3
_QUIET_SECONDS = 0.15
_FILE = File("a.txt", b"hello")
# What a person types into parts of such a field; a value is given to it whole.
_TYPED_IN_PARTS = ("05172031", "0730AM")
# Where we differ from the tables: dialogs are dismissed, and lists of several keep what is chosen.
_OTHERWISE = {
    "answered confirm=true": "answered confirm=false",
    "answered prompt=Ada": "answered prompt=null",
    "change toppings=egg": "change toppings=onion+egg",
}


async def perform_all(stage: Stage, page: str, find: Find, wants: Callable[[Row], bool]) -> None:
    """Act on the rows of a page that are wanted, each on a page of its own, and see that all went as they say."""
    wrong = []
    for row in rows():
        if row.page != page or row.act in ("–", "drag") or row.value in _TYPED_IN_PARTS or not wants(row):
            continue
        try:
            reason = await _perform(stage, row, find)
        except CommandFailed as failed:
            reason = f"{failed.kind}: {failed.message}"
        if reason:
            wrong.append(
                f"{row.step.frame}/{row.step.host}>{row.step.id} · {row.act} {row.value} · {row.logs}: {reason}"
            )
    assert not wrong, "\n" + "\n".join(wrong)


async def _perform(stage: Stage, row: Row, find: Find) -> str | None:
    """Act; answers what was wrong, if anything was."""
    await stage.open(row.page)
    for step in row.before:
        target = await find(stage, step, is_there=True)
        await stage.run(UploadFile(target, _FILE) if step.id == "recording" else Click(target))
    if row.logs == "nothing":
        return await _perform_in_vain(stage, row, find)
    target = await find(stage, row.step, is_there=True)
    try:
        return await _perform_on(stage, row, target)
    except CommandFailed as failed:
        if "observe again" not in failed.message:
            raise
        return await _perform_on(stage, row, await find(stage, row.step, is_there=True))


async def _perform_on(stage: Stage, row: Row, target: Target) -> str | None:
    if row.logs.startswith("downloads "):
        downloaded = await stage.run(DownloadFile(target))
        assert isinstance(downloaded, Downloaded)
        assert downloaded.file is not None
        return None if downloaded.file.name == row.logs.removeprefix("downloads ") else downloaded.file.name
    await _act(stage, row, target, _TIMEOUT_SECONDS)
    wanted = _OTHERWISE.get(row.logs, row.logs)
    entries: list[str] = []
    for _ in range(_LOGGED_ATTEMPTS):
        entries = await _recorded(stage)
        if wanted in entries or (wanted.endswith("…") and any(one.startswith(wanted[:-1]) for one in entries)):
            return None
        await asyncio.sleep(_LOGGED_PAUSE_SECONDS)
    return f"recorded {entries}"


async def _perform_in_vain(stage: Stage, row: Row, find: Find) -> str | None:
    before = await stage.value("window.events")
    with contextlib.suppress(CommandFailed):
        await _act(stage, row, await find(stage, row.step, is_there=False), _IN_VAIN_SECONDS)
    await asyncio.sleep(_QUIET_SECONDS)
    new = (await stage.value("window.events"))[len(before) :]
    return f"recorded {new}" if any(row.step.id in entry for entry in new) else None


async def _act(stage: Stage, row: Row, target: Target, timeout_seconds: float) -> None:
    command: Command
    match row.act:
        case "click" if "a.txt" in row.logs:
            command = UploadFile(target, _FILE, timeout_seconds=timeout_seconds)
        case "click":
            command = Click(target, timeout_seconds=timeout_seconds)
        case "type" if row.logs.startswith("code "):
            command = Fill(target, row.value, typing="code", timeout_seconds=timeout_seconds)
        case "type" | "set":
            command = Fill(target, row.value.removesuffix("⇥"), timeout_seconds=timeout_seconds)
        case "select":
            command = SelectOption(target, row.value, timeout_seconds=timeout_seconds)
        case "press":
            inside = f".getElementById('{row.step.host}').shadowRoot" if row.step.host else ""
            await stage.run(EvaluateJs(f"document{inside}.getElementById('{row.step.id}').focus()"))
            command = PressKey(row.value)
        case _:
            raise AssertionError(f"no such act: {row.act}")
    await stage.run(command)
    if row.value.endswith("⇥"):
        await stage.run(PressKey("Tab"))


async def _recorded(stage: Stage) -> list[str]:
    """What was recorded in all tabs; the tab that is in front stays there."""
    entries: list[str] = []
    number = 0
    while True:
        # A tab may be just closing itself.
        with contextlib.suppress(CommandFailed):
            entries += await stage.value("[...(window.events ?? []), ...(window.untrusted ?? [])]")
        try:
            await stage.run(SwitchTab(number))
        except CommandFailed:
            break
        number += 1
    return entries
