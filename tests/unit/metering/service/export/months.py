"""A month of everything that an export has to tell, and reading it back."""

import csv
import io
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from noctule.metering.service import Correction, LeaseOpening, Meter, ModelCall, Month
from noctule.metering.service.export import Export, ExportFormat
from tests.unit.metering.conftest import Bench

MARCH, APRIL = Month(2026, 3), Month(2026, 4)
DOLLAR = 10**9


def eventful(bench: Bench) -> None:
    """March: plan credit, overage, a top-up that settles it, tags, models, corrections; April: a late use."""
    meter = bench.meter
    bench.account("free")
    bench.account(id="b")
    bench.write(
        meter.open_lease, LeaseOpening("s", "a", "key-1", session_id="s", agent_id="agent", tags=("red", 'a "b", c'))
    )
    meter.begin("s")
    bench.clock.advance(61)
    bench.tick(s=1234)
    bench.close(proxied_bytes=1_000_001)
    _call(bench, "c1", 7 * DOLLAR, 'gpt, "new"\nline')
    bench.write(meter.top_up, "a", 20 * DOLLAR, "t1")
    bench.write(meter.grant, "a", DOLLAR, "gift", expires_after=APRIL)
    _call(bench, "c2", 123_456_789, "m2")
    bench.write(meter.correct, "a", Correction("refund", -DOLLAR // 2, "it hung", Meter.BROWSER, session_id="s"))
    bench.write(meter.correct, "a", Correction("extra", 1, "forgotten, sorry", Meter.PROXY))
    bench.write(meter.open_lease, LeaseOpening("other", "b", "key-9", session_id="other"))
    bench.clock.jump((APRIL.start - bench.clock.now()).total_seconds() + 2 * 3600)
    late = ModelCall("late", "a", "m2", (("input", 5),), 11, "p", datetime(2026, 3, 31, 23, tzinfo=UTC))
    bench.write(meter.charge_model_call, late)
    bench.write(
        meter.correct,
        "a",
        Correction("old", -7, "in March", Meter.LLM, occurred_at=MARCH.start + timedelta(days=20)),
    )


def _call(bench: Bench, id: str, nanos: int, model: str) -> None:
    call = ModelCall(id, "a", model, (("input", 40), ("output", 2)), nanos, "p", bench.clock.now(), session_id="s")
    bench.write(bench.meter.charge_model_call, call)


def exported(bench: Bench, format: ExportFormat, start: datetime, end: datetime, account_id: str | None = "a") -> bytes:
    """The whole document."""

    def step(connection: Connection) -> bytes:
        made = Export.begin(connection, format, account_id, start, end, {"a": "acme", "b": "bees"})
        pieces = []
        while (piece := made.next(connection)) is not None:
            pieces.append(piece)
        return b"".join(pieces)

    return bench.read(step)


def rows_of(document: bytes) -> list[dict[str, str]]:
    """The rows of a document by column."""
    return list(csv.DictReader(io.StringIO(document.decode(), newline=""), strict=True))


def of_month(bench: Bench, format: ExportFormat, month: Month, account_id: str | None = "a") -> list[dict[str, str]]:
    """The rows of a month."""
    return rows_of(exported(bench, format, month.start, month.end, account_id))
