"""What the browser loads for us comes whole, or fails in words: beyond the bound, and where there is nothing."""

from pathlib import Path

import pytest

from noctule.browser.commands import BrowserSpec, CommandFailed
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.loading import load
from tests.support.launchers import run_bounded
from tests.support.nodes import running_node
from tests.support.pages import serving

pytestmark = pytest.mark.slow

_MIB = 1024**2


def test_a_file_is_read_whole_up_to_its_bound(tmp_path: Path) -> None:
    async def test() -> None:
        with serving() as pages:
            url = pages.add("/file", "x" * 3 * _MIB)
            async with running_node(tmp_path, allow=pages.allow) as node:
                await node.acquire(BrowserSpec("session"), 20)
                tab = await node._sessions["session"].browser.driver._tabs.current()
                deadline = Deadline(20)
                async with load(tab, url, deadline, failure_kind="PageLoadingError") as file:
                    assert file.headers["content-type"].startswith("text/html")
                    assert await file.read(3 * _MIB, deadline) == b"x" * 3 * _MIB
                async with load(tab, url, deadline, failure_kind="PageLoadingError") as file:
                    with pytest.raises(CommandFailed, match="larger than 2 MiB"):
                        await file.read(2 * _MIB, deadline)
                with pytest.raises(CommandFailed, match="could not be loaded") as failed:
                    async with load(tab, pages.url("/none"), deadline, failure_kind="PageLoadingError"):
                        pass
                assert failed.value.kind == "PageLoadingError"

    run_bounded(test)
