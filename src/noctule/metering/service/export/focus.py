"""``focus``: cost and usage in the columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification
(https://focus.finops.org/focus-specification/v1-2/), so that any tool that reads it can.

What Noctule knows and FOCUS asks differ in places; these are the choices:

- Credit is paid for in advance and spent later. A use that credit paid for has ``BilledCost`` 0, one that it
  did not has its overage; ``EffectiveCost`` is the cost in any case. So ``EffectiveCost`` adds up to the
  month's cost, and ``BilledCost`` to what was paid for top-ups plus the overage that is still open.
- Grants are ``Purchase`` rows, whose ``EffectiveCost`` the specification wants to be 0. Only top-ups have a
  price: what a plan costs is not known here, so its credit is listed at 0. It is no ``Credit`` row, which
  takes money off a bill: these uses have ``BilledCost`` 0 already. What a grant paid of earlier overage
  was billed there and is taken off its own ``BilledCost``. What is taken back of one is a negative purchase.
- ``ChargeClass`` is ``Correction`` for what came after its month was sealed; the charge period is then the
  original one. An operator's correction is an ``Adjustment``, in the same class only if it is for such a month.
- A minute's price is rounded to a nano-dollar as the running total is, so ``ListUnitPrice`` is the minute's own.
  Tokens of several kinds have several prices: a model call is priced as one request.
- A tag is a key without a value, which FOCUS writes as ``true``.
"""

from collections.abc import Iterator
from functools import lru_cache

import msgspec

from noctule.metering.domain.events import CORRECTION, Meter, model_of
from noctule.metering.domain.journal import OVERAGE, Bucket, topup_key
from noctule.metering.service.export.text import billionths, second
from noctule.metering.store.exporting import Exported, Granted

HEADER = (
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency"),
    *("BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription"),
    *("ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit"),
    *("ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory"),
    *("PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ResourceId", "ResourceName"),
    *("ResourceType", "ServiceCategory", "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter"),
    *("SkuPriceDetails", "SkuPriceId", "Tags"),
    *("x_AgentId", "x_ApiKeyId", "x_EventKey", "x_FunctionId", "x_FunctionRunId", "x_Model"),
)

_US = "Noctule"
_BROWSER, _PROXY, _LLM, _FUNCTION = (meter.value for meter in (Meter.BROWSER, Meter.PROXY, Meter.LLM, Meter.FUNCTION))
_UNIT = {_BROWSER: "Minutes", _PROXY: "GB", _LLM: "Tokens", _FUNCTION: "Minutes"}
_PAID_FOR = topup_key("")
_MICROS, _MINUTE_SECONDS = 1_000_000, 60


