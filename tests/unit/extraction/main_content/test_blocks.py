"""Pages cut into blocks, sections and patterns."""

from noctule.extraction.document import Element
from noctule.extraction.main_content.blocks import Page, cut
from noctule.extraction.parser import parse


def cut_html(html: str) -> Page:
    return cut(parse(html).root)


def texts(page: Page) -> list[str]:
    return [block.text for block in page.blocks]


def test_block_level_elements_break_lines_and_inline_ones_do_not() -> None:
    assert texts(cut_html("one <b>two</b> three<p>four</p>five<ul><li>six<li>seven</ul>")) == [
        "one two three",
        "four",
        "five",
        "six",
        "seven",
    ]


def test_an_inline_element_around_block_level_ones_breaks_lines_too() -> None:
    assert texts(cut_html("<a href=/><span>one<div>two</div></span></a>")) == ["one", "two"]


def test_preformatted_text_is_one_block_however_it_is_built() -> None:
    assert texts(cut_html("<pre><div>one</div><div>two</div></pre>")) == ["onetwo"]


def test_a_line_break_is_a_space_between_words() -> None:
    assert texts(cut_html("<p>one<br>two</p>")) == ["one two"]


def test_an_image_alone_is_a_block_without_words() -> None:
    page = cut_html("<p>one</p><p><img src=a></p><p> </p>")
    assert [len(block.words) for block in page.blocks] == [1, 0]
    assert len(page.patterns) == 1


def test_figures_of_a_section_are_sums_over_what_is_in_it() -> None:
    page = cut_html("<div><h2>A heading</h2><p>It is <a href=/>a link</a>, is it?</p></div><p>more</p>")
    figures = page.root.figures
    assert (figures.words, figures.link_words, figures.paragraphs, figures.headings) == (9, 2, 2, 1)
    assert figures.stop_words == 7
    assert figures.marks == 2
    assert page.root.children[0].figures.words == 8


def test_words_in_a_link_around_blocks_are_words_of_the_link() -> None:
    page = cut_html("<a href=/><div>one two</div><p>three</p></a>")
    assert page.root.figures.link_words == 3


def test_blocks_of_one_place_in_the_template_are_one_pattern() -> None:
    card = "<div class=card><h3>name</h3><p>text</p></div>"
    page = cut_html(f"<div class=list>{card * 3}</div><div class=other>{card}</div>")
    assert [[block.text for block in pattern.blocks] for pattern in page.patterns] == [
        ["name"] * 3,
        ["text"] * 3,
        ["name"],
        ["text"],
    ]
    assert page.patterns[0].numbers == [0, 2, 4]


def test_sections_know_how_many_next_to_them_are_alike() -> None:
    page = cut_html("<ul><li>a<li>b<li class=x>c</ul>")
    assert [item.alike for item in page.root.children[0].children] == [2, 2, 1]


def test_hints_come_from_the_nearest_section_that_gives_them() -> None:
    page = cut(Element("body", {"class": "nav"}, [Element("div", {"class": "nav"}, [Element("p", {}, ["text"])])]))
    hints = [depth for depth in page.blocks[0].section.hint_depths if depth >= 0]
    # The body's names tell of the page: only the division's count.
    assert hints == [1]
