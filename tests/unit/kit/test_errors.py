"""The tree of errors."""

import pytest

from noctule.kit import errors
from noctule.kit.errors import BrowserFailed, InvalidRequest, NoctuleError


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("InvalidRequest", 422),
        ("Unauthenticated", 401),
        ("Forbidden", 403),
        ("NotFound", 404),
        ("Conflict", 409),
        ("PaymentRequired", 402),
        ("TooManyRequests", 429),
        ("Overloaded", 529),
        ("Unavailable", 503),
        ("BrowserFailed", 400),
    ],
)
def test_every_class_has_its_status_and_a_message(name: str, status: int) -> None:
    error = getattr(errors, name)("Said to people.")
    assert isinstance(error, NoctuleError)
    assert error.status == status
    assert str(error) == error.message == "Said to people."


def test_an_invalid_place_is_named_in_words_and_in_the_list() -> None:
    error = InvalidRequest.at(("query", "period"), "not a month", "May 25")
    assert error.message == "query.period: not a month (got 'May 25')"
    assert error.detail == [
        {"loc": ["query", "period"], "msg": "not a month", "type": "value_error", "input": "May 25"}
    ]


def test_a_failure_in_the_browser_carries_the_clients_error_class() -> None:
    error = BrowserFailed("no", headers={"x-more": "1"})
    assert error.headers == {"x-error-class": "NotteApiExecutionError", "x-more": "1"}
