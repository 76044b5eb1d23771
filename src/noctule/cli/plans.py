"""``noctule plans``: what use costs and what plans give, as the file of rates says it; reads no database."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from noctule.app.places import load_book
from noctule.cli.common import load_settings, plain_sentences
from noctule.cli.usage.tables import table
from noctule.kit.clock import SystemClock
from noctule.kit.money import format_dollars
from noctule.metering.book import Dated, Plan, Price, PriceBook, Row, Standing

_NOTE = "Model tokens cost what their provider asks. A month's credit is what the plan's row said when the month began."


@click.group()
def plans() -> None:
    """Look at prices and plans."""


@plans.command("show")
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="What holds at that instant (UTC). Unset: now.",
)
@click.option("--all", "every", is_flag=True, help="Show every dated row, past ones too.")
def show(at: datetime | None, every: bool) -> None:
    """Show prices and plans, the file they come from, and which of them begin later."""
    settings = load_settings()
    moment = SystemClock().now() if at is None else at.replace(tzinfo=UTC)
    with plain_sentences():
        book = load_book(settings)
    source = settings.plans_file or "the built-in rates"
    lines = [f"{moment:%Y-%m-%d %H:%M} UTC, from {source}", ""]
    lines += _every_row(book, moment) if every else _by_standing(book, moment)
    click.echo("\n".join([*lines, _NOTE]))


def _every_row(book: PriceBook, at: datetime) -> list[str]:
    return [*_prices(book.dated_prices(at), True), "", *_plans(book.dated_plans(at), True), ""]


def _by_standing(book: PriceBook, at: datetime) -> list[str]:
    lines = [
        *_prices(_only(book.dated_prices(at), Standing.IN_FORCE)),
        "",
        *_plans(_only(book.dated_plans(at), Standing.IN_FORCE)),
        "",
    ]
    if prices := _only(book.dated_prices(at), Standing.LATER):
        lines += ["Prices that begin later:", "", *_prices(prices), ""]
    if plans := _only(book.dated_plans(at), Standing.LATER):
        lines += ["Plans that begin later:", "", *_plans(plans), ""]
    return lines


def _prices(rows: Sequence[Dated[Price]], with_standing: bool = False) -> list[str]:
    head = ("meter", "price", "per", "from (UTC)", "id")
    cells = [
        (
            each.row.meter.value,
            format_dollars(each.row.rate_nanos),
            each.row.per_unit,
            _date(each.row.begins_at),
            each.row.id,
        )
        for each in rows
    ]
    return _table(head, cells, [each.standing for each in rows] if with_standing else (), left={0, 2, 3, 4, 5})


def _plans(rows: Sequence[Dated[Plan]], with_standing: bool = False) -> list[str]:
    head = ("plan", "a month", "once", "sessions", "longest", "requests", "from (UTC)")
    cells = [
        (
            each.row.name,
            format_dollars(each.row.monthly_nanos),
            format_dollars(each.row.once_nanos),
            f"{each.row.concurrency:,}",
            f"{each.row.max_duration_minutes:,} min",
            f"{each.row.requests_per_minute:,}/min",
            _date(each.row.begins_at),
        )
        for each in rows
    ]
    return _table(head, cells, [each.standing for each in rows] if with_standing else (), left={0, 6, 7})


def _table(
    head: tuple[str, ...], cells: Sequence[tuple[str, ...]], standings: Sequence[Standing], left: set[int]
) -> list[str]:
    if not standings:
        return table(head, cells, left)
    marked = [(*row, standing.value) for row, standing in zip(cells, standings, strict=True)]
    return table((*head, "state"), marked, left)


def _only(rows: Sequence[Dated[Row]], standing: Standing) -> list[Dated[Row]]:
    return [each for each in rows if each.standing is standing]


def _date(at: datetime) -> str:
    return f"{at:%Y-%m-%d}" if at.time() == datetime.min.time() else f"{at:%Y-%m-%d %H:%M}"
