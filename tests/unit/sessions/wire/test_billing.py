"""Tags and the most that a session may cost, in a start's body and in its headers."""

from typing import Any

import pytest
from pydantic import ValidationError

from noctule.kit.errors import InvalidRequest
from noctule.sessions.domain import StartSession
from noctule.sessions.wire import ApiSessionStartRequest, with_headers
from noctule.sessions.wire.billing import checked_tags, header_max_cost, header_tags

TEN = [f"t{number}" for number in range(10)]


def wish(named: list[str] | None = None, at_most: list[str] | None = None, **body: Any) -> StartSession:
    return with_headers(ApiSessionStartRequest.model_validate(body).to_command(), named, at_most)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ()),
        ("", ()),
        (" , ,", ()),
        ("nightly", ("nightly",)),
        ("team=a, nightly", ("team=a", "nightly")),
        ("b,a,b , a", ("b", "a")),
        ("by hand ,me@example.com", ("by hand", "me@example.com")),
        (",".join(TEN), tuple(TEN)),
    ],
)
def test_a_header_has_tags_between_commas_each_once(given: str | None, expected: tuple[str, ...]) -> None:
    assert header_tags(given) == expected


@pytest.mark.parametrize(
    ("given", "fragment"),
    [
        ("a;b", "a tag has 1 to 64"),
        ("ok,-no", "a tag has 1 to 64"),
        ("n\xfcrnberg", "a tag has 1 to 64"),
        ("x" * 65, "a tag has 1 to 64"),
        (",".join([*TEN, "t10"]), "at most 10 tags"),
        ("-" * 5000, "a tag has 1 to 64"),
    ],
)
def test_a_bad_tag_of_a_header_is_refused_with_its_place(given: str, fragment: str) -> None:
    with pytest.raises(InvalidRequest, match=fragment) as raised:
        header_tags(given)
    assert raised.value.message.startswith("header.x-noctule-tags: ")
    assert len(raised.value.message) < 500


@pytest.mark.parametrize(
    ("given", "nanos"), [(None, None), ("0.001", 1_000_000), (" 2 ", 2_000_000_000), ("0.000000001", 1)]
)
def test_the_most_that_a_session_may_cost_is_dollars(given: str | None, nanos: int | None) -> None:
    assert header_max_cost(given) == nanos


@pytest.mark.parametrize("given", ["", "0", "0.0", "-1", "free", "$1", "1e3", "NaN", "1,5", "0.0000000001", "9" * 50])
def test_a_bad_cost_of_a_header_is_refused_with_its_place(given: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        header_max_cost(given)
    assert raised.value.message.startswith("header.x-noctule-max-cost: ")


@pytest.mark.parametrize(
    ("body", "tags", "cost"),
    [
        ({}, (), None),
        ({"tags": None, "max_cost": None}, (), None),
        ({"tags": []}, (), None),
        ({"tags": ["b", " a ", "b"]}, ("b", "a"), None),
        ({"max_cost": 0.001}, (), 1_000_000),
        ({"max_cost": "0.001"}, (), 1_000_000),
        ({"max_cost": 2}, (), 2_000_000_000),
    ],
)
def test_a_body_may_say_both_too(body: dict[str, Any], tags: tuple[str, ...], cost: int | None) -> None:
    got = wish(**body)
    assert (got.tags, got.max_cost_nanos) == (tags, cost)


@pytest.mark.parametrize(
    ("body", "place", "fragment"),
    [
        ({"tags": "nightly"}, "tags", "valid list"),
        ({"tags": {"a": 1}}, "tags", "valid list"),
        ({"tags": [1]}, "tags.0", "valid string"),
        ({"tags": [None]}, "tags.0", "valid string"),
        ({"tags": ["a", ""]}, "tags", "a tag has 1 to 64"),
        ({"tags": ["a,b"]}, "tags", "a tag has 1 to 64"),
        ({"tags": ["a\nb"]}, "tags", "a tag has 1 to 64"),
        ({"tags": [*TEN, "t10"]}, "tags", "at most 10 tags"),
        ({"max_cost": 0}, "max_cost", "more than zero"),
        ({"max_cost": -1}, "max_cost", "more than zero"),
        ({"max_cost": True}, "max_cost", "a number, or a decimal string"),
        ({"max_cost": "cheap"}, "max_cost", "at most nine decimals"),
        ({"max_cost": 1e-10}, "max_cost", "at most nine decimals"),
        ({"max_cost": [1]}, "max_cost", "a number, or a decimal string"),
    ],
)
def test_a_bad_body_is_refused_with_its_place(body: dict[str, Any], place: str, fragment: str) -> None:
    with pytest.raises(ValidationError) as raised:
        wish(**body)
    [error] = raised.value.errors()
    assert ".".join(str(part) for part in error["loc"]) == place
    assert fragment in error["msg"]


def test_tags_of_a_header_join_those_of_the_body() -> None:
    assert wish(["b, c"], tags=["a", "b"]).tags == ("a", "b", "c")


def test_ten_tags_are_enough_wherever_they_come_from() -> None:
    assert wish(["t0,t9"], tags=TEN).tags == tuple(TEN)
    with pytest.raises(InvalidRequest, match=r"^header\.x-noctule-tags: at most 10 tags"):
        wish(["one more"], tags=TEN)


def test_the_smaller_cost_counts() -> None:
    assert wish(at_most=["0.5"]).max_cost_nanos == 500_000_000
    assert with_headers(StartSession(max_cost_nanos=5), None, ["0.000000007"]).max_cost_nanos == 5
    assert with_headers(StartSession(max_cost_nanos=9), None, ["0.000000007"]).max_cost_nanos == 7


def test_headers_of_one_name_are_one_list_so_that_no_tag_is_lost_and_two_costs_are_none() -> None:
    assert wish(["a, b", "c"]).tags == ("a", "b", "c")
    with pytest.raises(InvalidRequest, match=r"^header\.x-noctule-max-cost: "):
        wish(at_most=["1", "2"])


def test_nothing_said_changes_nothing() -> None:
    assert with_headers(StartSession(), None, None) == StartSession()
    assert checked_tags(None) is None


def test_neither_is_in_the_published_schema() -> None:
    assert not {"tags", "max_cost"} & set(ApiSessionStartRequest.model_json_schema()["properties"])


@pytest.mark.parametrize(("header", "wish"), [(None, None), (["off"], "off"), ([" Bodies "], "bodies")])
def test_what_is_kept_comes_from_a_header(header: list[str] | None, wish: str | None) -> None:
    assert with_headers(StartSession(), None, None, capture=header).capture == wish


@pytest.mark.parametrize("header", [["all"], [""], ["on", "off"]])
def test_a_header_that_says_something_else_is_refused(header: list[str]) -> None:
    with pytest.raises(InvalidRequest, match="off, on and bodies"):
        with_headers(StartSession(), None, None, capture=header)


@pytest.mark.parametrize(
    ("given", "is_recorded"), [(None, None), (["on"], True), (["off"], False), ([" ON "], True), ([], None)]
)
def test_a_recording_is_asked_for_or_refused_by_a_header(given: list[str] | None, is_recorded: bool | None) -> None:
    assert with_headers(StartSession(), None, None, given).is_recorded is is_recorded


@pytest.mark.parametrize("given", [["yes"], [""], ["on", "off"], ["x" * 5000]])
def test_any_other_wish_for_a_recording_is_refused(given: list[str]) -> None:
    with pytest.raises(InvalidRequest, match="must be 'on' or 'off'"):
        with_headers(StartSession(), None, None, given)
