"""The models of the secrets tag: what a bad request is told, and what it is not."""

import pytest
from pydantic import ValidationError

from noctule.secrets.wire import SecretStoreRequest, SecretValueResponse

HIDDEN = "hidden-thing"


def test_a_value_is_in_no_repr() -> None:
    request = SecretStoreRequest.model_validate({"namespace": "function_env", "name": "A", "value": HIDDEN})
    assert request.value == HIDDEN
    assert HIDDEN not in repr((request, SecretValueResponse(value=HIDDEN)))


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["namespace", "name", "value"]),
        ({"namespace": "function_env", "name": "A", "vaule": HIDDEN}, ["value"]),
        ({"namespace": "function_env", "nome": "A", "vaule": HIDDEN}, ["name", "value"]),
        ({"namespace": "function_env", "name": HIDDEN * 20, "value": "A"}, ["name"]),
        ({"namespace": HIDDEN, "name": "A", "value": "function_env"}, ["namespace"]),
        ({"namespace": "function_env", "name": [HIDDEN], "value": {"a": HIDDEN}}, ["name", "value"]),
        ({"namespace": "function_env", "name": "", "value": ""}, ["name", "value"]),
        ({"namespace": None, "name": None, "value": None}, ["namespace", "name", "value"]),
        (HIDDEN, []),
        ([HIDDEN], []),
    ],
)
def test_an_error_says_where_and_repeats_nothing(body: object, places: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        SecretStoreRequest.model_validate(body)
    errors = caught.value.errors(include_url=False)
    assert [place for error in errors for place in error["loc"]] == places
    assert HIDDEN not in repr((errors, str(caught.value)))


def test_names_that_the_contract_does_not_know_are_left_aside() -> None:
    body = {"namespace": "llm_provider", "name": "openai", "value": "k", "description": "mine"}
    assert SecretStoreRequest.model_validate(body).name == "openai"
