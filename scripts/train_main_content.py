"""``python -m scripts.train_main_content FOLDER TREES``: learn the weights of ``extraction/main_content`` anew.

FOLDER is laid out as the Web Content Extraction Benchmark is (see ``bench/_scored_pages.py``). Every page is learned
twice: as our parser reads its HTML, and as a browser shows it; TREES is the folder that keeps the latter, and pages
that are missing there are read in a browser first. Every pattern of every page is an example; how much of it is
content is found by aligning the page's words with those of the known content. Weights are written only with
``--write``; without it the cross-validated scores are printed, in which no page is judged by a forest that has seen it
in either form. The result is the same for the same folders and versions.

Training needs LightGBM, NumPy and RapidFuzz, which nothing else of the project does:
``pip install lightgbm rapidfuzz`` into the virtualenv first.
"""

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from bench._rendered_pages import read_pages
from bench._scored_pages import ScoredPage, scored_pages, show_scores, word_f1, words
from noctule.browser.commands import PageRead
from noctule.extraction import main_content, tree
from noctule.extraction.document import Document
from noctule.extraction.main_content.blocks import Page, cut
from noctule.extraction.main_content.choice import choose
from noctule.extraction.main_content.features import NAMES, rows_of
from noctule.extraction.main_content.forest import Forest, Node
from noctule.extraction.parser import parse

WEIGHTS = Path(main_content.__file__).with_name("forest.json")
TEMPERATURE = 1.15
_TREES = 300
_SETTINGS = {
    "objective": "binary",
    "num_leaves": 16,
    "learning_rate": 0.05,
    "min_data_in_leaf": 30,
    "min_sum_hessian_in_leaf": 2,
    "feature_fraction": 0.35,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5,
    # Thresholds drawn at random: the labels are noisy, and this learns less of the noise.
    "extra_trees": True,
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 2,
    "verbose": -1,
}
# Shorter runs of equal words are taken for chance.
_SHORTEST_RUN = 3
# Pages of other kinds are few and unlike each other; articles are many and alike.
_ARTICLE_WEIGHT = 0.5
# How fast the weight of a pattern grows with its words.
_WEIGHT_POWER = 0.7


@dataclass(frozen=True, slots=True)
class Example:
    """A page cut and described, and of each of its patterns the share that is content."""

    source: ScoredPage
    page: Page
    rows: list[list[float]]
    shares: list[float]


def main() -> None:
    """Train on all pages and write the weights, or cross-validate."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("trees", type=Path)
    options.add_argument("--folds", type=int, default=5)
    options.add_argument("--seeds", type=int, default=1, help="repeat the cross-validation with this many divisions")
    options.add_argument("--write", action="store_true", help="write the weights instead")
    given = options.parse_args()
    pages = scored_pages(given.folder)
    parsed = [_example(page, parse(page.html, page.url)) for page in pages]
    rendered = [_example(page, document) for page, document in _rendered(pages, given.trees)]
    if given.write:
        forest = _train(parsed + rendered)
        WEIGHTS.write_text(_written(forest), encoding="utf-8")
        show_scores("seen, rendered", _scores(forest, rendered), pages)
        show_scores("seen, parsed", _scores(forest, parsed), pages)
        return
    for seed in range(given.seeds):
        _cross_validate({"rendered": rendered, "parsed": parsed}, given.folds, seed)


def _rendered(pages: Sequence[ScoredPage], trees: Path) -> list[tuple[ScoredPage, Document]]:
    """The pages as a browser shows them, those that it can show."""
    trees.mkdir(parents=True, exist_ok=True)
    places = {page.name: trees / f"{page.name}.json" for page in pages}

    def keep(page: ScoredPage, read: PageRead) -> None:
        if read.tree:
            places[page.name].write_bytes(read.tree)

    missing = [page for page in pages if not places[page.name].exists()]
    if missing:
        read_pages(missing, keep)
    return [(page, tree.decode(places[page.name].read_bytes())) for page in pages if places[page.name].exists()]


def _cross_validate(forms: dict[str, Sequence[Example]], folds: int, seed: int) -> None:
    every = [example for examples in forms.values() for example in examples]
    fold_of = _folds(forms["parsed"], folds, seed)
    scores: dict[str, dict[str, float]] = {form: {} for form in forms}
    for fold in range(folds):
        forest = _train([example for example in every if fold_of[example.source.name] != fold])
        for form, examples in forms.items():
            scores[form] |= _scores(forest, [one for one in examples if fold_of[one.source.name] == fold])
    for form, examples in forms.items():
        title = f"{folds} folds, {seed}, {form}"
        show_scores(title, scores[form], [example.source for example in examples])


def _folds(examples: Sequence[Example], folds: int, seed: int) -> dict[str, int]:
    """Each page's fold, every kind of page spread evenly."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for example in examples:
        kinds[example.source.kind].append(example.source.name)
    draw = random.Random(seed)
    fold_of: dict[str, int] = {}
    for names in kinds.values():
        draw.shuffle(names)
        fold_of |= {name: number % folds for number, name in enumerate(names)}
    return fold_of


