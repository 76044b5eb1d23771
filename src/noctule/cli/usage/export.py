"""``noctule usage export``: every charge as a row, for spreadsheets and for tools that read FOCUS.

Reads one snapshot in bounded memory, whatever its length. A file stands under its name only when it is whole.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import click
from sqlalchemy import Connection

from noctule.cli.common import offline
from noctule.cli.usage.periods import PERIOD_HELP, month_option
from noctule.cli.usage.tables import count
from noctule.kit.clock import SystemClock
from noctule.metering.service import Month
from noctule.metering.service.export import Export, ExportFormat

_ALL = "all"
_TERMINAL = "-"
_DATE = click.DateTime(["%Y-%m-%d"])


@click.command("export")
@click.option("--format", "format_", required=True, type=click.Choice([each.value for each in ExportFormat]))
@click.option("--period", help=PERIOD_HELP)
@click.option("--from", "first", type=_DATE, help="First day, in UTC; instead of --period.")
@click.option("--to", "last", type=_DATE, help="Last day, in UTC; unset: today.")
@click.option("--workspace", default="default", show_default=True, help="Name of the workspace, or all.")
@click.option("--output", default=_TERMINAL, show_default=True, help="File to write, - for the terminal.")
def export(
    format_: str, period: str | None, first: datetime | None, last: datetime | None, workspace: str, output: str
) -> None:
    """Write every charge of a month, or of some days, as CSV: csv has all that is known, focus the columns of
    FOCUS 1.2."""
    start_at, end_at = _span(period, first, last)
    with offline() as services:
        workspaces = asyncio.run(services.workspaces.list_workspaces())
        account_id = None if workspace == _ALL else asyncio.run(services.workspaces.get(workspace)).id
        names = {each.id: each.name for each in workspaces}

        def step(connection: Connection) -> int:
            made = Export.begin(connection, ExportFormat(format_), account_id, start_at, end_at, names)
            while (piece := made.next(connection)) is not None:
                file.write(piece)
            return made.rows

        # One read from beginning to end: one snapshot, of all workspaces too.
        with _destination(output) as file:
            rows = asyncio.run(services.database.read(step))
    if output != _TERMINAL:
        click.echo(f"{count(rows, 'row')} in {output}", err=True)


def _span(period: str | None, first: datetime | None, last: datetime | None) -> tuple[datetime, datetime]:
    now = SystemClock().now()
    if first is None:
        if last is not None:
            raise click.UsageError("--to needs --from.")
        month = month_option(period) or Month.of(now)
        return month.start, month.end
    if period is not None:
        raise click.UsageError("Give --period, or --from and --to.")
    end = now if last is None else last
    if end.date() < first.date():
        raise click.UsageError("--to is a day before --from.")
    return first.replace(tzinfo=UTC), datetime(end.year, end.month, end.day, tzinfo=UTC) + timedelta(days=1)


@contextmanager
def _destination(output: str) -> Iterator[BinaryIO]:
    """The terminal, or a file beside ``output`` that takes its place at the end; on any failure nothing is left."""
    if output == _TERMINAL:
        yield sys.stdout.buffer
        return
    path = Path(output)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
