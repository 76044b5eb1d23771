"""A session on a real node whose commands are carried out one by one, for tests of acting."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from noctule.browser.commands import (
    Acted,
    BrowserSpec,
    Command,
    CommandFailed,
    Evaluated,
    EvaluateJs,
    Goto,
    Result,
    Target,
)
from noctule.browser.driver.world import World
from noctule.browser.node import Node
from tests.support.nodes import running_node
from tests.support.pages import Pages, serving
from tests.support.site import Site, serving_site

SESSION = "session"
OWN_PROCESSES = ("--site-per-process",)


@dataclass
class Stage:
    """The session, the site, and small pages of a test's own."""

    node: Node
    site: Site
    pages: Pages

    async def run(self, command: Command) -> Result:
        return await self.node.run(SESSION, command)

    async def act(self, command: Command) -> Acted:
        """Carry out a command that answers ``Acted``."""
        acted = await self.run(command)
        assert isinstance(acted, Acted)
        return acted

    async def fails(self, command: Command) -> CommandFailed:
        with pytest.raises(CommandFailed) as failed:
            await self.run(command)
        return failed.value

    async def open(self, page: str) -> None:
        """Go to a page of the site."""
        await self.run(Goto(self.site.url(page)))

    async def show(self, body: str) -> None:
        """Go to a page with this body."""
        await self.run(Goto(self.pages.add("/page", f"<!doctype html><title>page</title>{body}")))

    async def value(self, code: str) -> Any:
        """What an expression comes to in the page."""
        result = await self.run(EvaluateJs(f"JSON.stringify({code})"))
        assert isinstance(result, Evaluated)
        return json.loads(result.text)

    async def worlds(self) -> set[World]:
        """Where the ids of the last observation live."""
        browser = self.node._sessions[SESSION].browser
        tab = await browser.driver._tabs.current()
        return set(tab.seen.values())


def on(*selectors: str, frames: tuple[str, ...] = ()) -> Target:
    """A target by selectors."""
    return Target(selectors=selectors, frames=frames)


def staged(
    folder: Path, act: Callable[[Stage], Awaitable[None]], *, spec: BrowserSpec | None = None, seconds: float = 120
) -> None:
    """Run a test's body on a stage, bounded."""

    async def bounded() -> None:
        async with asyncio.timeout(seconds), _stage(folder, spec or BrowserSpec(SESSION)) as stage:
            await act(stage)

    asyncio.run(bounded())


@asynccontextmanager
async def _stage(folder: Path, spec: BrowserSpec) -> AsyncIterator[Stage]:
    with serving() as pages, serving_site() as site:
        async with running_node(folder, allow=(*pages.allow, *site.allow)) as node:
            await node.acquire(spec, 30)
            yield Stage(node, site, pages)
