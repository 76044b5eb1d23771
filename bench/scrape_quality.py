"""How much of a page's main content ``only_main_content`` gives, and how little else: word F1 by kind of page.

Each page is served from loopback and scraped by a real server over HTTP, in a context of its own; ``--way browser``
leaves the server out, and ``--way parser`` the browser too, as ``POST /scrape_from_html`` does. What is scored is the
markdown without its syntax. On the pages that the weights were learned from, these figures flatter:
``scripts.train_main_content`` prints cross-validated ones. ``--measure`` prints what main content costs.

    python -m bench.scrape_quality [FOLDER] [--limit 40] [--way api|browser|parser] [--worst 20] [--measure]
"""

import argparse
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from bench._rendered_pages import read_pages, scrape_pages
from bench._scored_pages import ScoredPage, scored_pages, show_scores, word_f1, words
from bench._support import show
from noctule.browser.commands import PageRead
from noctule.extraction import tree
from noctule.extraction.document import Document
from noctule.extraction.main_content import main_content
from noctule.extraction.markdown import Options, to_markdown
from noctule.extraction.parser import parse

MEAN_TARGET = 0.89
KIND_TARGET = 0.72
_RUNS = 3
_SYNTAX = re.compile(r"^\s*(?:```+\S*|~~~+\S*|\|[\s|:-]+\|)\s*$|\\(?=[^\w\s])", re.MULTILINE)
_OPTIONS = Options(main_only=True, links=False, images=False)


def _parsed(pages: list[ScoredPage]) -> dict[str, str]:
    return {page.name: to_markdown(parse(page.html, page.url), _OPTIONS).text for page in pages}


def _rendered(pages: list[ScoredPage]) -> dict[str, str]:
    found: dict[str, str] = {}

    def keep(page: ScoredPage, read: PageRead) -> None:
        if read.tree:
            found[page.name] = to_markdown(tree.decode(read.tree), _OPTIONS).text

    read_pages(pages, keep)
    return found


_WAYS: dict[str, Callable[[list[ScoredPage]], dict[str, str]]] = {
    "api": scrape_pages,
    "browser": _rendered,
    "parser": _parsed,
}


def _measure(pages: list[ScoredPage]) -> None:
    documents = [parse(page.html, page.url) for page in pages]
    samples = [min(_seconds(document) for _ in range(_RUNS)) for document in documents]
    show("main content of a page", samples)
    # Elements and texts: all children, and the roots, which are nobody's.
    nodes = sum(len(element.children) for document in documents for element in document.root.walk()) + len(documents)
    print(f"{'main content of 1,500 nodes':<44} {sum(samples) / nodes * 1_500 * 1_000:.2f} ms")


def _seconds(document: Document) -> float:
    started = time.perf_counter()
    main_content(document)
    return time.perf_counter() - started


def main() -> None:
    """Score every page, print the means and whether they reach what we promise."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", nargs="?", default=os.environ.get("WCXB_FOLDER"), help="or WCXB_FOLDER names it")
    options.add_argument("--limit", type=int, help="score this many of the pages, spread over the folder")
    options.add_argument("--way", choices=_WAYS, default="api", help="what the pages go through")
    options.add_argument("--worst", type=int, default=0, help="print this many of the pages with the lowest scores")
    options.add_argument("--measure", action="store_true", help="measure the time as well")
    given = options.parse_args()
    if not given.folder:
        print("skipped: name a folder of pages with known content, laid out as WCXB is, or set WCXB_FOLDER to it")
        return
    pages = scored_pages(Path(given.folder))
    if given.limit and given.limit < len(pages):
        pages = [pages[number * len(pages) // given.limit] for number in range(given.limit)]
    found = _WAYS[given.way](pages)
    scores = {
        page.name: word_f1(words(_SYNTAX.sub("", found.get(page.name, ""))), words(page.content)) for page in pages
    }
    mean, kinds = show_scores(f"word F1, {given.way}", scores, pages)
    holds = mean >= MEAN_TARGET and min(kinds.values()) >= KIND_TARGET
    print(f"target >= {MEAN_TARGET} and no kind under {KIND_TARGET}: {'holds' if holds else 'MISSED'}")
    for page in sorted(pages, key=lambda page: scores[page.name])[: given.worst]:
        print(f"{scores[page.name]:.3f}  {page.kind:<14} {page.name}  {page.url}")
    if given.measure:
        _measure(pages)


if __name__ == "__main__":
    main()
