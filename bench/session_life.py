"""How fast a session starts, stops and lives, as ratios to Playwright launching the same binary itself.

Reference: Playwright's own cold launch of the same ``chromium-headless-shell`` and its first page, and the
whole of launch, goto and close. Ours: ``POST /sessions/start`` from the warm pool, ``DELETE .../stop``, and
start, ``connect_over_cdp``, goto, stop. Both are measured in turn, so that the machine's drift falls on both.
Between two measured starts the pool is given time to fill again; the sustained rate stands in a line of
its own.

    python -m bench.session_life [--rounds 30] [--burst 200]
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

import httpx
from playwright.async_api import Browser, Playwright, async_playwright

from bench._support import percentile, ratio, show
from tests.support.origin import Origin
from tests.support.server import Server

_FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync"]  # fmt: skip


async def _cold_page(playwright: Playwright, binary: str) -> tuple[Browser, float]:
    began = time.perf_counter()
    browser = await playwright.chromium.launch(executable_path=binary, args=_FLAGS, chromium_sandbox=False)
    await browser.new_page()
    return browser, time.perf_counter() - began


async def _cold_life(playwright: Playwright, binary: str, url: str) -> float:
    began = time.perf_counter()
    browser = await playwright.chromium.launch(executable_path=binary, args=_FLAGS, chromium_sandbox=False)
    page = await browser.new_page()
    await page.goto(url)
    await browser.close()
    return time.perf_counter() - began


async def _our_life(playwright: Playwright, client: httpx.AsyncClient, url: str) -> float:
    began = time.perf_counter()
    answer = await client.post("/sessions/start", json={})
    answer.raise_for_status()
    session = answer.json()
    browser = await playwright.chromium.connect_over_cdp(session["cdp_url"])
    await browser.contexts[0].pages[0].goto(url)
    (await client.delete(f"/sessions/{session['session_id']}/stop")).raise_for_status()
    took = time.perf_counter() - began
    await browser.close()
    return took


async def _warm(client: httpx.AsyncClient) -> None:
    for _ in range(400):
        ready = (await client.get("/ready")).json()
        if ready["browsers"]["warm"] >= ready["browsers"]["warm_target"]:
            # The pool is full; let the last launch's own start-up work end before anything is measured.
            await asyncio.sleep(0.25)
            return
        await asyncio.sleep(0.05)
    raise SystemExit("the warm pool did not fill")


async def _measure(server: Server, url: str, binary: str, rounds: int, burst: int) -> None:
    starts, stops, lives = list[float](), list[float](), list[float]()
    cold_pages, cold_lives = list[float](), list[float]()
    async with async_playwright() as playwright, _client(server) as client:
        for _ in range(rounds):
            await _warm(client)
            began = time.perf_counter()
            answer = await client.post("/sessions/start", json={})
            starts.append(time.perf_counter() - began)
            answer.raise_for_status()
            await _warm(client)
            began = time.perf_counter()
            (await client.delete(f"/sessions/{answer.json()['session_id']}/stop")).raise_for_status()
            stops.append(time.perf_counter() - began)

            await _warm(client)
            browser, took = await _cold_page(playwright, binary)
            cold_pages.append(took)
            await browser.close()
            await _warm(client)
            lives.append(await _our_life(playwright, client, url))
            await _warm(client)
            cold_lives.append(await _cold_life(playwright, binary, url))
        print(f"one at a time, n = {rounds}")
        show("POST /sessions/start", starts)
        show("DELETE .../stop", stops)
        show("Playwright: cold launch, first page", cold_pages)
        show("start, connect, goto, stop", lives)
        show("Playwright: launch, goto, close", cold_lives)
        ratio("start / cold launch and first page", starts, cold_pages, 0.1)
        print(f"start p95 / median: {percentile(starts, 0.95) / percentile(starts, 0.5):.2f} (target <= 2)")
        ratio("stop / start", stops, starts, 1.0)
        ratio("life / cold life", lives, cold_lives, 0.5)

        print(f"ten at a time, {burst} lives")
        at_once, failures = list[float](), 0
        places = asyncio.Semaphore(10)

        async def one() -> None:
            nonlocal failures
            async with places:
                try:
                    at_once.append(await _our_life(playwright, client, url))
                except Exception as error:
                    failures += 1
                    print(f"failed: {type(error).__name__}: {error}")

        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(burst)))
        took = time.perf_counter() - began
        show("start, connect, goto, stop", at_once)
        print(f"{burst / took:.1f} lives a second; {failures} failures (target 0)")
        print(f"p95 / p50: {percentile(at_once, 0.95) / percentile(at_once, 0.5):.2f} (target <= 2)")


def _client(server: Server) -> httpx.AsyncClient:
    headers = dict(server.client().headers)
    return httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60, trust_env=False)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=30)
    arguments.add_argument("--burst", type=int, default=200)
    arguments.add_argument("--binary", default="/usr/lib/chromium/chromium-headless-shell")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, Origin() as origin:
        server = Server(
            Path(folder) / "data", {"NOCTULE_EGRESS_ALLOW": f"127.0.0.1:{origin.port}", "NOCTULE_WARM_POOL_SIZE": "3"}
        )
        try:
            server.start()
            asyncio.run(_measure(server, origin.url, chosen.binary, chosen.rounds, chosen.burst))
        finally:
            server.close()


if __name__ == "__main__":
    main()
