"""``GET /usage`` as it is published: the facts of the contract's own page, down to the order of properties."""

import json
from pathlib import Path
from typing import Any

_FACTS: dict[str, Any] = json.loads(Path(__file__).with_name("usage.json").read_text())


def _facts(value: Any, *, names: bool = False) -> Any:
    """The value without descriptions; ``names`` says that the keys are names, not keywords."""
    if isinstance(value, dict):
        return {
            key: _facts(item, names=key in ("properties", "schemas", "responses", "securitySchemes"))
            for key, item in value.items()
            if names or key != "description"
        }
    if isinstance(value, list):
        return [_facts(item) for item in value]
    return value


def test_the_usage_operation_is_published_as_the_contract_has_it(openapi: dict[str, Any]) -> None:
    assert _facts(openapi["paths"][_FACTS["path"]][_FACTS["method"]]) == _FACTS["operation"]


def test_the_schemas_of_usage_are_published_as_the_contract_has_them(openapi: dict[str, Any]) -> None:
    for name, wanted in _FACTS["components"]["schemas"].items():
        ours = _facts(openapi["components"]["schemas"][name])
        assert ours == wanted
        assert list(ours.get("properties", ())) == list(wanted.get("properties", ()))


def test_the_security_scheme_of_usage_is_published_as_the_contract_has_it(openapi: dict[str, Any]) -> None:
    assert _facts(openapi["components"]["securitySchemes"]) == _FACTS["components"]["securitySchemes"]
