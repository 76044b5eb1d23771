"""A month broken down: what belongs to what, and that nothing is lost or counted twice."""

from datetime import UTC, datetime
from itertools import count

import pytest

from noctule.kit.paging import PageQuery
from noctule.metering.service import Correction, Meter, Month, UsageEvent
from noctule.metering.service.breakdown import Breakdown, Dimension, Filters, breakdown
from tests.unit.metering.conftest import Bench

MARCH = Month(2026, 3)
_numbers = count()


def used(
    bench: Bench,
    nanos: int,
    meter: Meter = Meter.LLM,
    *,
    day: int = 10,
    quantity: int = 1,
    model: str | None = None,
    account_id: str = "a",
    **ids: str,
) -> None:
    """Book one use of March."""
    number = next(_numbers)
    event = UsageEvent(
        key=f"llm:{number}",
        account_id=account_id,
        meter=meter,
        occurred_at=datetime(2026, 3, day, 9, tzinfo=UTC),
        position=number + 1,
        quantity=quantity,
        unit="any",
        price_id="p",
        cost_nanos=nanos,
        detail=None if model is None else f'{{"model":"{model}"}}',
        **ids,
    )
    bench.write(bench.meter.deliver, [event])


def by(
    bench: Bench, dimension: Dimension, filters: Filters = Filters(), month: Month = MARCH, size: int = 100
) -> Breakdown:
    return bench.read(breakdown, "a", month, dimension, PageQuery(1, size), filters)


def costs(found: Breakdown) -> list[tuple[str, int]]:
    return [(row.key, row.total_nanos) for row in found.rows.items]


@pytest.fixture
def busy(bench: Bench) -> Bench:
    """A month with a little of everything, in two accounts."""
    bench.account()
    bench.account(id="b")
    used(bench, 100, Meter.BROWSER, session_id="s1", api_key_id="k1", tags='["red","blue"]')
    used(bench, 101, Meter.BROWSER, session_id="s1", api_key_id="k1", tags='["red","blue"]', day=11)
    used(bench, 40, Meter.PROXY, quantity=4, session_id="s1", api_key_id="k1", tags='["red","blue"]')
    used(bench, 500, session_id="s2", agent_id="g", api_key_id="k2", model="m1", quantity=70, tags='["red"]')
    used(bench, 9, model="m2", quantity=3, api_key_id="k2")
    used(bench, 77, Meter.FUNCTION, function_id="f", function_run_id="r", day=1)
    used(bench, 1_000_000, account_id="b", session_id="s9")
    return bench


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        (Dimension.SESSION, [("s2", 500), ("s1", 241), ("", 86)]),
        (Dimension.AGENT, [("g", 500), ("", 327)]),
        (Dimension.FUNCTION, [("", 750), ("f", 77)]),
        (Dimension.MODEL, [("m1", 500), ("", 318), ("m2", 9)]),
        (Dimension.KEY, [("k2", 509), ("k1", 241), ("", 77)]),
        (Dimension.DAY, [("2026-03-01", 77), ("2026-03-10", 649), ("2026-03-11", 101)]),
    ],
)
def test_rows_come_with_the_largest_cost_first_and_add_up_to_the_month(
    busy: Bench, dimension: Dimension, expected: list[tuple[str, int]]
) -> None:
    found = by(busy, dimension)
    assert costs(found) == expected
    assert sum(cost for _, cost in expected) == found.total_nanos == busy.usage(MARCH).total_nanos == 827
    assert not found.overlaps
    assert "days" not in busy.broken()


def test_a_use_with_several_tags_counts_in_each_of_them_and_the_total_counts_it_once(busy: Bench) -> None:
    found = by(busy, Dimension.TAG)
    assert costs(found) == [("red", 741), ("blue", 241), ("", 86)]
    assert (found.total_nanos, found.overlaps) == (827, True)
    assert [row.sessions for row in found.rows.items] == [2, 1, 0]
    alone = by(busy, Dimension.TAG, Filters(session_id="s2"))
    assert (costs(alone), alone.overlaps, alone.total_nanos) == ([("red", 500)], False, 500)


def test_a_row_tells_what_was_used_of_each_meter(busy: Bench) -> None:
    second, first, rest = by(busy, Dimension.SESSION).rows.items
    assert (first.sessions, first.events, first.browser_minutes, first.proxy_bytes) == (1, 3, 2, 4)
    assert (first.browser_nanos, first.proxy_nanos, first.llm_nanos, first.function_nanos) == (201, 40, 0, 0)
    assert (second.llm_tokens, second.llm_nanos) == (70, 500)
    assert (rest.sessions, rest.function_minutes, rest.function_nanos, rest.llm_tokens) == (0, 1, 77, 3)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(session_id="s1"), 241),
        (Filters(api_key_id="k2"), 509),
        (Filters(meter=Meter.BROWSER), 201),
        (Filters(tag="blue"), 241),
        (Filters(tag="red", meter=Meter.LLM), 500),
        (Filters(tag="re"), 0),
        (Filters(tag='","'), 0),
        (Filters(session_id="s9"), 0),
    ],
    ids=repr,
)
def test_filters_keep_a_part_and_the_total_is_that_parts(busy: Bench, filters: Filters, expected: int) -> None:
    for dimension in Dimension:
        found = by(busy, dimension, filters)
        assert found.total_nanos == expected
        if dimension is not Dimension.TAG:
            assert sum(row.total_nanos for row in found.rows.items) == expected


def test_a_correction_lowers_the_row_of_its_session(busy: Bench) -> None:
    busy.write(busy.meter.correct, "a", Correction("c", -41, "twice", Meter.PROXY, session_id="s1"))
    found = by(busy, Dimension.SESSION)
    assert ("s1", 200) in costs(found)
    assert found.total_nanos == busy.usage(MARCH).total_nanos == 786


def test_pages_follow_each_other_without_gap_or_overlap(busy: Bench) -> None:
    for dimension in Dimension:
        whole = by(busy, dimension).rows.items
        pages = [busy.read(breakdown, "a", MARCH, dimension, PageQuery(page, 1)) for page in range(1, len(whole) + 2)]
        assert tuple(row for page in pages for row in page.rows.items) == whole
        assert [page.rows.has_next for page in pages] == [True] * (len(whole) - 1) + [False, False]


def test_a_month_without_uses_has_no_rows_and_costs_nothing(busy: Bench) -> None:
    for month in (Month(2026, 2), Month(2026, 4), Month(1999, 1)):
        for dimension in Dimension:
            found = by(busy, dimension, month=month)
            assert (found.rows.items, found.total_nanos, found.rows.has_next) == ((), 0, False)


def test_a_session_over_the_end_of_a_month_is_in_both(bench: Bench) -> None:
    bench.account()
    bench.clock.jump((Month(2026, 3).end - bench.clock.now()).total_seconds() - 90)
    bench.open()
    bench.clock.advance(185)
    bench.tick()
    bench.close()
    for month, minutes in ((MARCH, 2), (Month(2026, 4), 2)):
        (row,) = by(bench, Dimension.SESSION, month=month).rows.items
        assert (row.key, row.sessions, row.browser_minutes) == ("s", 1, minutes)
        assert row.total_nanos == bench.usage(month).total_nanos
    assert bench.broken() == []
