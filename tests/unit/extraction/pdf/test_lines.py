"""Lines of a PDF: text, place and size."""

import pytest

from noctule.extraction.pdf.lines import MAX_PAGES, Line, Unreadable, read
from tests.unit.extraction.pdfs import ENCRYPTED, Words, lines, pdf


def _lines(*words: Words) -> list[Line]:
    _, (page,) = read(pdf(list(words)))
    return page


def test_a_line_has_its_text_size_and_weight() -> None:
    first, second = _lines(Words(72, 700, "Large", 24), Words(72, 660, "Bold", 11, bold=True))

    assert (first.text, first.size, first.is_bold) == ("Large", 24, False)
    assert (second.text, second.size, second.is_bold) == ("Bold", 11, True)
    assert first.bottom > second.bottom
    assert abs(first.left - 72) < 3


def test_words_far_apart_are_segments_of_one_line() -> None:
    (line,) = _lines(Words(72, 700, "left"), Words(300, 700, "right side"))

    assert [segment.text for segment in line.segments] == ["left", "right side"]
    assert line.text == "left right side"


def test_a_divided_word_keeps_its_hyphen_at_the_end_of_the_line() -> None:
    first, second = _lines(*lines("some hyphen-", "ation here"))

    assert (first.text, second.text) == ("some hyphen-", "ation here")


def test_the_title_is_the_documents_but_no_file_name() -> None:
    page = [Words(72, 700, "x")]

    assert read(pdf(page, title="A title"))[0] == "A title"
    assert read(pdf(page, title="report-v2.docx"))[0] == ""
    assert read(pdf(page))[0] == ""


def test_pages_beyond_the_last_that_is_read_are_left_out() -> None:
    _, pages = read(pdf(*[[Words(72, 700, "x")]] * (MAX_PAGES + 3)))

    assert len(pages) == MAX_PAGES


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (b"", "damaged"),
        (b"%PDF-1.7\nnothing more", "damaged"),
        (pdf([Words(72, 700, "x")])[:400], "damaged"),
        (pdf([]), "images"),
        (pdf([], []), "images"),
        (
            pdf(
                [Words(72, 700, "x")],
                trailer=ENCRYPTED,
            ),
            "encrypted",
        ),
    ],
)
def test_a_file_without_readable_text_says_why(data: bytes, failure: str) -> None:
    with pytest.raises(Unreadable, match=failure):
        read(data)
