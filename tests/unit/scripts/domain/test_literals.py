"""Any value is Python source that says the very same, on lines that people can read."""

import ast

import pytest

from noctule.scripts.domain.literals import Name, block, call, class_name_of, literal, name_of, quoted

HOSTILE = [
    "",
    "plain",
    'it\'s "quoted"',
    'ends with "',
    'three """ in a row',
    '"""',
    '"""" and a line\nthat ends with """',
    '""""',
    "back\\slash\\",
    "a\nb\r\nc\td",
    "nul \0 bell \a",
    "{braces} %s {0}",
    "\u202eturned\u2066",
    "\ud800 alone \udfff",
    "🦇 and é and 中",
    "#{not a comment",
    "\\N{DASH}",
    "\x85\u2028\u2029",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_is_its_literal_whatever_is_in_it(text: str) -> None:
    for source in (quoted(text), block(text)):
        assert ast.literal_eval(source) == text
        source.encode()
        assert all(sign.isprintable() or sign == "\n" for sign in source)
    assert "\n" not in quoted(text)


def test_values_are_written_as_python() -> None:
    value = {"a": [1, 2.5, None, True], 'b"': {"c": "x"}}
    assert literal(value) == '{"a": [1, 2.5, None, True], "b\\"": {"c": "x"}}'
    assert literal([Name("email"), float("inf")]) == '[email, float("inf")]'


def test_a_call_has_one_line_where_it_fits() -> None:
    assert call("f", {"type": "click", "value": Name("x")}) == 'f(type="click", value=x)'
    assert call("f", {}) == "f()"
    long = call("f", {"type": "click", "selector": "x" * 120}, "    ")
    assert long == f'    f(\n        type="click",\n        selector="{"x" * 120}",\n    )'


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("E-mail address", "e_mail_address"),
        ("Prénom", "prenom"),
        ("2nd line", "value_2nd_line"),
        ("姓名", "value"),
        ("class", "class_"),
        ("type", "type_"),
        ("__import__", "import_"),
        ("session", "session_"),
        ("x" * 60, "x" * 40),
    ],
)
def test_a_label_suggests_a_name(text: str, name: str) -> None:
    assert name_of(text) == name
    assert name_of(name) == name


def test_a_label_suggests_a_class() -> None:
    assert class_name_of("scraped data_unit price") == "ScrapedDataUnitPrice"
    assert class_name_of("") == "Data"
