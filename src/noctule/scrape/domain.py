"""The JSON schema of data that nobody gave a schema for; no I/O.

What must always hold: the data is valid against its schema, and the schema says no more than the data shows.
"""

from collections.abc import Sequence
from typing import Any


def schema_of(value: Any) -> dict[str, Any]:
    """A schema of one JSON value. A property is required where every object of its kind has it."""
    match value:
        case None:
            return {"type": "null"}
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case float():
            return {"type": "number"}
        case str():
            return {"type": "string"}
        case dict():
            properties = {name: schema_of(item) for name, item in value.items()}
            return {"type": "object", "properties": properties, "required": sorted(properties)}
        case list():
            return {"type": "array", "items": _merged([schema_of(item) for item in value])} if value else _EMPTY
    raise TypeError(f"{type(value).__name__} is no JSON")


_EMPTY: dict[str, Any] = {"type": "array"}


def _merged(schemas: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One schema for all that these are the schemas of."""
    options: list[dict[str, Any]] = []
    for schema in (option for each in schemas for option in each.get("anyOf", (each,))):
        same = next((option for option in options if option["type"] == schema["type"]), None)
        if same is None:
            options.append(dict(schema))
        elif schema["type"] == "object":
            _join(same, schema)
        elif schema["type"] == "array":
            items = [each["items"] for each in (same, schema) if "items" in each]
            same |= {"items": _merged(items)} if items else {}
    if {"integer", "number"} <= {option["type"] for option in options}:
        options = [option for option in options if option["type"] != "integer"]
    return options[0] if len(options) == 1 else {"anyOf": options}


def _join(into: dict[str, Any], other: dict[str, Any]) -> None:
    """Let an object's schema allow another kind of object too."""
    mine, theirs = into["properties"], other["properties"]
    into["properties"] = {
        name: _merged([each[name] for each in (mine, theirs) if name in each]) for name in (*mine, *theirs)
    }
    into["required"] = sorted(set(into["required"]) & set(other["required"]))
