"""Scored pages as a real browser shows them: each served from loopback, navigated to, and read or scraped there.

What must always hold: nothing but that server is reached, so that every run sees the same; a page that cannot be read
is named and gives nothing.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx

from bench._scored_pages import ScoredPage
from noctule.browser.commands import BrowserLost, BrowserSpec, CommandFailed, Goto, PageRead, ReadPage
from noctule.browser.node import Node
from tests.support.nodes import running_node
from tests.support.server import Server

_SESSIONS = 2
_START_SECONDS = 60.0
_PAGE_SECONDS = 30.0
# A page may spoil its browser for the next.
_PAGES_A_SESSION = 25


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

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


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
    """The markdown of each page's main content, asked of a server over HTTP as any client would."""
    found: dict[str, str] = {}
    with served(pages) as address, tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data", {"NOCTULE_EGRESS_ALLOW": address.partition("//")[2]})
        try:
            with server.start().client(timeout_seconds=_PAGE_SECONDS * 2) as client:
                for start in range(0, len(pages), _PAGES_A_SESSION):
                    batch = pages[start : start + _PAGES_A_SESSION]
                    found |= _scrape_batch(client, batch, address)
        finally:
            server.close()
    return found


def _scrape_batch(client: httpx.Client, pages: Sequence[ScoredPage], address: str) -> dict[str, str]:
    reply = client.post("/sessions/start", json={"max_duration_minutes": 30})
    reply.raise_for_status()
    session = f"/sessions/{reply.json()['session_id']}"
    found: dict[str, str] = {}
    for page in pages:
        client.post(f"{session}/page/execute", json={"type": "goto", "url": f"{address}/{page.name}"})
        wanted = {"only_main_content": True, "scrape_links": False}
        scraped = client.post(f"{session}/page/scrape", json=wanted)
        if scraped.is_success:
            found[page.name] = scraped.json()["markdown"]
        else:
            print(f"{page.name} was not scraped: {scraped.status_code} {scraped.text[:200]}")
    client.delete(f"{session}/stop")
    return found
