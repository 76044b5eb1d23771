"""A boosted forest of decision trees, read from a file of weights and asked in plain Python.

The trees become Python expressions, which are compiled once: asking them is three times as fast as walking the trees.
What must always hold: the file is for the features that ``features`` tells, by name and in that order, or it is
refused; nothing but numbers of it gets into an expression.
"""

import json
from collections.abc import Callable, Sequence
from math import exp, isfinite
from pathlib import Path
from typing import Any, TypeAlias

# A leaf's value, or: which feature to look at, up to which value to go left, and where left and right lead.
Node: TypeAlias = "float | tuple[int, float, Node, Node]"
Row: TypeAlias = Sequence[float]

# Python's compiler recurses into sums; this many terms are well within what it bears.
_TREES_AN_EXPRESSION = 50
_MAX_LOG_ODDS = 60.0


class Forest:
    """The sum of ``trees``, divided by ``temperature``, is the logarithm of the odds."""

    def __init__(self, trees: Sequence[Node], temperature: float) -> None:
        self.trees = tuple(trees)
        self.temperature = temperature
        steps = range(0, len(self.trees), _TREES_AN_EXPRESSION)
        self._sums = [_compiled(self.trees[start : start + _TREES_AN_EXPRESSION]) for start in steps]

    @classmethod
    def load(cls, path: Path, features: Sequence[str]) -> "Forest":
        """Read what the training wrote. Raises ``ValueError`` if it was trained on other features."""
        weights = json.loads(path.read_text(encoding="utf-8"))
        if weights["features"] != list(features):
            raise ValueError(f"{path.name} was trained on other features: train it anew")
        return cls([_node(tree) for tree in weights["trees"]], float(weights["temperature"]))

    def chances(self, rows: Sequence[Row]) -> list[float]:
        """For each row the chance, between 0 and 1, that it is what the forest was trained to find."""
        return [self._chance(row) for row in rows]

    def _chance(self, row: Row) -> float:
        log_odds = sum([partial(row) for partial in self._sums]) / self.temperature
        return 1 / (1 + exp(-max(-_MAX_LOG_ODDS, min(_MAX_LOG_ODDS, log_odds))))


def _compiled(trees: Sequence[Node]) -> Callable[[Row], float]:
    terms = " + ".join(_expression(tree) for tree in trees)
    compiled: Callable[[Row], float] = eval(f"lambda row: {terms}", {"__builtins__": {}})
    return compiled


def _expression(node: Node) -> str:
    if not isinstance(node, tuple):
        return _number(node)
    feature, threshold, left, right = node
    return f"({_expression(left)} if row[{int(feature)}] <= {_number(threshold)} else {_expression(right)})"


def _number(value: float) -> str:
    number = float(value)
    if not isfinite(number):
        raise ValueError("a weight is no number")
    return repr(number)


def _node(tree: Any) -> Node:
    if isinstance(tree, list):
        feature, threshold, left, right = tree
        return int(feature), float(threshold), _node(left), _node(right)
    return float(tree)
