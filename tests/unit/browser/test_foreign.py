"""Driving somebody else's browser: one that another node runs stands in for it."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from noctule.browser.commands import (
    BrowserGone,
    BrowserSpec,
    CommandFailed,
    Evaluated,
    EvaluateJs,
    Goto,
)
from noctule.browser.foreign import Place
from noctule.browser.launcher import Launcher
from tests.support.nodes import running_node

BLANK_PROXY_PORT = 9


@pytest.mark.parametrize(
    "url", ["ftp://example.com", "example.com", "ws://", "ws://host/a b", "http://host:99999/", "ws://host/\r\nX: y"]
)
def test_addresses_that_cannot_be_meant_are_refused(url: str) -> None:
    with pytest.raises(ValueError):
        Place(url)


def test_an_address_is_taken_apart() -> None:
    place = Place("wss://example.com/devtools/browser/x?token=t")
    assert (place.host, place.port, place.path, place.tls) == ("example.com", 443, "/devtools/browser/x?token=t", True)
    assert Place("http://[::1]:9222").host == "::1"


@pytest.mark.slow
def test_a_foreign_browser_is_driven_and_only_let_go_of_at_release(tmp_path: Path) -> None:
    async def bounded() -> None:
        launcher = Launcher(
            data_dir=tmp_path / "theirs",
            headless_shell=None,
            chromium=None,
            sandbox="auto",
            uid_base=61950,
            concurrency=1,
        )
        await launcher.start()
        try:
            process = await launcher.launch(wants_chromium=False, proxy_port=BLANK_PROXY_PORT)
            allowed = (f"127.0.0.1:{process.port}",)
            async with running_node(tmp_path / "ours", allow=allowed, warm=0) as node:
                gone: list[BrowserGone] = []
                node.on_gone(gone.append)
                for number, url in enumerate(
                    (f"ws://127.0.0.1:{process.port}{process.path}", f"http://127.0.0.1:{process.port}")
                ):
                    session_id = f"s{number}"
                    acquired = await node.acquire(BrowserSpec(session_id, cdp_url=url), 10)
                    assert (acquired.viewport.width, acquired.viewport.height) == (1280, 1080)
                    assert await node.run(session_id, EvaluateJs("1 + 1")) == Evaluated("2")
                    await node.run(session_id, Goto("data:text/html,<title>theirs</title>"))
                    assert await node.run(session_id, EvaluateJs("document.title")) == Evaluated("theirs")
                    assert node.door(session_id) is None
                    await node.release(session_id)
                await asyncio.sleep(0.2)
                os.kill(process.pid, 0)
                assert gone == []
                await node.acquire(BrowserSpec("last", cdp_url=url), 10)
                os.kill(process.pid, signal.SIGKILL)
                async with asyncio.timeout(5):
                    while not gone:
                        await asyncio.sleep(0.02)
                assert [event.session_id for event in gone] == ["last"]
                with pytest.raises(CommandFailed, match="cdp_url"):
                    await node.acquire(BrowserSpec("dead", cdp_url=url), 10)
        finally:
            await launcher.close()

    asyncio.run(bounded())


@pytest.mark.slow
def test_a_foreign_browser_behind_the_egress_policy_is_refused_by_rule_and_without_its_token(tmp_path: Path) -> None:
    async def bounded() -> None:
        async with running_node(tmp_path, warm=0) as node:
            for url in ("ws://127.0.0.1:9222/x?token=the-token", "http://169.254.169.254/?token=the-token"):
                with pytest.raises(CommandFailed, match="refused by the egress rule") as failed:
                    await node.acquire(BrowserSpec("s", cdp_url=url), 10)
                assert "the-token" not in failed.value.message
            assert node.capacity().live == 0

    asyncio.run(bounded())
