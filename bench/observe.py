"""Observing a page, as ratios to a bare walk over the same page, and its text next to Playwright's AI snapshot.

The reference walk touches every element once with what any observation needs of the browser: its box and its style.
Ours finds, names, places and tests for cover besides, and tells it all in an answer over the node; pictures are left
out on both sides. Both take turns. Tokens are counted as words and signs, the same way for both texts.

    python -m bench.observe [--rounds 20] [--binary PATH]
"""

import re
import statistics
import time
from pathlib import Path

from playwright.async_api import Page

from bench._beside_playwright import SESSION, both_sides, run
from bench._support import ratio, show
from noctule.browser.commands import EvaluateJs, Goto, Observe, Observed
from noctule.browser.node import Node
from tests.support.site import Site, serving_site

WALK_TARGET_RATIO = 4
TOKENS_TARGET_RATIO = 0.6
FORM_TARGET_MS = 10

_CONTROLS = 1500
_BARE_WALK = """
    const walker = document.createTreeWalker(document, NodeFilter.SHOW_ELEMENT);
    let shown = 0;
    for (let element; (element = walker.nextNode()); ) {
      const box = element.getBoundingClientRect(), style = getComputedStyle(element);
      if (style.display !== "none" && style.visibility !== "hidden" && box.width > 0) shown++;
    }
    return shown;
"""


async def _seconds(node: Node, command: Observe | EvaluateJs) -> float:
    began = time.perf_counter()
    await node.run(SESSION, command)
    return time.perf_counter() - began


async def _seen(node: Node) -> Observed:
    seen = await node.run(SESSION, Observe(with_picture=False))
    if not isinstance(seen, Observed):
        raise TypeError(type(seen).__name__)
    return seen


async def walks(node: Node, site: Site, page: Page, rounds: int) -> bool:
    """The page of ten thousand nodes: time against the bare walk, and against Playwright's snapshot."""
    await node.run(SESSION, Goto(site.url("big.html")))
    await page.goto(site.url("big.html"))
    seen = await _seen(node)
    found = sum(entry.kind != "option" and bool(entry.name) for entry in seen.nodes)
    print(f"controls found and named: {found}")
    ours, bare, snapshots = [], [], []
    for _ in range(rounds):
        ours.append(await _seconds(node, Observe(with_picture=False)))
        bare.append(await _seconds(node, EvaluateJs(_BARE_WALK)))
        began = time.perf_counter()
        await page.aria_snapshot(mode="ai")
        snapshots.append(time.perf_counter() - began)
    show("observe, 10,000 nodes", ours)
    show("a bare walk over them", bare)
    show("Playwright's AI snapshot of them", snapshots)
    ratio("observe / Playwright's AI snapshot", ours, snapshots)
    return ratio("observe / bare walk", ours, bare, WALK_TARGET_RATIO) <= WALK_TARGET_RATIO and found >= _CONTROLS


async def form(node: Node, site: Site, rounds: int) -> bool:
    """A page of forms."""
    await node.run(SESSION, Goto(site.url("form.html")))
    await _seen(node)
    samples = [await _seconds(node, Observe(with_picture=False)) for _ in range(rounds * 2)]
    show("observe, a page of forms", samples)
    return statistics.median(samples) * 1000 <= FORM_TARGET_MS


async def tokens(node: Node, site: Site, page: Page) -> bool:
    """How long the descriptions are."""
    worst = 0.0
    for name in ("big.html", "form.html", "controls.html", "aria.html", "lists.html"):
        await node.run(SESSION, Goto(site.url(name)))
        await page.goto(site.url(name))
        ours, theirs = _tokens((await _seen(node)).description), _tokens(await page.aria_snapshot(mode="ai"))
        print(f"tokens of {name:<16} {ours:>7} · Playwright's AI snapshot {theirs:>7} · ratio {ours / theirs:.2f}")
        worst = max(worst, ours / theirs) if name == "big.html" else worst
    return worst <= TOKENS_TARGET_RATIO


def _tokens(text: str) -> int:
    return len(re.findall(r"\w+|[^\w\s]+", text))


async def measure(binary: Path, rounds: int) -> bool:
    """Print everything; whether all targets hold."""
    with serving_site() as site:
        async with both_sides(binary, site.allow) as (node, page):
            holds = [await walks(node, site, page, rounds), await form(node, site, rounds)]
            holds.append(await tokens(node, site, page))
    return all(holds)


if __name__ == "__main__":
    run(__doc__, 20, measure)
