"""The frames that a document cannot look into are found, whatever the reason, and the others are not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from noctule.browser.cdp import CdpConnection
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.frames import Frames
from noctule.browser.driver.world import ObjectArgument, World
from tests.support.launchers import run_bounded, started
from tests.support.ports import free_port

pytestmark = pytest.mark.slow

_INNER = "<iframe id=deep sandbox srcdoc='deep'></iframe>"
_PAGE = (
    f'<iframe id=readable srcdoc="{_INNER}"></iframe><iframe id=sandboxed sandbox srcdoc="x"></iframe>'
    "<iframe id=elsewhere src='data:text/html,<iframe id=below srcdoc=x></iframe>'></iframe>"
)


@asynccontextmanager
async def _page(folder: Path, html: str) -> AsyncIterator[tuple[CdpConnection, World]]:
    async with started(folder) as launcher:
        process = await launcher.launch(wants_chromium=False, proxy_port=free_port())
        connection = await CdpConnection.connect(process.host, process.port, process.path)
        try:
            targets = (await connection.call("Target.getTargets"))["targetInfos"]
            target_id = next(target["targetId"] for target in targets if target["type"] == "page")
            attached = await connection.call("Target.attachToTarget", {"targetId": target_id, "flatten": True})
            session_id = attached["sessionId"]
            loaded = {"expression": "new Promise(r => document.readyState == 'complete' ? r() : onload = r)"}
            await connection.call("Page.enable", session_id=session_id)
            await connection.call("Page.navigate", {"url": f"data:text/html,{quote(html)}"}, session_id=session_id)
            await connection.call("Runtime.evaluate", {**loaded, "awaitPromise": True}, session_id=session_id)
            yield connection, World(connection, session_id, target_id)
        finally:
            connection.abort()
            await process.destroy()


def test_frames_of_no_origin_are_found_with_their_elements(tmp_path: Path) -> None:
    async def test() -> None:
        async with _page(tmp_path, _PAGE) as (connection, page):
            deadline = Deadline(20)
            tree = Frames(connection, page)
            found = await tree.find(deadline)
            names: list[Any] = [
                await frame.parent.run(
                    ("playwright", "locate"), "acting.selectorOf", ObjectArgument(frame.owner), deadline=deadline
                )
                for frame in found
            ]
            assert sorted(names) == ["#elsewhere", "#readable >> internal:control=enter-frame >> #deep", "#sandboxed"]
            assert {frame.parent for frame in found} == {page}
            again = await tree.find(deadline)
            assert {frame.world for frame in again} == {frame.world for frame in found}

    run_bounded(test)


def test_a_page_without_frames_has_none(tmp_path: Path) -> None:
    async def test() -> None:
        async with _page(tmp_path, "nothing") as (connection, page):
            assert await Frames(connection, page).find(Deadline(20)) == ()

    run_bounded(test)
