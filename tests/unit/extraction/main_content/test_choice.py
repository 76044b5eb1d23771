"""What is kept, and the tree that is left."""

from noctule.extraction.document import Element
from noctule.extraction.main_content.blocks import Page, cut
from noctule.extraction.main_content.choice import choose, pruned
from noctule.extraction.parser import parse


def cut_html(html: str) -> Page:
    return cut(parse(html).root)


def kept(html: str, *texts: str) -> str:
    """What is left of ``html`` when the patterns that start with ``texts`` are kept."""
    page = cut_html(html)
    return shown(pruned(page, [pattern for pattern in page.patterns if pattern.blocks[0].text in texts]))


def shown(element: Element) -> str:
    inner = "".join(child if isinstance(child, str) else shown(child) for child in element.children)
    return f"<{element.tag}>{inner}</{element.tag}>"


def test_the_likely_are_chosen_and_the_unlikely_are_not() -> None:
    page = cut_html("<p>one two three</p><div>four five</div><nav>six seven</nav>")
    assert choose(page.patterns, [0.9, 0.8, 0.1]) == page.patterns[:2]


def test_where_all_are_doubtful_more_are_chosen() -> None:
    page = cut_html("<p>one two</p><div>three four</div><nav>five six</nav>")
    assert len(choose(page.patterns, [0.4, 0.35, 0.3])) == 3


def test_some_are_chosen_however_unlikely_all_are() -> None:
    page = cut_html("<p>one</p>")
    assert choose(page.patterns, [1e-9]) == page.patterns
    assert choose([], []) == []


def test_what_is_left_keeps_order_and_nesting() -> None:
    html = "<div>one<section><p>two</p><nav>three</nav></section>four <b>five</b></div><p>six</p>"
    assert kept(html, "two", "one") == "<body><div>one<section><p>two</p></section>four <b>five</b></div></body>"


def test_texts_on_both_sides_of_what_goes_do_not_grow_together() -> None:
    assert kept("<div>one<nav>two</nav>three</div>", "one") == "<body><div>one\nthree</div></body>"


def test_nothing_kept_leaves_an_empty_root() -> None:
    assert kept("<p>one</p>") == "<body></body>"


def test_an_image_stays_between_two_that_stay_and_goes_otherwise() -> None:
    html = "<h1>one</h1><div><img></div><p>two</p><div><img></div><nav>three</nav>"
    assert kept(html, "one", "two") == "<body><h1>one</h1><div><img></img></div><p>two</p></body>"


def test_a_row_keeps_the_places_of_its_columns() -> None:
    html = "<table><tr><td class=a>one</td><td></td><td class=b>two</td></tr></table>"
    assert kept(html, "two") == "<body><table><tr><td></td><td></td><td>two</td></tr></table></body>"
