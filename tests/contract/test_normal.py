"""The comparison itself: it sees every kind of slip, and nothing where only words differ."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.normal import differences, normal_operation, operations

START = "POST /sessions/start"


def _schema(document: dict[str, Any], name: str = "ApiSessionStartRequest") -> dict[str, Any]:
    schema: dict[str, Any] = document["components"]["schemas"][name]
    return schema


def _compare(contract: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> list[str]:
    changed = copy.deepcopy(contract)
    change(changed)
    one = normal_operation(contract, operations(contract)[START])
    other = normal_operation(changed, operations(changed)[START])
    return differences(one, other)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda d: _schema(d)["properties"].pop("headless"), "headless"),
        (lambda d: _schema(d)["properties"].update(colour={"type": "string"}), "colour"),
        (lambda d: _schema(d)["properties"]["headless"].update(default=False), "headless"),
        (lambda d: _schema(d)["properties"]["vault_id"].pop("default"), "vault_id"),
        (lambda d: _schema(d)["properties"]["headless"].update(type="string"), "headless"),
        (lambda d: _schema(d)["properties"]["idle_timeout_minutes"].update(maximum=30), "maximum"),
        (lambda d: _schema(d)["properties"]["browser_type"]["enum"].pop(), "enum"),
        (lambda d: _schema(d).update(required=["headless"]), "required"),
        (lambda d: _schema(d).pop("additionalProperties"), "additionalProperties"),
        (lambda d: _schema(d, "NotteProxy")["properties"]["type"].update(const="noctule"), "proxies"),
        (lambda d: _schema(d, "SessionResponse")["required"].remove("status"), "responses/200"),
        (lambda d: d["paths"]["/sessions/start"]["post"]["parameters"].pop(), "parameters"),
        (lambda d: d["paths"]["/sessions/start"]["post"].update(operationId="start"), "operationId"),
        (lambda d: d["paths"]["/sessions/start"]["post"].pop("security"), "security"),
        (lambda d: d["paths"]["/sessions/start"]["post"]["responses"].pop("422"), "responses"),
        (lambda d: d["paths"]["/sessions/start"]["post"]["requestBody"].update(required=False), "body"),
    ],
)
def test_a_slip_is_seen(contract: dict[str, Any], change: Callable[[dict[str, Any]], Any], place: str) -> None:
    found = _compare(contract, change)
    assert found
    assert place in found[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda d: _schema(d).update(title="Start", description="words"),
        lambda d: _schema(d)["properties"]["browser_type"]["enum"].reverse(),
        lambda d: _schema(d, "SessionResponse")["required"].reverse(),
        lambda d: _schema(d)["properties"]["vault_id"]["anyOf"].reverse(),
        lambda d: _schema(d, "SessionResponse")["properties"]["timeout_minutes"].pop("readOnly"),
        lambda d: d["paths"]["/sessions/start"]["post"]["parameters"].reverse(),
    ],
)
def test_words_and_orders_are_no_difference(contract: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> None:
    assert _compare(contract, change) == []
