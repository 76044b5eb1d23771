"""Rows of features."""

import pytest

from noctule.extraction.main_content.blocks import cut
from noctule.extraction.main_content.features import NAMES, rows_of
from noctule.extraction.parser import parse


def rows(html: str, url: str = "https://example.org/a/b") -> list[dict[str, float]]:
    document = parse(html, url)
    return [dict(zip(NAMES, row, strict=True)) for row in rows_of(document, cut(document.root))]


def test_names_are_not_used_twice() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_every_pattern_has_a_row_of_numbers() -> None:
    described = rows("<h1>Bats</h1><p>One.</p><p>Two.</p><ul><li><a href=/>Home</a></ul>")
    assert len(described) == 3
    assert all(isinstance(value, float) for row in described for value in row.values())


def test_text_is_told_by_its_words_links_and_marks() -> None:
    prose, link = rows("<p>It was a night, and the bats were out.</p><div><a href=/>Shop now</a></div>")
    assert prose["words"] == 9
    assert prose["link_density"] == 0
    assert prose["mark_density"] == pytest.approx(2 / 9)
    assert prose["ends_sentence"] == 1
    assert link["link_density"] == 1
    assert link["is_call"] == 1


def test_place_is_told_by_headings_and_hints() -> None:
    under, aside = rows("<h2>Recommended</h2><p>text of it</p><aside><div>by the way</div></aside>")[1:]
    assert under["under_level"] == 2
    assert under["under_elsewhere"] == 1
    assert aside["hint_aside"] == 1
    assert under["hint_aside"] == 12


def test_repetition_is_told_by_the_nearest_section_that_repeats() -> None:
    card = "<div class=card><div class=in><p>one two three</p></div></div>"
    assert rows(f"<div>{card * 5}</div>")[0]["alike"] == 5
    assert rows(f"<div>{card * 5}</div>")[0]["alike_steps"] == 2


def test_the_page_is_told_alike_to_all_its_patterns() -> None:
    described = rows("<main><h1>Bats</h1><p>text</p></main>", "https://example.org/a/b/c?d=/e/f")
    assert {row["page_mains"] for row in described} == {1}
    assert {row["page_path_depth"] for row in described} == {3}
