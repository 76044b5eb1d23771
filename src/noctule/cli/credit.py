"""The commands of ``noctule workspaces`` that move money and show how it moved; NAME may be an id as well.

Each that moves some takes ``--key``, by which a repeated command is known: the same key moves nothing more,
whether the first one came from here or through the operator's API.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from noctule.app.places import load_book
from noctule.cli.common import load_settings, offline
from noctule.cli.usage.tables import table
from noctule.kit.clock import SystemClock
from noctule.kit.ids import new_id
from noctule.kit.money import format_dollars, parse_dollars
from noctule.metering.service import Correction, GrantView, Meter, Month, MonthView
from noctule.operator.service import Account, OperatorService
from noctule.usage.domain import ACCEPTED_PERIODS, BadPeriod, parse_period

_KEY_HELP = "Name of this {}: the same one again changes nothing. Unset: a fresh one."


@contextmanager
def _operator() -> Iterator[OperatorService]:
    with offline() as services:
        yield OperatorService(
            database=services.database,
            clock=SystemClock(),
            metering=services.metering,
            workspaces=services.workspaces,
            book=load_book(load_settings()),
        )


@click.command("topup")
@click.argument("name")
@click.argument("amount")
@click.option("--key", help=_KEY_HELP.format("top-up"))
def topup(name: str, amount: str, key: str | None) -> None:
    """Add AMOUNT dollars of credit that does not expire to workspace NAME, for example 12.50."""
    nanos = _nanos(amount)
    with _operator() as operator:
        account = asyncio.run(operator.top_up(name, nanos, new_id() if key is None else key))
    click.echo(f"{name} has {format_dollars(nanos)} more; {_balance(account)}")


@click.command("grant")
@click.argument("name")
@click.argument("amount")
@click.option("--until", help="The last month in which it can be spent, such as 2026-12. Unset: it does not expire.")
@click.option("--key", help=_KEY_HELP.format("grant"))
def grant(name: str, amount: str, until: str | None, key: str | None) -> None:
    """Give workspace NAME credit of AMOUNT dollars that is spent before its top-ups."""
    nanos, month = _nanos(amount), _month(until)
    with _operator() as operator:
        account = asyncio.run(operator.grant(name, nanos, new_id() if key is None else key, expires_after=month))
    ends = f"until the end of {month.label}" if month else "for good"
    click.echo(f"{name} has {format_dollars(nanos)} more, {ends}; {_balance(account)}")


@click.command("grants")
@click.argument("name")
def grants(name: str) -> None:
    """Show all credit that workspace NAME was ever given and what is left of it, oldest first."""
    with _operator() as operator:
        found = asyncio.run(operator.grants(name))
    click.echo("\n".join(_grant_table(found)) if found else f"{name} was never given credit")


@click.command("expire")
@click.argument("name")
@click.argument("grant")
def expire(name: str, grant: str) -> None:
    """Take back, now, what is left of GRANT, an id that `noctule workspaces grants NAME` shows."""
    with _operator() as operator:
        taken, account = asyncio.run(operator.void_grant(name, grant))
    what = f"{format_dollars(taken)} is taken back" if taken else "nothing was left of it"
    click.echo(f"{what}; {_balance(account)}")


# An amount below zero must not be taken for an option.
@click.command("correct", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("amount")
@click.option("--meter", required=True, type=click.Choice([meter.value for meter in Meter]), help="What was misbilled.")
@click.option("--reason", required=True, help="Why, for the bill.")
@click.option("--session", help="The session that it is about.")
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="When it happened (UTC); what happened in a sealed month counts in the open one. Unset: now.",
)
@click.option("--key", help=_KEY_HELP.format("correction"))
def correct(
    name: str, amount: str, meter: str, reason: str, session: str | None, at: datetime | None, key: str | None
) -> None:
    """Correct what workspace NAME was billed: AMOUNT dollars are charged, or given back if it is below zero."""
    correction = Correction(
        key=new_id() if key is None else key,
        amount_nanos=_nanos(amount),
        reason=_reason(reason),
        meter=Meter(meter),
        occurred_at=None if at is None else at.replace(tzinfo=UTC),
        session_id=session,
    )
    with _operator() as operator:
        is_new, account = asyncio.run(operator.correct(name, correction))
    what = "charged" if correction.amount_nanos > 0 else "given back"
    did = f"{format_dollars(abs(correction.amount_nanos))} is {what}" if is_new else "this was corrected before"
    click.echo(f"{did}; {_balance(account)}")


@click.command("months")
@click.argument("name")
def months(name: str) -> None:
    """Show each month of workspace NAME, oldest first, and since when its figures are final."""
    with _operator() as operator:
        found = asyncio.run(operator.months(name))
    click.echo("\n".join(_month_table(found)))


def _nanos(amount: str) -> int:
    try:
        return parse_dollars(amount)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="AMOUNT") from error
    except ArithmeticError:
        raise click.BadParameter(f"not an amount of dollars: {amount!r}", param_hint="AMOUNT") from None


def _month(until: str | None) -> Month | None:
    try:
        parsed = parse_period(until)
    except BadPeriod:
        parsed = None
    if parsed is not None and 2000 <= parsed.year < 3000:
        return Month(*parsed)
    if until is None:
        return None
    raise click.BadParameter(f"{until!r} is not {ACCEPTED_PERIODS}", param_hint="--until")


def _reason(text: str) -> str:
    if 1 <= len(text) <= 500 and text.isprintable():
        return text
    raise click.BadParameter("a reason is 1 to 500 characters on one line", param_hint="--reason")


def _balance(account: Account) -> str:
    return f"its balance is {format_dollars(account.usage.balance_nanos)}"


def _grant_table(found: list[GrantView]) -> list[str]:
    rows = [
        (
            each.id,
            f"{each.effective_at:%Y-%m-%d %H:%M}",
            f"{each.expires_at:%Y-%m-%d %H:%M}" if each.expires_at else "never",
            each.bucket,
            format_dollars(each.amount_nanos),
            format_dollars(each.remaining_nanos),
            each.key,
        )
        for each in found
    ]
    return table(("id", "from (UTC)", "expires (UTC)", "bucket", "amount", "left", "key"), rows, left={0, 1, 2, 3, 6})


def _month_table(found: list[MonthView]) -> list[str]:
    rows = [
        (
            each.month.key,
            f"{each.usage.session_count:,}",
            f"{each.usage.function_count:,}",
            format_dollars(each.usage.browser_nanos),
            format_dollars(each.usage.proxy_nanos),
            format_dollars(each.usage.llm_nanos),
            format_dollars(each.usage.function_nanos),
            format_dollars(each.usage.total_nanos),
            f"{each.sealed_at:%Y-%m-%d %H:%M}" if each.sealed_at else "open",
        )
        for each in found
    ]
    head = ("month", "sessions", "runs", "browser", "proxy", "tokens", "functions", "total", "sealed (UTC)")
    return table(head, rows, left={0, 8})
