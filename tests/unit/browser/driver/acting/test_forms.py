"""Values are split and put together for the fields that a form happens to have."""

from typing import Any

import pytest

from noctule.browser.driver.acting.forms import value_for


@pytest.mark.parametrize(
    ("key", "values", "field", "expected"),
    [
        ("email", {"email": "a@b.c"}, {}, "a@b.c"),
        ("cc_exp", {"cc_exp": "5/2029"}, {}, "05/29"),
        ("cc_exp", {"cc_exp": "05/29"}, {"wantsLongYear": True}, "05/2029"),
        ("cc_exp", {"cc_exp": "2029-05"}, {}, "05/29"),
        ("cc_exp", {"cc_exp": "05/29"}, {"limit": 4}, "0529"),
        ("cc_exp", {"cc_exp": "05/29"}, {"isMonth": True}, "2029-05"),
        ("cc_exp", {"cc_exp": "soon"}, {}, "soon"),
        ("cc_exp", {"cc_exp_month": "5", "cc_exp_year": "2029"}, {}, "05/29"),
        ("cc_exp_month", {"cc_exp": "0529"}, {}, "05"),
        ("cc_exp_year", {"cc_exp": "05/29"}, {}, "2029"),
        ("cc_exp_year", {"cc_exp_year": "2029"}, {"limit": 2}, "29"),
        ("first_name", {"full_name": "Ada Maria Lovelace"}, {}, "Ada Maria"),
        ("last_name", {"full_name": "Ada Maria Lovelace"}, {}, "Lovelace"),
        ("full_name", {"first_name": "Ada", "last_name": "Lovelace"}, {}, "Ada Lovelace"),
        ("new_password", {"current_password": "x"}, {}, "x"),
        ("totp", {"totp": "123456"}, {"parts": 6, "part": 2, "limit": 1}, "3"),
        ("phone", {"phone": "(555) 123-4567"}, {"parts": 3, "part": 0, "limit": 3}, "555"),
        ("phone", {"phone": "(555) 123-4567"}, {"parts": 3, "part": 2, "limit": 3}, "4567"),
        ("city", {"email": "a@b.c"}, {}, None),
    ],
)
def test_a_field_gets_what_belongs_into_it(
    key: str, values: dict[str, str], field: dict[str, Any], expected: str | None
) -> None:
    whole = {"part": 0, "parts": 1, "limit": 0, "isSelect": False, "isMonth": False, "wantsLongYear": False}
    assert value_for(key, values, whole | field) == expected
