"""What lines on pages are: headings, paragraphs, lists, tables."""

from noctule.extraction.document import Document
from noctule.extraction.markdown import to_markdown
from noctule.extraction.pdf.layout import arranged
from noctule.extraction.pdf.lines import Line, Segment

WIDE = "words that fill the line until the right margin of the page is"


def _line(text: str, bottom: float, *, left: float = 72, size: float = 11, bold: bool = False) -> Line:
    return Line(size, bold, bottom, [Segment(left, left + len(text) * size * 0.5, text)])


def _paragraph(*texts: str, top: float = 700, left: float = 72) -> list[Line]:
    return [_line(text, top - number * 13, left=left) for number, text in enumerate(texts)]


def _row(bottom: float, *cells: str) -> Line:
    return Line(11, False, bottom, [Segment(72 + n * 100, 72 + n * 100 + 40, text) for n, text in enumerate(cells)])


def _markdown(*pages: list[Line], title: str = "") -> str:
    return to_markdown(Document("", title, arranged(title, list(pages)))).text


def test_lines_of_a_paragraph_are_one_line() -> None:
    assert _markdown(_paragraph(WIDE, "reached.")) == f"{WIDE} reached."


def test_divided_words_are_whole_again() -> None:
    assert _markdown(_paragraph(f"{WIDE} hyphen-", "ated.")).endswith("is hyphenated.")
    assert _markdown(_paragraph(f"{WIDE} Anglo-", "Saxon.")).endswith("is Anglo-Saxon.")


def test_a_wide_gap_or_an_early_end_ends_a_paragraph() -> None:
    assert _markdown([*_paragraph(WIDE, "one."), *_paragraph("Two.", top=640)]) == f"{WIDE} one.\n\nTwo."
    assert _markdown(_paragraph(WIDE, "one.", f"Then {WIDE}", "two.")) == f"{WIDE} one.\n\nThen {WIDE} two."


def test_larger_type_makes_headings_by_size() -> None:
    page = [
        _line("Title", 760, size=24),
        _line("Section", 720, size=16),
        *_paragraph(WIDE, "one.", top=700),
        _line("Section two", 660, size=16),
        *_paragraph(f"{WIDE} too.", top=640),
    ]

    assert _markdown(page) == f"# Title\n\n## Section\n\n{WIDE} one.\n\n## Section two\n\n{WIDE} too."


def test_a_heading_over_two_lines_is_one() -> None:
    page = [_line("A long", 760, size=24), _line("title", 732, size=24), *_paragraph(WIDE, "one.")]

    assert _markdown(page).startswith("# A long title\n")


def test_a_short_bold_line_is_a_heading_below_the_others() -> None:
    page = [_line("Title", 760, size=24), _line("Method", 720, bold=True), *_paragraph(WIDE, "one.", top=700)]

    assert "\n\n## Method\n\n" in _markdown(page)


def test_bullets_and_numbers_make_lists() -> None:
    page = [
        _line("• first item", 700),
        _line("goes on", 687, left=80),
        _line("• second", 674),
        _line("3. three", 640),
        _line("4. four", 627),
    ]

    assert _markdown(page) == "- first item goes on\n- second\n\n3. three\n4. four"


def test_columns_in_rows_make_a_table() -> None:
    page = [_row(700, "Name", "Value"), _row(686, "a", "1"), _row(672, "b", "2")]

    assert _markdown(page) == "| Name | Value |\n| --- | --- |\n| a | 1 |\n| b | 2 |"


def test_what_is_not_surely_a_table_is_text() -> None:
    two_rows = [_row(700, "Name", "Value"), _row(686, "a", "1")]
    prose = [_row(700 - n * 14, "long lines of text " * 4, "in columns of a page " * 4) for n in range(4)]

    assert "|" not in _markdown(two_rows)
    assert "|" not in _markdown(prose)


def test_what_stands_on_every_page_and_page_numbers_are_left_out() -> None:
    pages = [
        [_line("Journal of Tests", 800), *_paragraph(f"Text {n} {WIDE}.", top=600), _line(str(n), 30)]
        for n in range(1, 5)
    ]

    text = _markdown(*pages)

    assert "Journal" not in text
    assert text.count("---") == 3
    assert text.endswith(f"Text 4 {WIDE}.")


def test_a_sentence_goes_on_over_the_page() -> None:
    first = [_line("Top", 790), *_paragraph("It begins and", top=700)]
    second = [*_paragraph("goes on.", top=700), *_paragraph("Then more.", top=600)]

    assert _markdown(first, second) == "Top\n\nIt begins and goes on.\n\n---\n\nThen more."


def test_the_title_is_a_heading_once() -> None:
    page = [_line("My Title", 760, size=24), *_paragraph(f"{WIDE}.")]

    assert _markdown(page, title="my title").count("itle") == 1
    assert _markdown(_paragraph(f"{WIDE}."), title="Other").startswith("# Other\n\n")


def test_text_is_no_markup() -> None:
    assert _markdown(_paragraph("*a* # b")) == "\\*a\\* # b"
