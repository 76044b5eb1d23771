"""Files that are text, as markdown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noctule.extraction.errors import UnreadableDocument
from noctule.extraction.markdown import Options
from noctule.extraction.plain import MAX_CHARACTERS, read, supported
from tests.unit.extraction.trees import text_read_back

URL = "https://example.org/file"


def _read(content_type: str, body: str | bytes, url: str = URL) -> str:
    return read(content_type, body.encode() if isinstance(body, str) else body, url).text


def test_a_text_stays_as_it_is() -> None:
    assert _read("text/plain", "Line *one*\r\n\r\n  indented\n") == "Line *one*\n\n  indented"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain; charset=iso-8859-1", "é".encode("latin-1")),
        ("text/plain; charset=UTF-8", "é".encode()),
        ("text/plain", "é".encode()),
        ("text/plain", "é".encode("cp1252")),
        ("text/plain", "é".encode("utf-16")),
        ('text/plain; charset="no-such"', "é".encode()),
    ],
)
def test_its_encoding_is_found(content_type: str, body: bytes) -> None:
    assert _read(content_type, body) == "é"


def test_controls_do_not_come_through() -> None:
    assert _read("text/plain", "a\x00b\x1b[31mc\u202e\u200b") == "ab[31mc"


@pytest.mark.parametrize(
    ("content_type", "url", "language"),
    [
        ("text/x-python", URL, "python"),
        ("text/css; charset=utf-8", URL, "css"),
        ("application/javascript", URL, "javascript"),
        ("application/x-sh", URL, "bash"),
        ("text/plain", "https://example.org/raw/main.rs?x=1", "rust"),
        ("application/x-ndjson", URL, "json"),
        ("text/calendar", URL, ""),
    ],
)
def test_code_is_fenced_in_its_language(content_type: str, url: str, language: str) -> None:
    assert _read(content_type, "x = 1\n", url) == f"```{language}\nx = 1\n```"


def test_json_is_set_out() -> None:
    assert _read("application/json", '{"a":[1,"é"]}') == '```json\n{\n  "a": [\n    1,\n    "é"\n  ]\n}\n```'
    assert _read("application/ld+json", "[]") == "```json\n[]\n```"


def test_json_that_is_none_is_shown_as_text() -> None:
    assert _read("application/json", "{oops") == "{oops"
    assert _read("application/json", "[" * 100_000).startswith("[[[")


def test_json_too_large_to_set_out_is_cut() -> None:
    text = _read("application/json", json.dumps(list(range(MAX_CHARACTERS // 4))))

    assert len(text) < 1.1 * MAX_CHARACTERS
    assert "cut off" in text
    assert text.endswith("```")


def test_values_in_rows_become_a_table() -> None:
    text = _read("text/csv", 'Name,Note\n"Ada, L.","a|b\nc"\nBob\n')

    assert text == "| Name | Note |\n| --- | --- |\n| Ada, L. | a\\|b<br>c |\n| Bob |  |"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("text/csv", "a;b\n1;2"), ("text/tab-separated-values", "a\tb\n1\t2"), ("application/csv", "a,b\n1,2")],
)
def test_other_separators_are_seen(content_type: str, body: str) -> None:
    assert _read(content_type, body) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_a_long_table_says_how_much_is_missing() -> None:
    text = _read("text/csv", "a,b\n" + "1,2\n" * 3000)

    assert text.count("\n| 1 | 2 |") == 1999
    assert text.endswith("… and 1001 more rows.")


def test_values_that_are_no_table_are_text() -> None:
    assert _read("text/csv", "just one column\nand no more") == "just one column\nand no more"
    assert _read("text/csv", f'a,"{"x" * 200_000}"').startswith("a,")


def test_options_reach_what_becomes_a_document() -> None:
    feed = "<rss><channel><item><title>T</title><link>/x</link></item></channel></rss>"

    result = read("application/rss+xml", feed.encode(), URL, Options(placeholders=True))

    assert result.text == "- [T](link1)"
    assert result.placeholders == {"link1": "https://example.org/x"}


def test_other_xml_is_fenced() -> None:
    assert _read("application/xml", "<a><b/></a>") == "```xml\n<a><b/></a>\n```"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "text/markdown", "application/json", "text/x-anything", "image/svg+xml"]
)
def test_text_is_supported(content_type: str) -> None:
    assert supported(content_type) == (content_type != "image/svg+xml")


@pytest.mark.parametrize("content_type", ["image/png", "application/zip", "video/mp4", "font/woff2", "nonsense", ""])
def test_everything_else_is_refused_by_name(content_type: str) -> None:
    assert not supported(content_type)
    with pytest.raises(UnreadableDocument, match=content_type or "without a content type"):
        _read(content_type, b"x")


@given(
    st.binary(max_size=300),
    st.sampled_from(
        ["text/plain", "text/csv", "application/json", "application/xml", "text/x-python", "text/markdown"]
    ),
)
def test_no_bytes_make_it_fail(body: bytes, content_type: str) -> None:
    text = _read(content_type, body)

    assert not any(ord(character) < 32 and character not in "\n\t" for character in text)


def test_what_is_in_a_table_is_read_back_as_it_was() -> None:
    assert text_read_back(_read("text/csv", "a,b\n*x*,[y](z)")) == "ab*x*[y](z)"
