"""``noctule usage forecast``: how long the credit lasts, what the month will cost, and what would help."""

import asyncio
from datetime import datetime

import click

from noctule.app.places import load_book
from noctule.cli.common import load_settings, offline
from noctule.cli.usage.tables import count, table
from noctule.kit.clock import SystemClock
from noctule.kit.money import format_dollars
from noctule.sessions.store import idle_ends
from noctule.usage.service.forecast import Change, Forecast, ForecastService, Outlook
from noctule.workspaces.domain import DEFAULT_WORKSPACE

_CHANGES = {
    Change.PROXIES_OFF: "no proxies where none are needed (`proxies: false`)",
    Change.IDLE_TIMEOUT: "an idle time-out of one minute (`idle_timeout_minutes: 1`), or stopping sessions when done",
    Change.FEWER_SESSIONS: "one session for several jobs: every session's last minute is paid in full",
}


@click.command("forecast")
@click.option("--workspace", default=DEFAULT_WORKSPACE, show_default=True, help="Name of the workspace.")
def forecast(workspace: str) -> None:
    """Show where a workspace is heading at the pace of the last seven whole days (UTC) and of today so far."""
    with offline() as services:
        account_id = asyncio.run(services.workspaces.get(workspace)).id
        book = load_book(load_settings())
        service = ForecastService(services.database, SystemClock(), services.metering, book, idle_ends)
        found = asyncio.run(service.forecast(account_id))
    click.echo("\n".join([f"{workspace} · {found.month.label}", "", *_lines(found)]))


def _lines(found: Forecast) -> list[str]:
    lines = [_outlook(found)]
    if found.pace is None:
        return lines
    lines += ["", *_figures(found)]
    if found.savings:
        lines += ["", "What would help, each alone:"]
        for saving in found.savings:
            lasts = "" if saving.ends_at is None else f", the credit would end on {saving.ends_at:%Y-%m-%d}"
            lines.append(f"- {_CHANGES[saving.change]}: {format_dollars(saving.a_day_nanos)} a day less{lasts}")
    return lines


def _outlook(found: Forecast) -> str:
    left = format_dollars(found.balance_nanos)
    match found.outlook:
        case Outlook.TOO_LITTLE_DATA:
            return (
                f"{left} left. There is not one whole day (UTC) of this workspace's life yet, too little to tell more."
            )
        case Outlook.NOTHING_USED:
            return f"{left} left. Nothing was used in the last {count(found.whole_days, 'whole day')}, so it lasts."
        case Outlook.USED_UP:
            return f"The balance is used up ({left})."
        case Outlook.LASTS:
            return f"{left} left. At this pace its end is not in sight, with what the plan gives."
        case Outlook.ENDS:
            assert found.left is not None
            days = found.left.total_seconds() / 86_400
            when = "after this month" if found.is_enough_for_month else "before the month does"
            return f"{left} left, enough for {days:.1f} days at this pace: it ends on {_at(found.ends_at)}, {when}."


def _at(instant: datetime | None) -> str:
    return "-" if instant is None else f"{instant:%Y-%m-%d %H:%M} UTC"


def _figures(found: Forecast) -> list[str]:
    assert found.pace is not None
    rows = [
        ("a day", format_dollars(found.pace.a_day)),
        ("this month so far", format_dollars(found.spent_nanos)),
    ]
    if found.projection is not None:
        rows += [
            ("this month, quiet rest", format_dollars(found.projection.low_nanos)),
            ("this month, as this week", format_dollars(found.projection.expected_nanos)),
            ("this month, busy rest", format_dollars(found.projection.high_nanos)),
        ]
    rows += [("month ends", f"{found.month.end:%Y-%m-%d}"), ("then the plan gives", format_dollars(found.coming_nanos))]
    return table((f"from {count(found.whole_days, 'whole day')} and today", ""), rows)
