"""crawl4ai as ``bench.scrape`` measures it; runs in an environment that has crawl4ai and nothing of ours.

Usage: ``python _crawl4ai.py BROWSER URL WORKERS``. Says ``ready`` once it is warm; then, for each number on standard
input, crawls the address that often and prints how many seconds that took.
"""

import asyncio
import importlib
import sys
import time
from typing import Any


def _use(binary: str) -> None:
    """Let Playwright launch this browser, whatever its caller would like to have."""
    browser_type: Any = importlib.import_module("playwright.async_api").BrowserType
    launch = browser_type.launch

    async def launch_ours(self: Any, **options: Any) -> Any:
        options.pop("channel", None)
        return await launch(self, **{**options, "executable_path": binary, "chromium_sandbox": False})

    browser_type.launch = launch_ours


async def main(binary: str, url: str, workers: int) -> None:
    """Crawl on request."""
    _use(binary)
    crawl4ai: Any = importlib.import_module("crawl4ai")
    config = crawl4ai.CrawlerRunConfig(cache_mode=crawl4ai.CacheMode.BYPASS, verbose=False)
    async with crawl4ai.AsyncWebCrawler(config=crawl4ai.BrowserConfig(headless=True, verbose=False)) as crawler:

        async def crawl(pages: int) -> None:
            left = iter(range(pages))

            async def worker() -> None:
                for _ in left:
                    result = await crawler.arun(url=url, config=config)
                    assert result.success, result.error_message
                    assert len(result.markdown) > 30_000

            await asyncio.gather(*(worker() for _ in range(workers)))

        await crawl(2 * workers)
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            began = time.perf_counter()
            await crawl(int(line))
            print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
