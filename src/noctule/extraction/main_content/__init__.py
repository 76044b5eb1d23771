"""The main content of a page: what it is there for, without what its site puts around it.

The tree is cut into blocks of text and these are sorted into the patterns of the page's template (``blocks``). Each
pattern is described by some hundred numbers (``features``), with what the names in the markup hint at (``hints``). A
small forest of decision trees says how likely it is content (``forest``), and the patterns that promise the best F1
together are kept (``choice``). Judging patterns rather than blocks is faster and steadier: of a hundred alike cards
all stay or all go.

The weights in ``forest.json`` were learned by ``scripts/train_main_content.py`` from a sample of the development split
of the Web Content Extraction Benchmark (Murrough Foley, CC-BY-4.0), which holds articles, services, products,
collections, forums, listings and documentation. What must always hold: the result is a new tree, made of the page's
own texts in the page's order; nothing outside of the tree has a say in it; the time it takes is linear in its size.
"""

from functools import cache
from pathlib import Path

from noctule.extraction.document import Document, Element
from noctule.extraction.main_content.blocks import cut
from noctule.extraction.main_content.choice import choose, pruned
from noctule.extraction.main_content.features import NAMES, rows_of
from noctule.extraction.main_content.forest import Forest

_WEIGHTS = Path(__file__).with_name("forest.json")


def main_content(document: Document) -> Element:
    """A new tree with only the main content of ``document``. Inline elements and texts are shared with the old one."""
    page = cut(document.root)
    chances = _forest().chances(rows_of(document, page))
    return pruned(page, choose(page.patterns, chances))


@cache
def _forest() -> Forest:
    return Forest.load(_WEIGHTS, NAMES)
