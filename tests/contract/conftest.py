"""The two documents that the contract tests hold against each other."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import published

_CONTRACT = Path(__file__).parents[2] / "contract" / "openapi-1.4.json"


@pytest.fixture(scope="session")
def contract() -> dict[str, Any]:
    """The frozen document of the API that we speak."""
    document: dict[str, Any] = json.loads(_CONTRACT.read_text())
    return document


@pytest.fixture(scope="session")
def openapi() -> dict[str, Any]:
    """The document that our server publishes, as a client reads it."""
    document: dict[str, Any] = json.loads(json.dumps(published().openapi()))
    return document
