"""Pages of a list."""

from hypothesis import given
from hypothesis import strategies as st

from noctule.kit.paging import Page, PageQuery


@given(st.integers(min_value=0, max_value=300), st.integers(min_value=1, max_value=100))
def test_pages_tile_the_list_and_know_their_neighbours(length: int, page_size: int) -> None:
    rows = list(range(length))
    seen: list[int] = []
    number = 1
    while True:
        query = PageQuery(number, page_size)
        page = Page.of(rows[query.offset : query.offset + query.fetch], query)
        seen.extend(page.items)
        assert len(page.items) <= page_size
        assert page.has_previous is (number > 1)
        if not page.has_next:
            break
        number += 1
    assert seen == rows


def test_a_page_after_the_last_is_empty() -> None:
    page: Page[int] = Page.of([], PageQuery(9, 10))
    assert page.items == ()
    assert not page.has_next
    assert page.has_previous