def usage_row(event: Exported, workspace: str) -> tuple[object, ...]:
    """The row of an event."""
    is_adjustment = event.unit == CORRECTION
    cost, meter = billionths(event.cost_nanos), event.meter
    began = (event.occurred_micros if event.origin_micros is None else event.origin_micros) // _MICROS
    lasts = _MINUTE_SECONDS * event.quantity if _UNIT[meter] == "Minutes" and not is_adjustment else 1
    pricing: tuple[str | None, ...] = (None,) * 4
    sku: tuple[str | None, ...] = (None,) * 4
    consumed: tuple[str | None, str | None] = (None, None)
    if not is_adjustment:
        consumed = (billionths(event.quantity) if meter == _PROXY else str(event.quantity), _UNIT[meter])
        pricing, sku = _priced(event), (meter, meter, None, event.price_id)
    resource = (event.session_id, "Session") if event.session_id else (event.function_run_id, "Function Run")
    return (
        billionths(sum(amount for account, amount in event.paid if account == OVERAGE)),
        event.account_id,
        workspace,
        "Workspace",
        "USD",
        *_month(event.occurred_micros // _MICROS),
        "Adjustment" if is_adjustment else "Usage",
        None if event.origin_micros is None else "Correction",
        _description(event, is_adjustment),
        "One-Time" if is_adjustment else "Usage-Based",
        second(began + lasts),
        second(began),
        *consumed,
        cost,
        cost,
        _US,
        cost,
        *pricing,
        _US,
        _US,
        resource[0],
        None,
        resource[1] if resource[0] else None,
        "Compute",
        _US,
        "Other (Compute)",
        *sku,
        _tags(event.tags),
        event.agent_id,
        event.api_key_id,
        event.key,
        event.function_id,
        event.function_run_id,
        model_of(event.detail) or None if event.detail else None,
    )


def purchase_row(grant: Granted, workspace: str) -> tuple[object, ...]:
    """The row of some credit."""
    is_plan, is_paid_for = grant.bucket == Bucket.PLAN, grant.key.startswith(_PAID_FOR)
    list_nanos = grant.amount_nanos if is_paid_for else 0
    began, name = grant.effective_micros // _MICROS, "plan credit" if is_plan else "top-up credit"
    ends = began + 1 if grant.expires_micros is None else grant.expires_micros // _MICROS
    sku = f"credit-{'plan' if is_plan else 'topup' if is_paid_for else 'given'}"
    listed = billionths(list_nanos)
    return (
        billionths(list_nanos - grant.settled_nanos),
        grant.account_id,
        workspace,
        "Workspace",
        "USD",
        *_month(began),
        "Purchase",
        "Correction" if grant.is_of_earlier_month else None,
        f"{billionths(grant.amount_nanos)} dollars of {name}",
        "Recurring" if is_plan else "One-Time",
        second(ends),
        second(began),
        None,
        None,
        listed,
        "0",
        _US,
        listed,
        "1" if is_paid_for else "0",
        "Standard",
        billionths(grant.amount_nanos),
        "Credits",
        _US,
        _US,
        None,
        None,
        None,
        "Compute",
        _US,
        "Other (Compute)",
        sku,
        "credit",
        None,
        sku,
        "{}",
        None,
        None,
        grant.key,
        None,
        None,
        None,
    )


def _priced(event: Exported) -> tuple[str | None, ...]:
    """Unit price, category, quantity and unit; the price times the quantity is the cost, exactly."""
    cost, quantity = event.cost_nanos, event.quantity
    if event.meter == _PROXY and quantity and cost % quantity == 0:
        # A nano-dollar for each byte is a dollar for each GB.
        return str(cost // quantity), "Standard", billionths(quantity), "GB"
    if _UNIT[event.meter] == "Minutes" and quantity and cost % quantity == 0:
        return billionths(cost // quantity), "Standard", str(quantity), "Minutes"
    return billionths(cost), "Standard", "1", "Requests" if event.meter == _LLM else "Units"


def _description(event: Exported, is_adjustment: bool) -> str:
    if is_adjustment:
        return _reason(event.detail or "{}")
    if event.meter == _PROXY:
        return "Traffic through the server's own proxies"
    if event.meter == _LLM:
        return f"Model call: {model_of(event.detail or '{}') or 'unknown model'}"
    return f"{'Browser' if event.meter == _BROWSER else 'Function'} time: minute {event.position + 1}"


def _reason(detail: str) -> str:
    return str(msgspec.json.decode(detail, type=dict[str, object]).get("reason") or "Correction")


@lru_cache(maxsize=1024)
def _tags(text: str) -> str:
    return msgspec.json.encode(dict.fromkeys(msgspec.json.decode(text, type=list[str]), True)).decode()


def _month(seconds: int) -> Iterator[str]:
    """The end and the start of the month of an instant, in the order of the header."""
    year, month = int(second(seconds)[:4]), int(second(seconds)[5:7])
    after = (year + 1, 1) if month == 12 else (year, month + 1)
    yield f"{after[0]:04d}-{after[1]:02d}-01T00:00:00Z"
    yield f"{year:04d}-{month:02d}-01T00:00:00Z"
