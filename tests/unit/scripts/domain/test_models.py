"""Data has a model that it is valid for, by an example or by its schema."""

from typing import Any

import pytest
from pydantic import BaseModel

from noctule.scripts.domain.models import Models

_EXAMPLES: list[Any] = [
    {"name": "Bat", "price": 3, "tags": ["a", "b"], "nested": {"x": None, "y": 1.5}},
    {"items": [{"a": 1, "b": "x"}, {"a": 2.5}, {"a": None, "c": [[]]}]},
    {"class": 1, "2nd": 2, "with space": 3, "_hidden": 4, "model_x": 5, "list": [1], "str": "x", "Any": 1, "copy": 2},
    {"same": {"a": 1}, "again": {"a": 2}, "other": {"a": "x"}},
    {"empty": [], "mixed": [1, "x", {"a": 1}], "é": 1, 'quo"te\n': 1, "a b": 1, "a-b": 2},
    [{"a": 1}, {"a": 2}],
]


def _model(models: Models, name: str) -> type[BaseModel]:
    space: dict[str, Any] = {}
    source = "from typing import Any\nfrom pydantic import BaseModel, Field\n" + "\n".join(models.sources)
    exec(source, space)
    model: type[BaseModel] = space[name]
    return model


@pytest.mark.parametrize("example", _EXAMPLES)
def test_an_example_is_valid_for_the_model_that_was_made_of_it(example: Any) -> None:
    models = Models()
    name = models.of_example(example, "scraped_data")
    assert name == "ScrapedData"
    data = example if isinstance(example, dict) else {"items": example}
    shown = _model(models, name).model_validate(data).model_dump(by_alias=True, exclude_unset=True)
    assert shown == data


@pytest.mark.parametrize("example", [None, "text", 3, [], {}])
def test_what_is_no_object_has_no_model(example: Any) -> None:
    assert Models().of_example(example, "x") is None


def test_a_model_reads_well() -> None:
    models = Models()
    models.of_example({"title": "a", "unit price": 2.0, "seller": {"name": "b"}}, "product")
    assert models.sources == [
        "class ProductSeller(BaseModel):\n    name: str",
        "class Product(BaseModel):\n    title: str\n"
        '    unit_price: float = Field(alias="unit price")\n    seller: ProductSeller',
    ]


def test_a_schema_has_a_model_with_what_it_refers_to() -> None:
    schema = {
        "type": "object",
        "title": "Catalogue",
        "properties": {
            "products": {"type": "array", "items": {"$ref": "#/$defs/Product"}},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "free": {"type": "object"},
            "either": {"type": ["integer", "null"]},
        },
        "required": ["products"],
        "$defs": {"Product": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
    }
    models = Models()
    assert models.of_schema(schema, "catalogue") == "Catalogue"
    data = {"products": [{"name": "Bat"}], "free": {"x": 1}}
    shown = _model(models, "Catalogue").model_validate(data)
    assert shown.model_dump(exclude_unset=True) == data


@pytest.mark.parametrize(
    "schema", [{}, {"type": "array"}, {"$ref": "#/nowhere"}, {"$ref": "#"}, {"type": "object", "properties": 3}]
)
def test_a_schema_of_no_object_has_no_model(schema: dict[str, Any]) -> None:
    assert Models().of_schema(schema, "x") is None


def test_a_schema_that_contains_itself_ends() -> None:
    schema = {"type": "object", "properties": {"child": {"$ref": "#"}, "self": {"$ref": "#/properties/self"}}}
    models = Models()
    models.of_schema(schema, "node")
    assert len(models.sources) < 30


_ITSELF = {"$ref": "#/$defs/node"}


@pytest.mark.parametrize(
    "node",
    [
        {"anyOf": [_ITSELF, {"type": "null"}]},
        {"type": "object", "properties": {f"child{number}": _ITSELF for number in range(50)}},
        {"type": "array", "items": {"oneOf": [_ITSELF] * 50}},
    ],
    ids=["choice", "object", "list"],
)
def test_a_schema_that_contains_itself_many_times_ends_soon(node: dict[str, Any]) -> None:
    models = Models()
    name = models.of_schema({"type": "object", "properties": {"node": _ITSELF}, "$defs": {"node": node}}, "tree")
    assert name == "Tree"
    _model(models, name)


def test_a_schema_that_is_none_in_parts_has_a_model_of_the_rest() -> None:
    schema = {
        "type": "object",
        "required": 5,
        "properties": {"a": {"type": {"x": 1}}, "b": {"type": [["string"], {}]}, "c": {"type": "string"}},
    }
    models = Models()
    assert models.of_schema(schema, "odd") == "Odd"
    assert _model(models, "Odd").model_validate({"c": "x"}).model_dump(exclude_unset=True) == {"c": "x"}
