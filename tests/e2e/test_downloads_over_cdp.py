"""Downloads that a CDP client sets off, or that come while one is connected, are handed out like any other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Browser, async_playwright

from noctule.browser.commands import CommandFailed, Goto
from tests.e2e.download_stage import SESSION, DownloadStage, staged, until
from tests.support.download_site import content, sha256
from tests.unit.browser.relay.stage import SESSION as GATE_SESSION
from tests.unit.browser.relay.stage import TOKEN, Gate, server_config

pytestmark = pytest.mark.slow

_BROWSERS = pytest.mark.parametrize("chromium", [False, True], ids=["shell", "chromium"])


@asynccontextmanager
async def _connected(stage: DownloadStage) -> AsyncIterator[Browser]:
    """Playwright, connected through the relay to the session."""
    gate = Gate(0, "", Path())
    door = stage.node.door(SESSION)
    assert door is not None
    gate.door = door
    server = uvicorn.Server(server_config(gate))
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with async_playwright() as playwright:
            url = f"ws://127.0.0.1:{port}/sessions/{GATE_SESSION}/cdp?token={TOKEN}"
            yield await playwright.chromium.connect_over_cdp(url)
    finally:
        server.should_exit = True
        await serving


@_BROWSERS
def test_playwrights_downloads_are_its_own_and_the_sessions(chromium: bool, tmp_path: Path) -> None:
    async def act(stage: DownloadStage) -> None:
        async with _connected(stage) as browser:
            page = browser.contexts[0].pages[0]
            await page.goto(stage.site.url())
            for control, name, seed in (("attachment", "report.csv", "attachment"), ("blob", "made.bin", "blob")):
                stage.keeper.kept.clear()
                async with page.expect_download() as expected:
                    await page.click(f"#{control}")
                download = await expected.value
                assert download.suggested_filename == name
                assert await download.failure() is None
                (kept,) = await stage.kept()
                assert (kept.name, kept.hash) == (name, sha256(content(seed)))
            async with page.expect_download() as expected:
                await page.click("#breaks")
            assert await (await expected.value).failure() == "canceled"
            async with page.expect_download() as expected:
                await page.click("#stall")
            download = await expected.value
            await download.cancel()
            assert await download.failure() == "canceled"
        await stage.empty()

    staged(tmp_path, act, wants_chromium=chromium)


@_BROWSERS
def test_a_context_of_a_client_brings_files_unless_it_wants_none(chromium: bool, tmp_path: Path) -> None:
    async def act(stage: DownloadStage) -> None:
        async with _connected(stage) as browser:
            page = await browser.new_page()
            await page.goto(stage.site.url())
            async with page.expect_download() as expected:
                await page.click("#attachment")
            assert await (await expected.value).failure() is None
            assert (await stage.kept())[0].hash == sha256(content("attachment"))

            session = await browser.new_browser_cdp_session()
            context_id = (await session.send("Target.createBrowserContext"))["browserContextId"]
            told: list[dict[str, Any]] = []
            session.on("Browser.downloadProgress", lambda event: told.append(event))
            wish = {"behavior": "allow", "browserContextId": context_id, "eventsEnabled": True}
            await session.send("Browser.setDownloadBehavior", wish)
            target = {"url": stage.site.url("/file?seed=raw&name=raw.bin"), "browserContextId": context_id}
            await session.send("Target.createTarget", target)
            assert (await stage.kept(2))[1].hash == sha256(content("raw"))
            assert told[-1]["filePath"] == told[-1]["guid"]

            page = await browser.new_page(accept_downloads=False)
            await page.goto(stage.site.url())
            async with page.expect_download() as expected:
                await page.click("#attachment")
            assert await (await expected.value).failure()
        await stage.empty()
        assert len(stage.keeper.kept) == 2

    staged(tmp_path, act, wants_chromium=chromium)


@_BROWSERS
def test_a_client_that_goes_takes_its_wishes_along(chromium: bool, tmp_path: Path) -> None:
    async def act(stage: DownloadStage) -> None:
        for behavior in ("allow", "allowAndName", "default", "deny"):
            async with _connected(stage) as browser:
                session = await browser.new_browser_cdp_session()
                await session.send("Browser.setDownloadBehavior", {"behavior": behavior, "downloadPath": "/etc"})
        # What the last client has left behind is put right within the next moments.
        await asyncio.sleep(1.5)
        await stage.run(Goto(stage.site.url()))
        await stage.click("#attachment")
        assert (await stage.kept())[0].hash == sha256(content("attachment"))
        await stage.empty()

    staged(tmp_path, act, wants_chromium=chromium)


def test_a_page_that_a_client_leads_to_a_file_brings_it(tmp_path: Path) -> None:
    async def act(stage: DownloadStage) -> None:
        async with _connected(stage) as browser:
            page = browser.contexts[0].pages[0]
            with pytest.raises(Exception, match="Download is starting"):
                await page.goto(stage.site.url("/report.pdf?seed=pdf"))
            (kept,) = await stage.kept()
            assert kept.hash == sha256(b"%PDF-1.4\n" + content("pdf"))
            with pytest.raises(CommandFailed, match="is a download"):
                await stage.run(Goto(stage.site.url("/report.pdf?seed=other")))
            await stage.kept(2)

    staged(tmp_path, act)
