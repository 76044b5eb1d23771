"""Which files are worth loading, and what is told of those that the browser holds."""

import pytest

from noctule.browser.driver import resources


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/pdf",
        "application/json; charset=utf-8",
        "application/vnd.api+json",
        "application/vnd.google-earth.kml+xml",
        "application/octet-stream",
        "application/x-sh",
        "",
    ],
)
def test_what_may_hold_a_text_is_loaded(content_type: str) -> None:
    assert resources._has_text(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        "image/png",
        "image/svg+xml",
        "AUDIO/ogg; codecs=opus",
        "video/mp4",
        "font/woff2",
        "application/zip",
        "application/x-gzip",
        "application/gzip",
        "application/x-tar",
        "application/vnd.ms-excel",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/msword",
        "application/wasm",
        "application/x-7z-compressed",
    ],
)
def test_what_holds_none_is_not(content_type: str) -> None:
    assert not resources._has_text(content_type)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a/>', '<?xml version="1.0"?><a/>'),
        ("\n<?xml version='1.0'  encoding = 'utf-16' standalone='yes'?>", "\n<?xml version='1.0' standalone='yes'?>"),
        ('<a encoding="x">', '<a encoding="x">'),
        ("plain", "plain"),
    ],
)
def test_a_text_that_was_decoded_no_longer_tells_its_encoding(text: str, kept: str) -> None:
    assert resources._ENCODING.sub(r"\1", text) == kept
