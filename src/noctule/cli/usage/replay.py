"""``noctule usage replay``: the books posted anew in a scratch database, and held against the real ones."""

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from noctule.app.places import load_book
from noctule.cli.common import load_settings, offline
from noctule.cli.usage.tables import count
from noctule.kit.clock import SystemClock
from noctule.metering.service import Usage
from noctule.metering.service.replay import Difference, Replay
from noctule.usage.wire import UsageResponse


@click.command("replay")
@click.option("--diff", is_flag=True, help="Print each difference: what, whose, the live value, the replayed one.")
def replay(diff: bool) -> None:
    """Post every use, plan and grant anew into an empty database, and compare; exit 1 if anything differs.

    A server may be at work meanwhile: the books are copied as they are at one instant, to a temporary folder that
    needs about twice their size.
    """
    with tempfile.TemporaryDirectory(prefix="noctule-replay-") as folder, offline() as services:
        books = Replay(Path(folder), load_book(load_settings()), SystemClock().now())
        asyncio.run(services.database.read(books.copy))
        events = books.repost()
        found = _printed(books.differences(_reply), diff)
    if found:
        places = ", ".join(f"{number:,} in {table}" for table, number in sorted(found.items()))
        click.echo(f"{count(found.total(), 'difference')}: {places}", err=True)
        if not diff:
            click.echo("With --diff each of them is printed.", err=True)
        sys.exit(1)
    click.echo(
        f"Posted anew, {count(events, 'usage event')}: the ledger, every rollup and every GET /usage are the same."
    )


def _reply(usage: Usage) -> str:
    return UsageResponse.of(usage).model_dump_json()


def _printed(differences: Iterator[Difference], diff: bool) -> Counter[str]:
    found: Counter[str] = Counter()
    for each in differences:
        found[each.table] += 1
        if diff:
            click.echo(
                f"{each.table}\t{each.key}\t{each.column}\tlive {_value(each.live)}\treplayed {_value(each.replayed)}"
            )
    return found


def _value(value: str | None) -> str:
    return "-" if value is None else value
