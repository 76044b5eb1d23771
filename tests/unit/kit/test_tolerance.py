"""Request models: patient with known names, strict on unknown ones."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import pytest
from pydantic import Field, ValidationError

from noctule.kit.tolerance import TolerantRequest


class Wish(TolerantRequest):
    ignored_names: ClassVar[frozenset[str]] = frozenset({"old"})
    other_names: ClassVar[Mapping[str, str]] = {"length": "minutes"}

    name: str
    minutes: int = 3
    label: str | None = "none given"
    share: Annotated[float | None, Field(ge=0)] = 1.0


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {}),
        ({"minutes": 5}, {"minutes": 5}),
        ({"length": 5}, {"minutes": 5}),
        ({"length": 5, "minutes": 6}, {"minutes": 6}),
        ({"minutes": 6, "length": 5}, {"minutes": 6}),
        ({"minutes": None}, {"minutes": 3}),
        ({"length": None}, {"minutes": 3}),
        ({"old": {"any": "thing"}}, {}),
        ({"label": None}, {"label": None}),
        ({"share": None}, {"share": None}),
    ],
)
def test_what_known_clients_send_is_understood(body: dict[str, Any], expected: dict[str, Any]) -> None:
    before = dict(body)
    got = Wish.model_validate({"name": "n"} | body).model_dump()
    assert got == {"name": "n", "minutes": 3, "label": "none given", "share": 1.0} | expected
    assert body == before


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"name": "n", "minuets": 5}, "extra_forbidden"),
        ({"name": "n", "minuets": None}, "extra_forbidden"),
        ({"name": None}, "string_type"),
        ({}, "missing"),
        ([], "model_type"),
        ({"name": "n", "share": float("nan")}, "finite_number"),
    ],
)
def test_anything_else_is_an_error(body: Any, kind: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Wish.model_validate(body)
    assert [error["type"] for error in raised.value.errors()] == [kind]
