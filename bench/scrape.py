"""One-shot scrapes a second, as ratios to crawl4ai and to bare Playwright on the same article and the same browser.

Bare Playwright only goes to the page and takes its HTML, in a page that is used again and again, and in a context of
its own for each; crawl4ai and ``POST /scrape`` make markdown of it. Each kind has four scrapes under way at a time; the
kinds take turns, so that the machine's drift falls on all. crawl4ai brings many packages along, so it lives in an
environment of its own, whose interpreter is named; without it that line is left out.

    python -m bench.scrape [--rounds 5] [--pages 40] [--crawl4ai /path/to/environment/bin/python]
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.async_api import Browser, Page, async_playwright

from bench._support import show
from bench.markdown import article
from noctule.browser.binaries import find
from tests.support.server import Server

AT_ONCE = 4
CRAWL4AI_TARGET = 1.5
PLAYWRIGHT_TARGET = 0.7
_CRAWLER = Path(__file__).with_name("_crawl4ai.py")
_FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync"]  # fmt: skip

Scrape = Callable[[int], Awaitable[None]]


async def at_once(pages: int, scrape: Scrape) -> float:
    """Pages a second, with ``AT_ONCE`` workers; ``scrape`` is given its worker's number."""
    left = iter(range(pages))

    async def worker(number: int) -> None:
        for _ in left:
            await scrape(number)

    began = time.perf_counter()
    await asyncio.gather(*(worker(number) for number in range(AT_ONCE)))
    return pages / (time.perf_counter() - began)


async def _fresh(browser: Browser, url: str) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(url)
    assert len(await page.content()) > 50_000
    await context.close()


async def _again(page: Page, url: str) -> None:
    await page.goto(url)
    assert len(await page.content()) > 50_000


async def _ours(client: httpx.AsyncClient, url: str) -> None:
    reply = await client.post("/scrape", json={"url": url})
    reply.raise_for_status()
    assert len(reply.json()["markdown"]) > 30_000


class _Crawler:
    """crawl4ai in an interpreter of its own, asked over its standard input."""

    def __init__(self, python: str, binary: str, url: str) -> None:
        self._process = subprocess.Popen(
            [python, str(_CRAWLER), binary, url, str(AT_ONCE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self._line() != "ready":
            raise SystemExit("crawl4ai did not start")

    def pages_per_second(self, pages: int) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{pages}\n")
        self._process.stdin.flush()
        return pages / float(self._line())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


async def _measure(server: Server, url: str, binary: str, crawler: _Crawler | None, rounds: int, pages: int) -> None:
    rates: dict[str, list[float]] = {"again": [], "fresh": [], "crawl4ai": [], "ours": []}
    latencies = list[float]()
    headers = dict(server.client().headers)
    async with (
        async_playwright() as playwright,
        httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60, trust_env=False) as client,
    ):
        browser = await playwright.chromium.launch(executable_path=binary, args=_FLAGS, chromium_sandbox=False)
        reused = [await browser.new_page() for _ in range(AT_ONCE)]

        async def timed(_: int) -> None:
            began = time.perf_counter()
            await _ours(client, url)
            latencies.append(time.perf_counter() - began)

        kinds: dict[str, Scrape] = {
            "again": lambda number: _again(reused[number], url),
            "fresh": lambda _: _fresh(browser, url),
            "ours": timed,
        }
        for scrape in kinds.values():
            await at_once(AT_ONCE * 2, scrape)
        latencies.clear()
        for _ in range(rounds):
            for name, scrape in kinds.items():
                rates[name].append(await at_once(pages, scrape))
            if crawler is not None:
                rates["crawl4ai"].append(await asyncio.to_thread(crawler.pages_per_second, pages))
        await browser.close()
    names = {
        "again": "Playwright, the same page again",
        "fresh": "Playwright, a fresh context each",
        "crawl4ai": "crawl4ai",
        "ours": "POST /scrape",
    }
    for name, found in rates.items():
        if found:
            each = " ".join(f"{rate:.1f}" for rate in found)
            print(f"{names[name]:<44} {statistics.median(found):6.1f} pages/s   ({each})")
    show("POST /scrape, one of four at a time", latencies)
    _verdict("ours / Playwright, the same page again", rates["ours"], rates["again"], PLAYWRIGHT_TARGET)
    _verdict("ours / Playwright, a fresh context each", rates["ours"], rates["fresh"], None)
    if crawler is not None:
        _verdict("ours / crawl4ai", rates["ours"], rates["crawl4ai"], CRAWL4AI_TARGET)


def _verdict(name: str, ours: list[float], reference: list[float], least: float | None) -> None:
    value = statistics.median(ours) / statistics.median(reference)
    told = "" if least is None else f"   target >= {least:g}: {'holds' if value >= least else 'MISSED'}"
    print(f"{name:<44} ratio {value:>10.3f}{told}")


@contextmanager
def _served(html: str, folder: Path) -> Iterator[str]:
    """The article's address, from a process that shares nothing with what is measured."""
    (folder / "article.html").write_text(html)
    code = (
        "import functools, http.server as h, sys; "
        "handler = functools.partial(h.SimpleHTTPRequestHandler, directory=sys.argv[1]); "
        "server = h.ThreadingHTTPServer(('127.0.0.1', 0), handler); "
        "print(server.server_port, flush=True); server.serve_forever()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/article.html"
    finally:
        process.terminate()
        process.wait(10)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--pages", type=int, default=40)
    arguments.add_argument("--binary", help="the program that the others launch")
    arguments.add_argument("--crawl4ai", default=os.environ.get("CRAWL4AI_PYTHON", ""))
    chosen = arguments.parse_args()
    binary = chosen.binary or str(find().choose(wants_chromium=False)[0])
    with tempfile.TemporaryDirectory() as name, _served(article(), Path(name)) as url:
        crawler = None
        if chosen.crawl4ai:
            crawler = _Crawler(chosen.crawl4ai, binary, url)
        else:
            print("crawl4ai is left out: name the interpreter of an environment that has it with --crawl4ai")
        server = Server(
            Path(name) / "data",
            {"NOCTULE_EGRESS_ALLOW": url.split("/")[2], "NOCTULE_WARM_POOL_SIZE": "4"},
        )
        try:
            server.start()
            asyncio.run(_measure(server, url, binary, crawler, chosen.rounds, chosen.pages))
        finally:
            server.close()
            if crawler is not None:
                crawler.close()


if __name__ == "__main__":
    main()
