"""``csv``: one row for each event with everything that is known of it. The header only ever grows at its end."""

from collections.abc import Mapping

import msgspec

from noctule.metering.domain.events import model_of
from noctule.metering.domain.journal import OVERAGE, Bucket
from noctule.metering.service.export.text import billionths, instant
from noctule.metering.store.exporting import Exported, Source

HEADER = (
    *("event_id", "key", "workspace", "account_id", "meter", "occurred_at", "booked_at", "origin_at"),
    *("position", "quantity", "unit", "price_id", "cost"),
    *("paid_by_plan", "paid_by_topup", "overage", "paid_by"),
    *("session_id", "agent_id", "function_id", "function_run_id", "api_key_id", "model", "tags", "detail"),
)
"""Amounts are dollars. ``paid_by`` is a JSON list of ``{source, kind, amount}``: a grant's key or ``overage``,
``plan``, ``topup`` or ``overage``, and dollars as a decimal text."""

_PLAN, _TOPUP = int(Bucket.PLAN), int(Bucket.TOPUP)


def row(event: Exported, workspace: str, sources: Mapping[str, Source]) -> tuple[object, ...]:
    """The row of an event; ``sources`` knows every grant that paid for it."""
    by_kind = {_PLAN: 0, _TOPUP: 0, OVERAGE: 0}
    paid: list[dict[str, str]] = []
    for account, amount in event.paid:
        if account == OVERAGE:
            kind: int | str = OVERAGE
            name = label = OVERAGE
        else:
            source = sources[account]
            kind, name = source.bucket, source.key
            label = "plan" if kind == _PLAN else "topup"
        by_kind[kind] += amount
        paid.append({"source": name, "kind": label, "amount": billionths(amount)})
    return (
        event.id,
        event.key,
        workspace,
        event.account_id,
        event.meter,
        instant(event.occurred_micros),
        instant(event.booked_micros),
        None if event.origin_micros is None else instant(event.origin_micros),
        event.position,
        event.quantity,
        event.unit,
        event.price_id,
        billionths(event.cost_nanos),
        billionths(by_kind[_PLAN]),
        billionths(by_kind[_TOPUP]),
        billionths(by_kind[OVERAGE]),
        msgspec.json.encode(paid).decode(),
        event.session_id,
        event.agent_id,
        event.function_id,
        event.function_run_id,
        event.api_key_id,
        model_of(event.detail) if event.detail else None,
        event.tags,
        event.detail,
    )
