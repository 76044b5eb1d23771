"""Scored pages as a real browser shows them: each served from loopback, navigated to, and read or scraped there.

What must always hold: nothing but that server is reached, so that every run sees the same; a page that cannot be read
is named and gives nothing.
"""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx

from bench._scored_pages import ScoredPage
from noctule.browser.commands import BrowserLost, BrowserSpec, CommandFailed, Goto, PageRead, ReadPage
from noctule.browser.node import Node
from tests.support.loopback import LoopbackServer
from tests.support.nodes import running_node
from tests.support.server import Server

_SESSIONS = 2
_START_SECONDS = 60.0
_PAGE_SECONDS = 30.0
# A page may spoil its browser for the next.
_PAGES_A_SESSION = 25
# Pages wait for one another's late requests, not for the processor.
_SCRAPES_AT_ONCE = 4
_PAGES_A_SIGN_OF_LIFE = 25


@contextmanager
def served(pages: Sequence[ScoredPage]) -> Iterator[str]:
    """Serve each page as ``/NAME`` on loopback; gives the address of the server."""
    content = {f"/{page.name}": page.html for page in pages}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = content.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Only the results are printed."""

    server = LoopbackServer(Handler)
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.close()


def read_pages(pages: Sequence[ScoredPage], keep: Callable[[ScoredPage, PageRead], None]) -> list[str]:
    """Read every page in a real browser and hand over what was read; the names of those that could not be read."""
    with served(pages) as address, tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_read_all(pages, address, Path(folder), keep))


async def _read_all(
    pages: Sequence[ScoredPage], address: str, folder: Path, keep: Callable[[ScoredPage, PageRead], None]
) -> list[str]:
    waiting = list(reversed(pages))
    failed: list[str] = []
    async with running_node(folder, allow=(address.partition("//")[2],)) as node:

        async def work(number: int) -> None:
            batch = 0
            while waiting:
                name = f"reader-{number}-{batch}"
                batch += 1
                await node.acquire(BrowserSpec(name), _START_SECONDS)
                for _ in range(_PAGES_A_SESSION):
                    if not waiting:
                        break
                    page = waiting.pop()
                    try:
                        keep(page, await _read(node, name, f"{address}/{page.name}"))
                    except (CommandFailed, BrowserLost) as failure:
                        print(f"{page.name} was not read: {failure}")
                        failed.append(page.name)
                        break
                await node.release(name)

        await asyncio.gather(*(work(number) for number in range(_SESSIONS)))
    return failed


async def _read(node: Node, session_id: str, url: str) -> PageRead:
    # A page that does not finish loading is read as far as it has come, as for the API.
    with contextlib.suppress(CommandFailed):
        await node.run(session_id, Goto(url, timeout_seconds=_PAGE_SECONDS))
    read = await node.run(session_id, ReadPage(timeout_seconds=_PAGE_SECONDS))
    if not isinstance(read, PageRead):
        raise CommandFailed("ActionExecutionError", "another answer than a page came")
    return read


def scrape_pages(pages: Sequence[ScoredPage]) -> dict[str, str]:
    """The markdown of each page's main content, asked of a server over HTTP as any client would, several at a time."""
    with served(pages) as address, tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data", {"NOCTULE_EGRESS_ALLOW": address.partition("//")[2]})
        try:
            with (
                server.start().client(timeout_seconds=_PAGE_SECONDS * 2) as client,
                ThreadPoolExecutor(_SCRAPES_AT_ONCE) as threads,
            ):
                under_way = {threads.submit(_scrape, client, page, address): page for page in pages}
                found = dict[str, str]()
                for count, done in enumerate(as_completed(under_way), 1):
                    if (markdown := done.result()) is not None:
                        found[under_way[done].name] = markdown
                    if count % _PAGES_A_SIGN_OF_LIFE == 0:
                        print(f"{count} of {len(pages)} pages", file=sys.stderr, flush=True)
                return found
        finally:
            server.close()


def _scrape(client: httpx.Client, page: ScoredPage, address: str) -> str | None:
    wanted = {"url": f"{address}/{page.name}", "only_main_content": True, "scrape_links": False}
    reply = client.post("/scrape", json=wanted)
    if reply.is_success:
        return str(reply.json()["markdown"])
    print(f"{page.name} was not scraped: {reply.status_code} {reply.text[:200]}")
    return None
