"""What the operator's operations read: amounts to the last nano-dollar, and bodies that are refused."""

import math
from typing import Any

import pytest

from noctule.db.engine import Database
from tests.unit.operator.conftest import Desk, at_the_desk, refused

_ACME = "/operator/workspaces/acme"

_WORKSPACE: list[Any] = [
    None,
    {},
    [],
    {"name": ""},
    {"name": "a/b"},
    {"name": "x" * 65},
    {"name": 5},
    {"name": "00000000-0000-4000-8000-000000000000"},
    {"name": "new", "plan": "platinum"},
    {"name": "new", "plan": None},
    {"name": "new", "colour": "red"},
]
_AMOUNTS: list[Any] = [
    None,
    True,
    "",
    "x",
    "NaN",
    "Infinity",
    "1e3",
    "1_000",
    "１",
    "$5",
    "0.0000000001",
    "1.0000000000",
    0.0000000001,
    1.2345678912,
    "10000000000",
    10**12,
    10**40,
    1e300,
    8_000_000.5,
    "1000000000.1",
    "9" * 5000,
    [],
    {},
    0,
    "0.00",
    "-0",
]
_NOT_CREDIT: list[Any] = [-1, "-5", -0.5]
_CREDIT: list[Any] = [
    None,
    {},
    {"key": "k"},
    {"amount": 1, "key": ""},
    {"amount": 1, "key": "x" * 256},
    {"amount": 1, "key": 5},
    {"amount": 1, "key": "a\nb"},
    {"amount": 1, "key": "k", "more": 1},
    *({"amount": amount, "key": "k"} for amount in _AMOUNTS + _NOT_CREDIT),
]
_GRANT: list[Any] = [
    *(body | {"expires_after": None} if isinstance(body, dict) else body for body in _CREDIT),
    {"amount": 1, "key": "k"},
    *(
        {"amount": 1, "key": "k", "expires_after": month}
        for month in ("", "2026", "2026-13", "2026-1", "9999-12", "2026-02", "1999-12", 202612, "２026-12")
    ),
]
_WRONG: dict[str, Any] = {"meter": "browser", "reason": "r", "key": "k"}
_CORRECTION: list[Any] = [
    None,
    {},
    _WRONG,
    {"amount": 1, "meter": "browser", "reason": "r", "key": ""},
    {"amount": 1, "reason": "r", "key": "k"},
    {"amount": 1, "meter": "browser", "key": "k"},
    *(_WRONG | {"amount": amount} for amount in _AMOUNTS),
    *(_WRONG | {"amount": 1} | more for more in (
        {"meter": "water"},
        {"reason": ""},
        {"reason": "x" * 501},
        {"session_id": ""},
        {"session_id": "x" * 65},
        {"occurred_at": "yesterday"},
        {"occurred_at": "2026-03-01T00:00:00"},
        {"occurred_at": "2027-01-01T00:00:00Z"},
        {"occurred_at": "0001-01-01T00:00:00+14:00"},
        {"occurred_at": "9999-12-31T23:59:59-14:00"},
        {"more": 1},
    )),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "bodies"),
    [
        ("POST", "/operator/workspaces", _WORKSPACE),
        ("PUT", f"{_ACME}/plan", [None, {}, {"plan": ""}, {"plan": "platinum"}, {"plan": 1}, {"plan": "pro", "x": 1}]),
        ("POST", f"{_ACME}/topups", _CREDIT),
        ("POST", f"{_ACME}/grants", _GRANT),
        ("POST", f"{_ACME}/corrections", _CORRECTION),
    ],
    ids=["create", "plan", "top-up", "grant", "correct"],
)
def test_a_bad_body_is_422_and_changes_nothing(sqlite: Database, method: str, path: str, bodies: list[Any]) -> None:
    async def story(desk: Desk) -> None:
        before = await desk.standing()
        for body in bodies:
            answer = await desk.operator.request(method, path, json=body)
            assert answer.status_code == 422, (body, answer.text[:300])
            assert len(refused(answer, 422)) < 5000
        assert await desk.standing() == before

    at_the_desk(sqlite, story)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1e-999", "0x10"])
def test_what_is_no_number_of_json_is_422(sqlite: Database, number: str) -> None:
    async def story(desk: Desk) -> None:
        headers = {"content-type": "application/json"}
        body = f'{{"amount": {number}, "key": "k"}}'
        assert refused(await desk.operator.post(f"{_ACME}/topups", content=body, headers=headers), 422)

    at_the_desk(sqlite, story)


@pytest.mark.parametrize(
    ("amount", "balance"),
    [
        (12.5, 17.5),
        (7, 12.0),
        ("12.50", 17.5),
        ("0.000000001", 5.000000001),
        (1e-9, 5.000000001),
        (0.1, 5.1),
        ("+1000000", 1000005.0),
        (7_999_999.999999999, 8000004.999999999),
        ("900000000.000000001", 900000005.000000001),
    ],
)
def test_an_amount_is_read_to_the_last_nano(sqlite: Database, amount: Any, balance: float) -> None:
    async def story(desk: Desk) -> None:
        answer = await desk.operator.post(f"{_ACME}/topups", json={"amount": amount, "key": "k"})
        assert answer.status_code == 200, answer.text
        assert math.isclose(answer.json()["balance_amount"], balance, rel_tol=0, abs_tol=2e-10 * max(1, balance / 1e6))

    at_the_desk(sqlite, story)