def _example(source: ScoredPage, document: Document) -> Example:
    page = cut(document.root)
    return Example(source, page, rows_of(document, page), _shares(page, words(source.content)))


def _shares(page: Page, content: list[str]) -> list[float]:
    """Of each pattern the share of its words that the known content has too, at that place of the page."""
    numbers: dict[str, int] = {}
    said = [numbers.setdefault(word, len(numbers)) for block in page.blocks for word in block.words]
    wanted = [numbers.setdefault(word, len(numbers)) for word in content]
    found = [False] * len(said)
    if said and wanted:
        for step in import_module("rapidfuzz.distance").LCSseq.opcodes(said, wanted):
            if step.tag == "equal":
                found[step.src_start : step.src_end] = [True] * (step.src_end - step.src_start)
    right = []
    start = 0
    for block in page.blocks:
        right.append(_in_runs(found[start : start + len(block.words)]))
        start += len(block.words)
    return [sum(right[number] for number in pattern.numbers) / pattern.figures.words for pattern in page.patterns]


def _in_runs(found: Sequence[bool]) -> int:
    """How many are found in runs that are no accident, or in one that is everything."""
    total = run = 0
    for hit in [*found, False]:
        if hit:
            run += 1
            continue
        total += run if run >= min(_SHORTEST_RUN, len(found)) else 0
        run = 0
    return total


def _train(examples: Sequence[Example]) -> Forest:
    lightgbm, numpy = import_module("lightgbm"), import_module("numpy")
    rows: list[list[float]] = []
    targets: list[float] = []
    weights: list[float] = []
    for example in examples:
        # Where nothing of the known content was found, the page as fetched is not the page that was read.
        if not any(example.shares):
            continue
        kind_weight = _ARTICLE_WEIGHT if example.source.kind == "article" else 1.0
        sizes = [pattern.figures.words**_WEIGHT_POWER for pattern in example.page.patterns]
        for row, share, size in zip(example.rows, example.shares, sizes, strict=True):
            for target, part in ((1.0, share), (0.0, 1 - share)):
                if part > 0:
                    rows.append(row)
                    targets.append(target)
                    weights.append(kind_weight * part * size / sum(sizes))
    scale = numpy.array(weights)
    data = lightgbm.Dataset(numpy.array(rows), numpy.array(targets), weight=scale / scale.mean())
    model = lightgbm.train(_SETTINGS, data, _TREES).dump_model()
    return Forest([_tree(info["tree_structure"]) for info in model["tree_info"]], TEMPERATURE)


def _tree(node: dict[str, Any]) -> Node:
    if "leaf_value" in node:
        return round(float(node["leaf_value"]), 5)
    threshold = float(f"{node['threshold']:.6g}")
    return int(node["split_feature"]), threshold, _tree(node["left_child"]), _tree(node["right_child"])


def _scores(forest: Forest, examples: Sequence[Example]) -> dict[str, float]:
    return {example.source.name: _score(forest, example) for example in examples}


def _score(forest: Forest, example: Example) -> float:
    kept = choose(example.page.patterns, forest.chances(example.rows))
    found = [word for pattern in kept for block in pattern.blocks for word in block.words]
    return word_f1(found, words(example.source.content))


def _written(forest: Forest) -> str:
    trees = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in forest.trees)
    features = json.dumps(list(NAMES))
    return f'{{"features": {features},\n"temperature": {forest.temperature},\n"trees": [\n{trees}\n]}}\n'


if __name__ == "__main__":
    main()
