"""Money is whole nano-dollars."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noctule.kit.money import NANOS_PER_DOLLAR, decimal_dollars, dollars, format_dollars, parse_dollars


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("12.50", 12_500_000_000),
        ("$3", 3_000_000_000),
        (" 0.000000001 ", 1),
        ("-1", -1_000_000_000),
        ("1e2", 100_000_000_000),
        ("1e-9", 1),
        ("1000000000.000000000", 10**18),
        ("0.0000000000", 0),
    ],
)
def test_amounts_are_read_exactly(text: str, nanos: int) -> None:
    assert parse_dollars(text) == nanos


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1,5",
        "NaN",
        "Infinity",
        "-inf",
        "0.0000000001",
        "1e20",
        "1.2.3",
        "1_0",
        "٣",
        # Rounded to 28 digits this would be one dollar.
        "1.0000000000000000000000000000001",
        "0." + "0" * 40,
        "1e999999999999999999",
        "-1e999999999999999999",
        "1e-999999999999999999",
        "1000000000.000000001",
        "$$1",
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an amount|nine decimals"):
        parse_dollars(text)


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (0, "$0.00"),
        (833_333, "$0.000833333"),
        (12_500_000_000, "$12.50"),
        (-1, "-$0.000000001"),
        (1_234_567_000_000_000, "$1,234,567.00"),
    ],
)
def test_amounts_are_shown_whole(nanos: int, text: str) -> None:
    assert format_dollars(nanos) == text


@pytest.mark.parametrize(
    ("nanos", "text"),
    [(0, "0.00"), (833_333, "0.000833333"), (12_500_000_000, "12.50"), (-1, "-0.000000001"), (10**18, "1000000000.00")],
)
def test_headers_and_messages_have_neither_sign_nor_commas(nanos: int, text: str) -> None:
    assert decimal_dollars(nanos) == text


@given(st.integers(min_value=-(10**18), max_value=10**18))
def test_a_decimal_text_is_read_back_to_the_nano(nanos: int) -> None:
    assert parse_dollars(decimal_dollars(nanos)) == nanos


@given(st.integers(min_value=-8_000_000 * NANOS_PER_DOLLAR, max_value=8_000_000 * NANOS_PER_DOLLAR))
def test_a_json_number_keeps_every_nano_up_to_eight_million_dollars(nanos: int) -> None:
    told = json.loads(json.dumps(dollars(nanos)), parse_float=Decimal)
    assert int((Decimal(told) * NANOS_PER_DOLLAR).to_integral_value()) == nanos
    assert parse_dollars(format_dollars(nanos).replace(",", "")) == nanos if nanos >= 0 else True
