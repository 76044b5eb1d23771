"""Schemas and answers, both of strangers."""

from typing import Any

import pytest

from noctule.kit.errors import InvalidRequest
from noctule.llm.schemas import AnswerSchema, NotJson, json_in, without_thought

NO_REASON = "The value is not valid against the schema."


def _nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"x": schema}}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "strnig"},
        {"$ref": "#/$defs/Missing"},
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$schema": "http://example.com/own", "type": "object"},
        {"type": "object", "required": "name"},
        {"pattern": "("},
        {"pattern": "((a{1,999}){1,999}){1,999}"},
        _nested(200),
        {"enum": ["x" * 200_000]},
        {"const": object()},
    ],
)
def test_a_schema_that_cannot_be_used_is_the_callers_error(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="response_format: not a usable JSON schema") as caught:
        AnswerSchema(schema)
    assert len(caught.value.message) < 500


def test_definitions_and_formats_of_usual_models_are_understood() -> None:
    schema = AnswerSchema(
        {
            "$defs": {"Item": {"properties": {"name": {"type": "string"}}, "required": ["name"], "type": "object"}},
            "properties": {"items": {"items": {"$ref": "#/$defs/Item"}, "type": "array"}},
            "required": ["items"],
            "type": "object",
        }
    )
    assert schema.problems({"items": [{"name": "Lamp"}]}) == []
    assert schema.problems({"items": [{"name": 3}]}) == ['At items/0/name: 3 is not of type "string"']


def test_problems_are_few_and_short() -> None:
    schema = AnswerSchema({"type": "array", "items": {"type": "integer"}})
    problems = schema.problems(["x" * 10_000] * 100)
    assert len(problems) == 8
    assert all(len(problem) <= 301 for problem in problems)


def test_a_pattern_cannot_hold_the_server_up() -> None:
    schema = AnswerSchema({"type": "string", "pattern": r"^(a+)+$"})
    assert schema.problems("a" * 100_000 + "!")
    with pytest.raises(InvalidRequest, match="regex"):
        AnswerSchema({"type": "string", "pattern": r"^(?=(a+)+$)(a+)+$"})


def test_ways_without_number_through_a_schema_cannot_hold_the_server_up() -> None:
    doubling: dict[str, Any] = {"a0": {"type": "integer"}}
    for n in range(1, 40):
        doubling[f"a{n}"] = {"allOf": [{"$ref": f"#/$defs/a{n - 1}"}, {"$ref": f"#/$defs/a{n - 1}"}]}
    assert AnswerSchema({"$defs": doubling, "$ref": "#/$defs/a39"}).problems("x") == [NO_REASON]
    lists = [{"type": "array", "title": title, "items": {"$ref": "#/$defs/n"}} for title in ("a", "b")]
    endless = AnswerSchema({"$defs": {"n": {"anyOf": [{"type": "integer"}, *lists]}}, "$ref": "#/$defs/n"})
    value: Any = "leaf"
    for _ in range(50):
        value = [value]
    assert endless.problems(value) == [NO_REASON]
    assert endless.problems([[1], [[2]]]) == []


def test_a_value_that_is_nested_too_deeply_is_a_problem() -> None:
    value: Any = 1
    for _ in range(500):
        value = [value]
    assert AnswerSchema({}).problems(value) == ["The value is nested deeper than 64 levels."]


@pytest.mark.parametrize(
    ("schema", "is_strict"),
    [
        ({"type": "object", "properties": {}, "required": [], "additionalProperties": False}, True),
        ({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, False),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False}, False),
        (
            {
                "type": "object",
                "properties": {"a": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}},
                "required": ["a"],
                "additionalProperties": False,
                "$defs": {"A": {"type": "array", "items": {"type": "string"}}},
            },
            True,
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "array", "items": {"type": "string", "format": "date"}}},
                "required": ["a"],
                "additionalProperties": False,
            },
            False,
        ),
        ({"type": "array", "items": {"type": "string"}}, False),
    ],
)
def test_only_what_a_strict_mode_takes_is_called_strict(schema: dict[str, Any], is_strict: bool) -> None:
    assert AnswerSchema(schema).is_strict is is_strict


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ("  [1, 2]\n", [1, 2]),
        ("null", None),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ("```\r\n[1]\r\n```", [1]),
        ('Here it is: {"a": {"b": 2}} as you wished.', {"a": {"b": 2}}),
        ('<think>{"a": 0}</think>{"a": 1}', {"a": 1}),
        ("12345678901234567890123", 12345678901234567890123),
    ],
)
def test_json_is_found_in_an_answer(text: str, value: Any) -> None:
    assert json_in(text) == value


@pytest.mark.parametrize(
    "text", ["", "No.", "{", '{"a": NaN}', "x {'a': 1}", "[" * 100_000, "x " + "[" * 100_000, "```\n```", "\ud800"]
)
def test_what_is_no_json_says_so(text: str) -> None:
    with pytest.raises(NotJson):
        json_in(text)


def test_an_answer_is_what_comes_after_the_thought() -> None:
    assert without_thought("<think>Hm.\n</think>\n\nYes.") == "Yes."
    assert without_thought("Yes, <think> is a tag.") == "Yes, <think> is a tag."
