"""A session of a node beside a browser that Playwright launched: the same program and the same size of window.

What must always hold: nothing stands between Playwright and its browser, and both end with the measurement.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, async_playwright

from noctule.browser.binaries import find
from noctule.browser.commands import BrowserSpec
from noctule.browser.node import Node
from tests.support.nodes import running_node

SESSION = "bench"


@asynccontextmanager
async def both_sides(binary: Path, allow: Sequence[str]) -> AsyncIterator[tuple[Node, Page]]:
    """A node with the session ``SESSION``, and a page of Playwright's."""
    with tempfile.TemporaryDirectory() as folder:
        async with async_playwright() as playwright, running_node(Path(folder), allow=allow) as node:
            size = (await node.acquire(BrowserSpec(SESSION), 30)).viewport
            browser = await playwright.chromium.launch(executable_path=binary, chromium_sandbox=False)
            yield node, await browser.new_page(viewport={"width": size.width, "height": size.height})
            await browser.close()


def run(text: str | None, rounds: int, measure: Callable[[Path, int], Coroutine[None, None, bool]]) -> None:
    """The command line of such a bench: ``measure`` is given the program and rounds, and says if all targets hold."""
    arguments = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=rounds)
    arguments.add_argument("--binary", type=Path, default=None, help="the program that Playwright launches")
    chosen = arguments.parse_args()
    sys.exit(not asyncio.run(measure(chosen.binary or find().choose(wants_chromium=False)[0], chosen.rounds)))
