"""A month of a busy server in seconds, every figure of it held against plain integers.

Two hundred sessions a day over five workspaces, from the middle of one month to the middle of the next one, with
everything that happens to money meanwhile. ``NOCTULE_SEED`` repeats a run.
"""

import csv
import io
import tempfile
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, select

from noctule.db.engine import Database
from noctule.kit.outbox import Announcement
from noctule.kit.paging import PageQuery
from noctule.metering.book import PriceBook
from noctule.metering.service import Month
from noctule.metering.service.breakdown import Dimension, Spent, breakdown
from noctule.metering.service.export import Export, ExportFormat
from noctule.metering.service.replay import Difference, Replay
from noctule.metering.store import reading
from noctule.metering.store.tables import usage_day
from noctule.usage.wire import UsageResponse
from tests.properties.seeds import SEED
from tests.properties.simulation import Simulation
from tests.properties.tally import Tally, Use

_NANOS = 10**9
_ATTEMPTS = ("browser leases", "function leases", "starts refused by budgets", "starts refused for credit")
_HAPPENINGS = {
    *_ATTEMPTS,
    *("stopped by budget", "stopped by credit", "restarts", "abandoned leases", "jumps"),
    *("plan changes", "top-ups", "topped up when dry", "grants", "voids", "refunds", "extra charges"),
    *(
        "budgets by workspace",
        "budgets by key",
        "budgets by tag",
        "budgets by agent",
        "budgets changed",
        "budgets removed",
    ),
    *("sessions with a limit of their own", "model calls", "calls delivered twice"),
}
_START, _END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


