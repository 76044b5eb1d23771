"""What ``period`` may say."""

import pytest

from noctule.usage.domain import BadPeriod, Period, parse_period


@pytest.mark.parametrize("text", [None, "", "   ", "\t\n"])
def test_no_period_is_the_current_month(text: str | None) -> None:
    assert parse_period(text) is None


@pytest.mark.parametrize(
    "text",
    ["May 2025", "May  2025", " may 2025 ", "MAY\t2025", "2025-05", " 2025-05\n"],
)
def test_every_accepted_form_of_one_month(text: str) -> None:
    assert parse_period(text) == Period(2025, 5)


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("sept 2025", 9),
        ("Sep 2025", 9),
        ("September 2025", 9),
        ("jan 2025", 1),
        ("December 2025", 12),
        ("2025-12", 12),
        ("FEBRUARY 2025", 2),
    ],
)
def test_whole_and_short_names_in_any_case(text: str, month: int) -> None:
    assert parse_period(text) == Period(2025, month)


@pytest.mark.parametrize(
    "text",
    [
        "13/2025",
        "Mai 2025",
        "May 25",
        "2025-13",
        "2025-00",
        "0000-05",
        "last month",
        "May2025",
        "2025 May",
        "2025-5",
        "May 02025",
        "May, 2025",
        "Decem 2025",
        "May 2025 x",
        "2025-05-01",
        "\u0665 2025",
        "May ٢٠٢٥",
        "May" + " " * 200 + "2025",
        "\x00",
        "-",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadPeriod):
        parse_period(text)
