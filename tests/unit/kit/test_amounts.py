"""Amounts of dollars as clients write them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from noctule.kit.amounts import Dollars, SignedDollars, amount_nanos
from noctule.kit.money import decimal_dollars, dollars

_EIGHT_MILLION = 8_000_000 * 10**9


@pytest.mark.parametrize(
    ("value", "nanos"),
    [
        (0, 0),
        (3, 3_000_000_000),
        (0.5, 500_000_000),
        (1e-9, 1),
        (7_999_999.999999999, 7_999_999_999_999_999),
        (1_000_000_000, 10**18),
        ("12.50", 12_500_000_000),
        (" 0.000000001 ", 1),
        ("+1", 10**9),
        ("-0.5", -500_000_000),
        ("1000000000", 10**18),
    ],
)
def test_numbers_and_decimal_texts_are_read_exactly(value: Any, nanos: int) -> None:
    assert amount_nanos(value) == nanos


@pytest.mark.parametrize(
    ("value", "fragment"),
    [
        (True, "a number, or a decimal string"),
        (None, "a number, or a decimal string"),
        ([1], "a number, or a decimal string"),
        ({}, "a number, or a decimal string"),
        (float("nan"), "finite"),
        (float("-inf"), "finite"),
        (8_000_000.0, "write it as a string"),
        (-1e300, "write it as a string"),
        (1e-10, "at most nine decimals"),
        (0.1 + 0.2, "at most nine decimals"),
        (10**10, "at most a billion"),
        pytest.param(10**5000, "at most a billion", id="10 to the 5000"),
        ("", "at most nine decimals"),
        ("$1", "at most nine decimals"),
        ("1e3", "at most nine decimals"),
        ("1,5", "at most nine decimals"),
        ("1_000", "at most nine decimals"),
        (".5", "at most nine decimals"),
        ("5.", "at most nine decimals"),
        ("NaN", "at most nine decimals"),
        ("0.0000000001", "at most nine decimals"),
        ("٣", "at most nine decimals"),
        ("9" * 100, "at most nine decimals"),
        ("1 2", "at most nine decimals"),
        ("1\n2", "at most nine decimals"),
        ("1000000001", "not an amount"),
    ],
)
def test_what_is_not_exactly_an_amount_is_refused(value: Any, fragment: str) -> None:
    with pytest.raises(ValueError, match=fragment):
        amount_nanos(value)


@given(st.integers(min_value=1 - _EIGHT_MILLION, max_value=_EIGHT_MILLION - 1))
def test_what_we_tell_in_numbers_or_texts_is_read_back_to_the_nano(nanos: int) -> None:
    assert amount_nanos(json.loads(json.dumps(dollars(nanos)))) == nanos
    assert amount_nanos(decimal_dollars(nanos)) == nanos


@pytest.mark.parametrize(
    ("kind", "value", "fragment"),
    [
        (Dollars, 0, "more than zero"),
        (Dollars, "-0.01", "more than zero"),
        (SignedDollars, "0.00", "not zero"),
        (Dollars, "x", "dollars"),
        (SignedDollars, True, "dollars"),
    ],
)
def test_a_field_says_what_is_wrong_with_its_amount(kind: Any, value: Any, fragment: str) -> None:
    with pytest.raises(ValidationError, match=fragment):
        TypeAdapter(kind).validate_python(value)


def test_a_field_holds_nano_dollars_and_is_published_as_a_number_or_a_text() -> None:
    assert TypeAdapter(Dollars).validate_json('"0.01"') == TypeAdapter(Dollars).validate_json("0.01") == 10_000_000
    assert TypeAdapter(SignedDollars).validate_python(-1) == -1_000_000_000
    kinds = [each["type"] for each in TypeAdapter(Dollars).json_schema()["anyOf"]]
    assert kinds == ["number", "string"]
