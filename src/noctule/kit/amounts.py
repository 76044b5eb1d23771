"""Amounts of dollars in requests: numbers or decimal texts on the wire, whole nano-dollars inside."""

import re
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from noctule.kit.money import parse_dollars

# Below it doubles are spaced under a nano-dollar, so that a number still is what was written.
_LARGEST_NUMBER = 8_000_000
_DECIMAL = r"[+-]?[0-9]{1,10}(\.[0-9]{1,9})?"
_AMOUNT = re.compile(_DECIMAL)


def amount_nanos(value: Any) -> int:
    """Nano-dollars of a number or a decimal text. Raises ``ValueError`` for anything that is not exactly one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("an amount of dollars is a number, or a decimal string such as '12.50'")
    if isinstance(value, float):
        if not isfinite(value):
            raise ValueError("an amount of dollars is a finite number")
        if abs(value) >= _LARGEST_NUMBER:
            raise ValueError("a number this large is not exact to a nano-dollar; write it as a string")
        value = f"{Decimal(repr(value)):f}"
    text = str(value).strip() if isinstance(value, str) or abs(value) < 10**10 else ""
    if len(text) > 30 or _AMOUNT.fullmatch(text) is None:
        raise ValueError("an amount of dollars is at most a billion and has at most nine decimals, such as '12.50'")
    return parse_dollars(text)


def _more_than_zero(nanos: int) -> int:
    if nanos <= 0:
        raise ValueError("this amount is more than zero")
    return nanos


def _not_zero(nanos: int) -> int:
    if nanos == 0:
        raise ValueError("this amount is not zero")
    return nanos


def _schema(positive: bool) -> WithJsonSchema:
    number: dict[str, Any] = {"type": "number", "maximum": _LARGEST_NUMBER}
    number |= {"exclusiveMinimum": 0} if positive else {"minimum": -_LARGEST_NUMBER}
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": f"^{_DECIMAL}$"}], "title": "Amount"})


Dollars = Annotated[int, BeforeValidator(amount_nanos), AfterValidator(_more_than_zero), _schema(positive=True)]
"""Nano-dollars of an amount above zero."""

SignedDollars = Annotated[int, BeforeValidator(amount_nanos), AfterValidator(_not_zero), _schema(positive=False)]
"""Nano-dollars of an amount of either sign, but not of zero."""
