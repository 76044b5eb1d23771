"""Every operation that exists promises exactly what the contract says."""

from pathlib import Path
from typing import Any

import pytest

from tests.contract.normal import differences, normal_operation, operations

_NOT_YET = Path(__file__).with_name("not_yet.txt")

# Operations that the contract does not have: of a newer one, which newer clients call, and of ours.
_OUR_OWN = {
    "GET /profiles/{profile_id}/cookies",
    "POST /profiles/{profile_id}/cookies",
    "POST /profiles/{profile_id}/duplicate",
    "POST /profiles/{profile_id}/state",
    "POST /sessions/{session_id}/profile/save",
    "GET /ready",
    "GET /sessions/{session_id}/har",
    "GET /sessions/{session_id}/timeline",
    "GET /sessions/{session_id}/timeline.ndjson",
    "GET /usage/breakdown",
    "GET /usage/export",
    "GET /usage/forecast",
    "GET /usage/budgets",
    "POST /usage/budgets",
    "GET /usage/budgets/{budget_id}",
    "PATCH /usage/budgets/{budget_id}",
    "DELETE /usage/budgets/{budget_id}",
    "GET /usage/webhooks",
    "POST /usage/webhooks",
    "GET /usage/webhooks/{endpoint_id}",
    "PATCH /usage/webhooks/{endpoint_id}",
    "DELETE /usage/webhooks/{endpoint_id}",
    "POST /usage/webhooks/{endpoint_id}/rotate",
    "POST /usage/webhooks/{endpoint_id}/test",
    "POST /usage/webhooks/{endpoint_id}/redeliver",
    "GET /usage/webhooks/{endpoint_id}/deliveries",
    "GET /usage/webhooks/{endpoint_id}/deliveries/{message_id}",
    "POST /usage/webhooks/{endpoint_id}/deliveries/{message_id}/redeliver",
    "GET /operator/plans",
    "GET /operator/workspaces",
    "POST /operator/workspaces",
    "GET /operator/workspaces/{workspace}",
    "PUT /operator/workspaces/{workspace}/plan",
    "POST /operator/workspaces/{workspace}/topups",
    "GET /operator/workspaces/{workspace}/grants",
    "POST /operator/workspaces/{workspace}/grants",
    "DELETE /operator/workspaces/{workspace}/grants/{grant_id}",
    "POST /operator/workspaces/{workspace}/corrections",
    "GET /operator/workspaces/{workspace}/months",
}


def _not_yet() -> list[str]:
    return _NOT_YET.read_text().splitlines()


def test_the_list_of_operations_that_do_not_exist_yet_is_sorted_and_of_the_contract(contract: dict[str, Any]) -> None:
    listed = _not_yet()
    assert listed == sorted(set(listed))
    assert set(listed) <= operations(contract).keys()


def test_an_operation_of_the_contract_exists_or_is_listed_as_not_yet(
    contract: dict[str, Any], openapi: dict[str, Any]
) -> None:
    absent = operations(contract).keys() - operations(openapi).keys()
    assert sorted(absent) == _not_yet(), "tests/contract/not_yet.txt must list exactly what is absent"


def test_an_operation_outside_the_contract_is_one_of_our_own(contract: dict[str, Any], openapi: dict[str, Any]) -> None:
    assert operations(openapi).keys() - operations(contract).keys() <= _OUR_OWN


def test_every_operation_promises_what_the_contract_says(
    contract: dict[str, Any], openapi: dict[str, Any], subtests: pytest.Subtests
) -> None:
    wanted, ours = operations(contract), operations(openapi)
    for name in sorted(wanted.keys() & ours.keys()):
        with subtests.test(operation=name):
            found = differences(normal_operation(contract, wanted[name]), normal_operation(openapi, ours[name]))
            assert not found, "\n".join(found)
