"""OpenAPI documents in a normal form, in which two operations are equal exactly when they promise the same.

Dropped: titles, descriptions, examples, schema names, ``readOnly`` marks, and every order that means nothing.
Kept: names, types, formats, required, enums, defaults, bounds, media types, security.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

_WORDS = frozenset({"title", "description", "examples", "example", "readOnly"})
_SETS = frozenset({"required", "enum", "anyOf", "oneOf", "allOf"})
_METHODS = ("get", "put", "post", "delete", "patch")


def operations(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The operations of a document by ``METHOD /path``."""
    return {
        f"{method.upper()} {path}": item[method]
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    }


def normal_operation(document: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, Any]:
    """What an operation promises."""
    body = operation.get("requestBody")
    return {
        "operationId": operation.get("operationId"),
        "summary": operation.get("summary"),
        "tags": sorted(operation.get("tags", ())),
        "security": operation.get("security", []),
        "parameters": {
            f"{parameter['in']} {parameter['name']}": {
                "required": parameter.get("required", False),
                "schema": normal_schema(document, parameter["schema"]),
            }
            for parameter in operation.get("parameters", ())
        },
        "body": body and {"required": body.get("required", False), "content": _contents(document, body)},
        "responses": {code: _contents(document, response) for code, response in operation["responses"].items()},
    }


def _contents(document: Mapping[str, Any], holder: Mapping[str, Any]) -> dict[str, Any]:
    return {
        media_type: normal_schema(document, content.get("schema", {}))
        for media_type, content in holder.get("content", {}).items()
    }


def normal_schema(document: Mapping[str, Any], schema: Any, within: tuple[str, ...] = ()) -> Any:
    """A schema without names and words, references replaced by what they refer to."""
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        if name in within:
            return {"recursion": len(within) - within.index(name)}
        return normal_schema(document, document["components"]["schemas"][name], (*within, name))
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _WORDS:
            continue
        if key == "properties":
            result[key] = {name: normal_schema(document, item, within) for name, item in value.items()}
        elif key == "discriminator":
            result[key] = {"propertyName": value["propertyName"], "mapping": sorted(value.get("mapping", ()))}
        elif key in ("anyOf", "oneOf", "allOf"):
            result[key] = _sorted(normal_schema(document, item, within) for item in value)
        elif key in _SETS:
            result[key] = _sorted(value)
        elif key in ("items", "additionalProperties", "propertyNames"):
            result[key] = normal_schema(document, value, within)
        else:
            result[key] = value
    return result


def _sorted(values: Iterable[Any]) -> list[Any]:
    return sorted(values, key=lambda value: json.dumps(value, sort_keys=True))


def differences(contract: Any, ours: Any, place: str = "") -> list[str]:
    """Where two normal forms differ, one line each."""
    if contract == ours:
        return []
    if isinstance(contract, dict) and isinstance(ours, dict):
        lines = [f"{place}/{key}: missing" for key in contract.keys() - ours.keys()]
        lines += [f"{place}/{key}: not in the contract" for key in ours.keys() - contract.keys()]
        for key in contract.keys() & ours.keys():
            lines += differences(contract[key], ours[key], f"{place}/{key}")
        return sorted(lines)
    if isinstance(contract, list) and isinstance(ours, list) and len(contract) == len(ours):
        return [
            line
            for i, (a, b) in enumerate(zip(contract, ours, strict=True))
            for line in differences(a, b, f"{place}/{i}")
        ]
    return [f"{place}: contract {json.dumps(contract)[:300]}, ours {json.dumps(ours)[:300]}"]
