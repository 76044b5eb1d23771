"""Pages with the text that people found to be their main content, and the score of an extraction against it.

The folder is laid out as the Web Content Extraction Benchmark is: ``html/ID.html.gz`` and ``ground-truth/ID.json``.
What must always hold: the score is that benchmark's: the F1 of the words of both texts, lower-cased and counted as
often as they occur; the mean is over pages.
"""

import gzip
import json
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class ScoredPage:
    """One page as it was fetched, its kind (article, forum, …), and its main content as plain text."""

    name: str
    kind: str
    url: str
    html: bytes
    content: str


def scored_pages(folder: Path) -> list[ScoredPage]:
    """All pages of ``folder``, by name. Raises ``SystemExit`` with a sentence if there are none."""
    truths = sorted((folder / "ground-truth").glob("*.json"))
    if not truths:
        raise SystemExit(f"{folder} holds no ground-truth/*.json, so there is nothing to measure")
    return [_page(folder, truth) for truth in truths]


def _page(folder: Path, truth: Path) -> ScoredPage:
    known = json.loads(truth.read_text(encoding="utf-8"))
    return ScoredPage(
        name=truth.stem,
        kind=known["_internal"]["page_type"]["primary"],
        url=known.get("url") or "",
        html=gzip.decompress((folder / "html" / f"{truth.stem}.html.gz").read_bytes()),
        content=known["ground_truth"]["main_content"] or "",
    )


def words(text: str) -> list[str]:
    """The words of a text, as the score counts them."""
    return _WORD.findall(text.lower())


def word_f1(found: Iterable[str], wanted: Iterable[str]) -> float:
    """The F1 of two bags of words; nothing found where nothing is wanted is right."""
    ours, theirs = Counter(found), Counter(wanted)
    if not ours and not theirs:
        return 1.0
    shared = (ours & theirs).total()
    return 2 * shared / (ours.total() + theirs.total())


def show_scores(title: str, scores: Mapping[str, float], pages: Iterable[ScoredPage]) -> tuple[float, dict[str, float]]:
    """Print and return the mean of ``scores``, which are by page's name, and the mean of each kind."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for page in pages:
        if page.name in scores:
            kinds[page.kind].append(scores[page.name])
    mean = statistics.fmean(scores.values())
    means = {kind: statistics.fmean(of_kind) for kind, of_kind in sorted(kinds.items())}
    print(f"{title:<24} mean {mean:.4f}   " + "   ".join(f"{kind} {value:.3f}" for kind, value in means.items()))
    return mean, means
