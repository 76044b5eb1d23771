"""What FOCUS 1.2 asks of a cost and usage dataset, as a table and a few sentences that a test can check.

From the normative requirements of https://focus.finops.org/focus-specification/v1-2/, as far as they can be
checked on a file alone; columns for what Noctule has not (commitments, capacity, regions, several
currencies, negotiated prices, sub accounts) are conditional, and absent.
"""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

Row = Mapping[str, str]

MANDATORY = {
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency"),
    *("BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription"),
    *("ChargePeriodEnd", "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost"),
    *("PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
}
# Prices are published, use is measured, resources have types, sessions have tags.
CONDITIONAL = {
    *("ConsumedQuantity", "ConsumedUnit", "ListUnitPrice", "ResourceId", "ResourceName", "ResourceType"),
    *("SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "Tags"),
}
RECOMMENDED = {"ChargeFrequency", "ServiceSubcategory"}
NEVER_NULL = (MANDATORY | RECOMMENDED) - {"ChargeClass", "PricingQuantity", "PricingUnit"}
DECIMALS = {
    *("BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "ListUnitPrice", "ConsumedQuantity"),
    "PricingQuantity",
}
INSTANTS = {"BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart"}
ALLOWED = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"", "Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "PricingCategory": {"", "Standard", "Committed", "Dynamic", "Other"},
    "BillingCurrency": {"USD"},
    "ServiceCategory": {"Compute"},
    "ServiceSubcategory": {
        "Containers",
        "End User Computing",
        "Serverless Compute",
        "Virtual Machines",
        "Other (Compute)",
    },
}
UNITS = {"Minutes", "GB", "Tokens", "Requests", "Units", "Credits"}
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_COLUMN = re.compile(r"[A-Z][A-Za-z0-9]*|x_[A-Za-z0-9]+")


def broken_by_header(header: list[str]) -> Iterator[str]:
    """What is wrong with the names of the columns."""
    for name in sorted((MANDATORY | CONDITIONAL | RECOMMENDED) - set(header)):
        yield f"{name} is missing"
    for name in header:
        if not _COLUMN.fullmatch(name) or len(name) > 50:
            yield f"{name} is not a name of a column"
    own = [name.startswith("x_") for name in header]
    if own != sorted(own):
        yield "columns of one's own stand after those of the specification"
    if len(set(header)) != len(header):
        yield "a column is there twice"


def broken_by_row(row: Row) -> Iterator[str]:
    """What is wrong with one row."""
    yield from _shape(row)
    category, is_correction = row["ChargeCategory"], row["ChargeClass"] == "Correction"
    is_sold = category in ("Usage", "Purchase") and not is_correction
    for name in ("ListUnitPrice", "PricingCategory", "PricingQuantity", "SkuId", "SkuPriceId"):
        if is_sold and not row[name]:
            yield f"{name} is null"
    if category == "Usage" and not is_correction and not row["ConsumedQuantity"]:
        yield "ConsumedQuantity is null"
    if category != "Usage" and row["ConsumedQuantity"]:
        yield "ConsumedQuantity is for use alone"
    if category == "Purchase":
        if Decimal(row["EffectiveCost"]) != 0:
            yield "what is bought for later has no effective cost"
        if row["ChargeFrequency"] == "Usage-Based":
            yield "a purchase is not usage-based"
    for one, other in (
        ("ConsumedQuantity", "ConsumedUnit"),
        ("PricingQuantity", "PricingUnit"),
        ("ResourceId", "ResourceType"),
        ("SkuId", "SkuMeter"),
    ):
        if bool(row[one]) != bool(row[other]):
            yield f"{one} and {other} are null together"
    if row["ListUnitPrice"]:
        if Decimal(row["ListUnitPrice"]) < 0:
            yield "a price is not negative"
        if not is_correction:
            product = Decimal(row["ListUnitPrice"]) * Decimal(row["PricingQuantity"])
            if product != Decimal(row["ListCost"]) or product != Decimal(row["ContractedCost"]):
                yield "price times quantity is not the cost"
    if row["ProviderName"] != row["InvoiceIssuerName"] and Decimal(row["BilledCost"]) != 0:
        yield "who does not invoice bills nothing"


def _shape(row: Row) -> Iterator[str]:
    for name in sorted(NEVER_NULL):
        if not row[name]:
            yield f"{name} is null"
    for name in sorted(DECIMALS):
        if row[name] and not _DECIMAL.fullmatch(row[name]):
            yield f"{name} is not a plain decimal: {row[name]}"
    for name in sorted(INSTANTS):
        if not _INSTANT.fullmatch(row[name]):
            yield f"{name} is no instant in UTC: {row[name]}"
    for name, values in ALLOWED.items():
        if row[name] not in values:
            yield f"{name} must not be {row[name]}"
    for name in ("ConsumedUnit", "PricingUnit"):
        if row[name] and row[name] not in UNITS:
            yield f"{name} must not be {row[name]}"
    for end in ("BillingPeriod", "ChargePeriod"):
        if row[f"{end}Start"] >= row[f"{end}End"]:
            yield f"{end} ends before it begins"
    tags = json.loads(row["Tags"])
    if not isinstance(tags, dict) or any(isinstance(value, dict | list) for value in tags.values()):
        yield "Tags is no flat JSON object"
