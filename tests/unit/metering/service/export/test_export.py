"""Pieces: bounded, and together one snapshot."""

import pytest
from sqlalchemy import Connection

from noctule.kit.errors import InvalidRequest
from noctule.metering.service import Meter, UsageEvent
from noctule.metering.service.export import Export, ExportFormat
from tests.unit.metering.conftest import Bench
from tests.unit.metering.service.export.months import DOLLAR, MARCH, rows_of


def _spend(bench: Bench, first: int, events: int, account_id: str = "a") -> None:
    now = bench.clock.now()
    made = [
        UsageEvent(f"llm:{n}", account_id, Meter.LLM, now, 0, 1, "token", "p", n) for n in range(first, first + events)
    ]
    bench.write(bench.meter.deliver, made)


def _begin(bench: Bench, format: ExportFormat, account_id: str | None = "a") -> Export:
    def step(connection: Connection) -> Export:
        return Export.begin(connection, format, account_id, MARCH.start, MARCH.end, {})

    return bench.read(step)


@pytest.mark.parametrize("format", list(ExportFormat))
def test_what_is_booked_after_the_beginning_is_in_no_piece(bench: Bench, format: ExportFormat) -> None:
    bench.account()
    bench.account(id="b")
    _spend(bench, 0, 2_500)
    export = _begin(bench, format)
    pieces = []
    for turn in range(100):
        piece = bench.read(export.next)
        if piece is None:
            break
        pieces.append(piece)
        _spend(bench, 10_000 + turn, 1)
        _spend(bench, 20_000 + turn, 1, "b")
        bench.write(bench.meter.top_up, "a", DOLLAR, f"t{turn}")
    assert len(pieces) > 1
    rows = rows_of(b"".join(pieces))
    use = [row for row in rows if row.get("ChargeCategory") != "Purchase"]
    assert len(use) == 2_500
    assert len(rows) - len(use) == (1 if format is ExportFormat.FOCUS else 0)
    assert export.rows == len(rows)


def test_a_piece_is_bounded_however_much_there_is(bench: Bench) -> None:
    bench.account()
    _spend(bench, 0, 6_000)
    export = _begin(bench, ExportFormat.CSV)
    sizes = []
    while (piece := bench.read(export.next)) is not None:
        sizes.append(piece.count(b"\r\n"))
    assert max(sizes) <= 2_001
    assert sum(sizes) == 6_001


def test_an_export_that_ends_before_it_begins_is_refused(bench: Bench) -> None:
    bench.account()
    with pytest.raises(InvalidRequest):
        bench.read(Export.begin, ExportFormat.CSV, "a", MARCH.end, MARCH.start, {})
