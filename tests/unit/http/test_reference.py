"""The docs page escapes what it shows and reads every kind of schema."""

from noctule.http.reference import page

API = {
    "info": {"title": "T<b>", "version": "1", "description": "Say `<hi>`."},
    "paths": {
        "/x/{y}": {
            "post": {
                "summary": "S",
                "operationId": "op",
                "description": "<script>alert(1)</script>",
                "parameters": [
                    {
                        "name": "n",
                        "in": "query",
                        "required": True,
                        "schema": {"type": "integer", "minimum": 1, "default": 2},
                    },
                    {
                        "name": "k",
                        "in": "query",
                        "schema": {"anyOf": [{"$ref": "#/components/schemas/Kind"}, {"type": "null"}]},
                    },
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Body"}}}},
                "responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "items": {}}}}}},
            }
        }
    },
    "components": {
        "schemas": {
            "Kind": {"enum": ["a", "b"]},
            "Body": {
                "required": ["inner"],
                "properties": {"inner": {"$ref": "#/components/schemas/Body"}, "c": {"const": 1}},
            },
        }
    },
}


def test_types_are_short_and_bounds_are_shown() -> None:
    html = page(API)
    for piece in (
        "integer = 2, ≥ 1",
        "&#x27;a&#x27; | &#x27;b&#x27; | null",
        "list of any",
        "<code>Body</code>",
        "inner</code> *",
    ):
        assert piece in html


def test_everything_is_escaped() -> None:
    html = page(API)
    assert "<script>" not in html
    assert "T&lt;b&gt;" in html
    assert "<code>&lt;hi&gt;</code>" in html
    assert "No key is needed." in html
