"""Money is integers of nano-dollars (10^-9 USD); names end in ``_nanos``."""

from decimal import Decimal

NANOS_PER_DOLLAR = 1_000_000_000
_LONGEST_AMOUNT = 25


def dollars(nanos: int) -> float:
    """Dollars as a JSON number. Exact when read back as Decimal up to $8 million, where doubles are
    spaced under a nano-dollar."""
    return nanos / NANOS_PER_DOLLAR


def parse_dollars(text: str) -> int:
    """Nano-dollars of a decimal amount such as ``"12.50"``.

    Raises ``ValueError`` for anything that is not a finite number with at most nine decimals.
    """
    text = text.strip().removeprefix("$")
    # Longer ones would be rounded; no amount that is meant has so many digits.
    if len(text) > _LONGEST_AMOUNT or "_" in text or not text.isascii():
        raise ValueError(f"not an amount of dollars: {text[:100]!r}")
    try:
        amount = Decimal(text)
    except ArithmeticError:
        raise ValueError(f"not an amount of dollars: {text!r}") from None
    # The exponent is judged before anything is computed with it: an absurd one overflows, or ends in zero.
    if not amount.is_finite() or amount.adjusted() > 9 or abs(amount) > 1_000_000_000:
        raise ValueError(f"not an amount of dollars: {text!r}")
    nanos = amount * NANOS_PER_DOLLAR
    if (amount and amount.adjusted() < -9) or nanos != nanos.to_integral_value():
        raise ValueError(f"more than nine decimals: {text!r}")
    return int(nanos)


def decimal_dollars(nanos: int) -> str:
    """``"0.000833333"``: exact, without the sign of the dollar, for headers, files and messages."""
    return format_dollars(nanos).replace("$", "").replace(",", "")


def format_dollars(nanos: int) -> str:
    """``"$0.000833333"``: all that is there, at least two decimals, the sign before the dollar."""
    sign, rest = ("-" if nanos < 0 else ""), abs(nanos)
    whole, part = divmod(rest, NANOS_PER_DOLLAR)
    decimals = f"{part:09d}".rstrip("0").ljust(2, "0")
    return f"{sign}${whole:,}.{decimals}"
