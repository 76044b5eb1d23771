"""One pass tells what the whole document has."""

from noctule.extraction.document import Element
from noctule.extraction.markdown.survey import survey
from tests.unit.extraction.trees import tree


def test_inline_elements_that_hold_blocks_are_found_at_any_depth() -> None:
    root = tree("<a><span><b>x</b><p>y</p></span></a><i>z</i><div><p>w</p></div>")

    found = survey(root)

    assert {element.tag for element in root.walk() if id(element) in found.blocks} == {"a", "span"}


def test_formulas_are_seen() -> None:
    assert survey(tree("<p><math></math></p>")).has_formulas
    assert survey(tree('<p><span class="katex"></span></p>')).has_formulas
    assert not survey(tree("<p>math</p>")).has_formulas


def test_a_link_up_is_a_return_only_where_there_are_notes() -> None:
    up = '<a href="#top">↑ Top</a>'

    assert not survey(tree(f'{up}<p id="top">x</p>')).returns
    assert survey(tree(f'{up}<a href="#fn1">1</a><p id="fn1">x</p>')).returns


def test_it_does_not_recurse() -> None:
    root = Element("p")
    for _ in range(5000):
        root = Element("b", {}, [root])

    assert len(survey(root).blocks) == 5000
