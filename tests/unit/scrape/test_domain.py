"""Schemas of data: what is valid, and no more than was seen."""

from typing import Any

import pytest

from noctule.llm.schemas import AnswerSchema
from noctule.scrape.domain import schema_of

BAT = {"name": "noctule", "grams": 30}


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        BAT,
        [BAT, {"name": "serotine"}],
        {"bats": [BAT, {**BAT, "grams": None}], "open": True, "share": 0.5},
        [{"a": [1, "x"]}, {"a": []}, {"a": [[1], [2.5]]}],
        [{"a": None}, {"a": {"b": None}}, {"a": {"c": 1}}],
    ],
)
def test_data_is_valid_against_its_schema(value: Any) -> None:
    assert AnswerSchema(schema_of(value)).problems(value) == []


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (True, {"type": "boolean"}),
        ([1, 2.5], {"type": "array", "items": {"type": "number"}}),
        ([1, "a", 2], {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}),
        ([], {"type": "array"}),
        ([[], [1]], {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}),
    ],
)
def test_what_a_schema_says(value: Any, schema: dict[str, Any]) -> None:
    assert schema_of(value) == schema


def test_only_what_every_object_has_is_required() -> None:
    assert schema_of([BAT, {"name": "serotine", "wings": 2}])["items"] == {
        "type": "object",
        "properties": {"name": {"type": "string"}, "grams": {"type": "integer"}, "wings": {"type": "integer"}},
        "required": ["name"],
    }


def test_other_data_does_not_fit() -> None:
    assert AnswerSchema(schema_of(BAT)).problems({"name": 1}) != []


def test_what_is_no_json_has_no_schema() -> None:
    with pytest.raises(TypeError, match="set is no JSON"):
        schema_of({"a": {1}})
