"""The published document has the null defaults that the contract has."""

from typing import Any

from pydantic import BaseModel, Field

from noctule.kit.openapi import NO_DEFAULT, Application


class Part(BaseModel):
    name: str
    note: str | None = None


class Whole(BaseModel):
    needed: str | None
    optional: str | None = None
    silent: str | None = Field(default=None, json_schema_extra=NO_DEFAULT)
    number: int = 3
    part: Part | None = Part(name="x")


def _published() -> dict[str, Any]:
    application = Application()

    @application.post("/whole")
    async def whole(body: Whole) -> None:
        """Nothing."""

    application.openapi()
    properties: dict[str, Any] = application.openapi()["components"]["schemas"]["Whole"]["properties"]
    return properties


def test_a_null_default_is_published() -> None:
    published = _published()
    assert published["optional"]["default"] is None
    assert published["number"]["default"] == 3


def test_a_field_without_a_default_or_with_a_hidden_one_has_none() -> None:
    published = _published()
    assert "default" not in published["needed"]
    assert published["silent"] == {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "Silent"}


def test_the_nulls_inside_a_default_are_published() -> None:
    assert _published()["part"]["default"] == {"name": "x", "note": None}
