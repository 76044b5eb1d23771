"""An application whose published document has the ``null`` defaults that FastAPI leaves out.

FastAPI drops every ``None`` from the document that it makes, the default ``null`` of an optional field
among them. The contract has those, so they are put back. A field whose default the contract leaves out
says so with ``NO_DEFAULT`` as its ``json_schema_extra``.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic.config import JsonDict

_MARK = "x-no-default"

NO_DEFAULT: JsonDict = {_MARK: True}


class Application(FastAPI):
    """FastAPI with a complete document."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            _complete(super().openapi())
        return super().openapi()


def _complete(document: dict[str, Any]) -> None:
    schemas: dict[str, Any] = document.get("components", {}).get("schemas", {})
    for schema in schemas.values():
        required = schema.get("required", ())
        for name, field in schema.get("properties", {}).items():
            marked = field.pop(_MARK, False)
            if not marked and name not in required and "default" not in field and _nullable(field):
                field["default"] = None
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            if isinstance(field.get("default"), dict):
                _complete_object(field, schemas)


def _complete_object(field: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """A default that is an object lacks its own nulls."""
    for option in field.get("anyOf", (field,)):
        target = schemas.get(str(option.get("$ref", "")).rsplit("/", 1)[-1], {})
        for name, member in target.get("properties", {}).items():
            if "default" in member and member["default"] is None:
                field["default"].setdefault(name, None)


def _nullable(field: Mapping[str, Any]) -> bool:
    return any(option.get("type") == "null" for option in field.get("anyOf", ()))
