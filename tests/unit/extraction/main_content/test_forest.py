"""The forest and its file."""

import json
from math import exp
from pathlib import Path

import pytest

from noctule.extraction.main_content.forest import Forest

_FEATURES = ("words", "links")
_TREES = [[0, 10.0, -1.0, [1, 0.5, 2.0, -0.5]], 0.25]


def file(folder: Path, features: tuple[str, ...] = _FEATURES) -> Path:
    path = folder / "forest.json"
    path.write_text(json.dumps({"features": features, "temperature": 2.0, "trees": _TREES}), encoding="utf-8")
    return path


def test_chances_are_the_odds_of_all_trees_together(tmp_path: Path) -> None:
    forest = Forest.load(file(tmp_path), _FEATURES)
    rows = [[10.0, 0.0], [11.0, 0.5], [11.0, 0.6]]
    sums = [-0.75, 2.25, -0.25]
    assert forest.chances(rows) == pytest.approx([1 / (1 + exp(-total / 2)) for total in sums])


def test_sums_beyond_measure_are_still_chances() -> None:
    assert Forest((1e9,), 1.0).chances([[]]) == pytest.approx([1.0])
    assert Forest((-1e9,), 1.0).chances([[]]) == pytest.approx([0.0])


def test_weights_for_other_features_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="other features"):
        Forest.load(file(tmp_path, ("links", "words")), _FEATURES)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    path = file(tmp_path)
    for wrong in ('"row"', "NaN", "Infinity", '[0, "1 or row", 0.5, 0.5]'):
        path.write_text(f'{{"features": ["words", "links"], "temperature": 1, "trees": [{wrong}]}}', encoding="utf-8")
        with pytest.raises(ValueError, match=r"float|number"):
            Forest.load(path, _FEATURES)