class Checked(Simulation):
    """A simulation that looks at everything when a day is over."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.day = 0
        self.bodies: dict[tuple[str, Month], str] = {}

    def end_of_day(self) -> None:
        self.day += 1
        self.check_figures()
        if self.day % 10 == 0 and self.day < self.days:
            self.check_breakdowns()

    def check_figures(self) -> None:
        self.write(self.meter.seal_months)
        for tally in self.tallies.values():
            for month in self.months(tally):
                self.check_month(tally, month)
            self.check_budgets(tally)
            self.check_grants(tally)
        assert announced(list(self.outbox.by_key.values())) == self.expected_announcements()

    def months(self, tally: Tally) -> list[Month]:
        """From its first one to the one after the current."""
        found = [Month.of(tally.opened)]
        while found[-1] <= Month(*tally.month(self.clock.now())):
            found.append(found[-1].next)
        return found

    def check_month(self, tally: Tally, month: Month) -> None:
        usage = self.read(self.meter.usage, tally.id, month)
        figures = asdict(usage)
        del figures["month"]
        assert figures == tally.usage((month.year, month.month), self.clock.now())
        if month.is_sealed(tally.mark):
            body = UsageResponse.of(usage).model_dump_json()
            assert self.bodies.setdefault((tally.id, month), body) == body

    def check_budgets(self, tally: Tally) -> None:
        month = tally.month(self.clock.now())
        stands = [
            (each.budget.name, each.budget.limit_nanos, each.spent_nanos)
            for each in self.read(self.meter.budgets, tally.id)
        ]
        expected = [(each.name, each.limit, each.spent[each.period(month)]) for each in tally.budgets.values()]
        assert sorted(stands) == sorted(expected)

    def check_grants(self, tally: Tally) -> None:
        found = {each.key: each.remaining_nanos for each in self.read(self.meter.grants, tally.id)}
        assert found == {credit.key: credit.left for credit in tally.credits}

    def check_breakdowns(self) -> None:
        for tally in self.tallies.values():
            for month in self.months(tally):
                mine = [use for use in tally.uses if Month.of(use.at) == month]
                total = sum(use.cost for use in mine)
                for dimension in Dimension:
                    rows, shown = self.rows(tally.id, month, dimension)
                    assert {row.key: row for row in rows} == expected_rows(mine, dimension)
                    assert shown == total
                    assert dimension is Dimension.TAG or sum(row.total_nanos for row in rows) == total

    def rows(self, id: str, month: Month, dimension: Dimension) -> tuple[list[Spent], int]:
        rows: list[Spent] = []
        query = PageQuery(1, 1000)
        while True:
            found = self.read(breakdown, id, month, dimension, query)
            rows += found.rows.items
            if not found.rows.has_next:
                return rows, found.total_nanos
            query = PageQuery(query.page + 1, query.page_size)

    # -- the end -------------------------------------------------------------------------------------------

    def everything_agrees(self) -> None:
        self.check_figures()
        self.check_breakdowns()
        sealed = {
            (id, view.month)
            for id in self.tallies
            for view in self.read(self.meter.months, id)
            if view.sealed_at is not None
        }
        # Whose newest booking was made under a clock that ran ahead takes no more, but has no seal yet.
        assert sealed == {(id, month) for id, month in self.bodies if month < Month.of(self.clock.now())}
        report = self.read(self.meter.audit)
        assert [check for check in report.checks if not check.ok] == []
        by_session: Counter[str] = Counter()
        for tally in self.tallies.values():
            for use in tally.uses:
                by_session[use.whose.session] += use.cost
        # The breakdown has had all of them; the single look-up gets some.
        sessions = [held.id for held in self.closed.values() if held.meter == "browser"][::20]
        costs = self.read(lambda link: {id: self.meter.cost_of_session(link, id) for id in sessions})
        assert costs == {id: by_session[id] for id in sessions}
        before = self.state()
        self.write(self.meter.rebuild)
        assert self.state() == before
        for tally in self.tallies.values():
            verified = self.read(self.meter.verified_usage, tally.id, None)
            assert verified == self.read(self.meter.usage, tally.id, None)
        assert self.read(self.replay_differences) == []
        uses = [use for tally in self.tallies.values() for use in tally.uses]
        for format, column in ((ExportFormat.CSV, "cost"), (ExportFormat.FOCUS, "EffectiveCost")):
            amounts = self.read(exported, format, column)
            assert sum(amounts) * _NANOS == sum(use.cost for use in uses)
            assert format is ExportFormat.FOCUS or len(amounts) == len(uses)

    def state(self) -> Any:
        """Rollups and balances, without empty ones."""

        def step(link: Connection) -> Any:
            rollups = {where: asdict(rollup) for where, rollup in reading.rollups(link).items()}
            balances = {where: left for where, left in reading.balances(link).items() if left}
            days = sorted(tuple(row) for row in link.execute(select(usage_day)))
            return {where: figures for where, figures in rollups.items() if any(figures.values())}, balances, days

        return self.read(step)

    def replay_differences(self, connection: Connection) -> list[Difference]:
        with tempfile.TemporaryDirectory() as folder:
            replay = Replay(Path(folder), PriceBook.built_in(), self.clock.now())
            replay.copy(connection)
            replay.repost()
            return list(replay.differences(lambda usage: UsageResponse.of(usage).model_dump_json()))


def exported(connection: Connection, format: ExportFormat, column: str) -> list[Decimal]:
    export = Export.begin(connection, format, None, _START, _END, {})
    pieces = []
    while (piece := export.next(connection)) is not None:
        pieces.append(piece)
    return [Decimal(row[column]) for row in csv.DictReader(io.StringIO(b"".join(pieces).decode(), newline=""))]


def announced(announcements: list[Announcement]) -> Counter[tuple[object, ...]]:
    """Announcements as the tallies write them."""
    found: Counter[tuple[object, ...]] = Counter()
    for each in announcements:
        data, about = each.data, (each.type, each.workspace_id)
        match each.type:
            case "usage.threshold":
                amounts = (nanos(data[name]) for name in ("credit", "spent", "balance"))
                found[*about, data["month"], data["percent"], *amounts, each.at] += 1
            case "usage.exhausted":
                found[*about, data["month"], nanos(data["balance"]), each.at] += 1
            case _:
                budget = data["budget"]
                where = (budget["name"], data["period"], nanos(budget["limit"]), data["percent"])
                found[*about, *where, nanos(data["spent"]), each.at] += 1
    return found


def nanos(dollars: str) -> int:
    return int(Decimal(dollars) * _NANOS)


def expected_rows(uses: list[Use], dimension: Dimension) -> dict[str, Spent]:
    """A breakdown, counted use by use."""
    by_key: dict[str, list[Use]] = {}
    for use in uses:
        for name in keys_of(use, dimension):
            by_key.setdefault(name, []).append(use)
    rows = {}
    for name, mine in by_key.items():
        counts: Counter[str] = Counter()
        costs: Counter[str] = Counter()
        for use in mine:
            counts[use.meter] += use.quantity
            costs[use.meter] += use.cost
        sessions = len({use.whose.session for use in mine} - {""})
        meters = ("browser", "proxy", "llm", "function")
        rows[name] = Spent(name, sessions, len(mine), *(counts[m] for m in meters), *(costs[m] for m in meters))
    return rows


def keys_of(use: Use, dimension: Dimension) -> tuple[str, ...]:
    whose = use.whose
    match dimension:
        case Dimension.TAG:
            return whose.tags or ("",)
        case Dimension.DAY:
            return (f"{use.at:%Y-%m-%d}",)
        case Dimension.KEY:
            return (whose.api_key,)
        case _:
            return (getattr(whose, dimension.value),)


def run(database: Database, start: datetime, **terms: Any) -> Checked:
    print(f"NOCTULE_SEED={SEED}")
    simulation = Checked(database, SEED, start, **terms)
    simulation.run()
    simulation.everything_agrees()
    print(dict(sorted(simulation.seen.items())))
    return simulation


@pytest.fixture
def hasty_sqlite(sqlite: Database) -> Database:
    """A database that does not wait for the disk: no power fails here."""

    @event.listens_for(sqlite.engine, "connect")
    def hurry(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    sqlite.engine.dispose()
    return sqlite


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_thirty_days_of_two_hundred_sessions_come_out_to_the_nano(hasty_sqlite: Database) -> None:
    # The clock goes wrong by a day both ways, but not at the month's end: it is to come in its own time.
    jumps = {3: 86_400, 22: -86_400}
    start = datetime(2026, 3, 15, tzinfo=UTC)
    simulation = run(hasty_sqlite, start, days=30, sessions_a_day=200, jumps=jumps, is_direct=True)
    # Whatever the seed: everything that this is about has happened.
    assert sum(simulation.seen[name] for name in _ATTEMPTS) == 30 * 200 + 30 * 10
    assert _HAPPENINGS - simulation.seen.keys() == set()
    kinds = {each.type for each in simulation.outbox.by_key.values()}
    assert kinds == {"usage.threshold", "usage.exhausted", "usage.budget"}
    assert simulation.bodies.keys() == {(id, Month(2026, 3)) for id in simulation.tallies}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_month_that_ends_a_day_early_comes_out_right_on_every_database(database: Database) -> None:
    start = datetime(2026, 3, 30, tzinfo=UTC)
    simulation = run(database, start, days=4, sessions_a_day=40, jumps={1: 86_400}, is_direct=False)
    assert sum(simulation.seen[name] for name in _ATTEMPTS) == 4 * 40 + 4 * 2
    assert simulation.bodies
