"""Which patterns to keep, given how likely each is to be content, and the tree that is left when only they are.

What must always hold: a page with words keeps some; what is kept stays in the order and nesting of the page; and
the page's own tree is not changed.
"""

from collections.abc import Sequence
from itertools import accumulate

from noctule.extraction.document import Element
from noctule.extraction.main_content.blocks import Page, Pattern, Section


def choose(patterns: Sequence[Pattern], chances: Sequence[float]) -> list[Pattern]:
    """The likeliest patterns, as many of them as make the expected F1 of their words the highest.

    A fixed limit would not do: where nothing is certain, as on a page of many small parts, the best choice is
    broader than where prose stands apart from everything else.
    """
    expected = sum(chance * pattern.figures.words for pattern, chance in zip(patterns, chances, strict=True))
    ranked = sorted(zip(chances, range(len(patterns)), strict=True), reverse=True)
    right = taken = best = 0.0
    count = 0
    for rank, (chance, number) in enumerate(ranked, start=1):
        words = patterns[number].figures.words
        right += chance * words
        taken += words
        if (score := 2 * right / (taken + expected)) > best:
            best, count = score, rank
    return [patterns[number] for _, number in ranked[:count]]


def pruned(page: Page, kept: Sequence[Pattern]) -> Element:
    """A new tree with the blocks of ``kept``, and the images and the like that stand between two of them."""
    numbers = {number for pattern in kept for number in pattern.numbers}
    keeps = _with_silent(page, numbers)
    before = list(accumulate(keeps, initial=0))
    return _copy(page, page.root, keeps, before)


def _with_silent(page: Page, kept: set[int]) -> list[bool]:
    """Of each block whether it is kept; one without words is where its nearest neighbours with words are."""
    keeps = [number in kept for number in range(len(page.blocks))]
    last = False
    waiting: list[int] = []
    for number, block in enumerate(page.blocks):
        if not block.words:
            waiting.append(number)
            continue
        if last and keeps[number]:
            for silent in waiting:
                keeps[silent] = True
        waiting = []
        last = keeps[number]
    return keeps


def _copy(page: Page, section: Section, keeps: list[bool], before: list[int]) -> Element:
    element = section.element
    copy = Element(element.tag, element.attributes, [], element.box)
    at = section.first
    for child in section.children:
        _copy_blocks(page, copy, range(at, child.first), keeps)
        if before[child.end] > before[child.first]:
            copy.children.append(_copy(page, child, keeps, before))
        elif element.tag == "tr":
            # An empty cell holds the place of its column.
            copy.children.append(Element(child.element.tag, child.element.attributes))
        at = child.end
    _copy_blocks(page, copy, range(at, section.end), keeps)
    return copy


def _copy_blocks(page: Page, copy: Element, numbers: range, keeps: list[bool]) -> None:
    for number in numbers:
        if keeps[number]:
            nodes = page.blocks[number].nodes
            # What stood between two runs broke the line; without it their words must not grow together.
            if copy.children and isinstance(copy.children[-1], str) and isinstance(nodes[0], str):
                copy.children.append("\n")
            copy.children.extend(nodes)
