"""The application's own pages: OpenAPI and the reference."""

import re
from pathlib import Path
from typing import Any

import msgspec

from noctule import API_VERSION
from tests.unit.http.conftest import Asker


def test_the_openapi_says_who_we_are_and_how_to_call(ask: Asker) -> None:
    api: dict[str, Any] = ask("GET", "/openapi.json").json()
    assert api["openapi"].startswith("3.1.")
    assert api["info"]["title"] == "Noctule"
    assert api["info"]["version"] == API_VERSION
    assert api["components"]["securitySchemes"] == {
        "OAuth2PasswordBearer": {"type": "oauth2", "flows": {"password": {"scopes": {}, "tokenUrl": "token"}}}
    }
    assert not {"/docs", "/openapi.json", "/favicon.ico"} & set(api["paths"])


def test_every_operation_has_the_clients_headers_and_two_responses(ask: Asker) -> None:
    api = ask("GET", "/openapi.json").json()
    for path, operations in api["paths"].items():
        for operation in operations.values():
            headers = [item for item in operation["parameters"] if item["in"] == "header"]
            assert [item["name"] for item in headers] == ["x-notte-request-origin", "x-notte-sdk-version"], path
            assert not any(item["required"] for item in headers)
            assert headers[0]["schema"] == {
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "title": "X-Notte-Request-Origin",
            }
            assert set(operation["responses"]) == {"200", "422"}
            assert operation["security"] == [{"OAuth2PasswordBearer": []}]


def test_the_schemas_of_errors_are_the_contracts(ask: Asker) -> None:
    schemas = ask("GET", "/openapi.json").json()["components"]["schemas"]
    root = Path(__file__).parents[3]
    contract = msgspec.json.decode((root / "contract" / "openapi-1.4.json").read_bytes())["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        assert schemas[name] == contract[name]
        assert list(schemas[name]) == list(contract[name])
        assert list(schemas[name]["properties"]) == list(contract[name]["properties"])


def test_lists_document_their_page_as_the_contract_does(ask: Asker) -> None:
    api = ask("GET", "/openapi.json").json()
    parameters = {item["name"]: item["schema"] for item in api["paths"]["/things"]["get"]["parameters"]}
    assert parameters["page"] == {"type": "integer", "minimum": 1, "default": 1, "title": "Page"}
    assert parameters["page_size"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 10,
        "title": "Page Size",
    }
    assert parameters["only_active"] == {"type": "boolean", "default": True, "title": "Only Active"}
    assert parameters["only_current_token"] == {"type": "boolean", "default": False, "title": "Only Current Token"}


def test_the_reference_shows_every_operation_and_fetches_nothing(ask: Asker) -> None:
    api = ask("GET", "/openapi.json").json()
    answer = ask("GET", "/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for path, operations in api["paths"].items():
        assert path in answer.text
        for operation in operations.values():
            assert f'id="{operation["operationId"]}"' in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert "<script" not in answer.text
    links = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert set(links) == {"favicon.ico", "openapi.json"}


def test_the_icon_is_there(ask: Asker) -> None:
    assert ask("GET", "/favicon.ico").headers["content-type"] == "image/svg+xml"
