"""The door to extraction: its answers, its bounds."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from noctule.extraction.errors import TooBusy, UnreadableDocument
from noctule.extraction.extractor import Extracted, Extractor
from noctule.extraction.markdown import Options
from noctule.kit.errors import InvalidRequest
from tests.unit.extraction.pdfs import Words, pdf

T = TypeVar("T")

URL = "https://example.org/"
WALKED = json.dumps(
    {
        "url": URL,
        "title": "T",
        "root": ["body", None, None, ["a", {"href": "/x"}, None, "link"], ["img", {"src": "/i.png"}, [0, 0, 300, 300]]],
        "frames": [],
    }
).encode()
# Takes the converter long enough for others to come meanwhile.
LONG = f"<body>{'<p><b>some words</b> and <a href=x>more</a></p>' * 10_000}"


def _ask(work: Callable[[Extractor], Awaitable[T]], extractor: Callable[[], Extractor] = Extractor) -> T:
    async def ask() -> T:
        made = extractor()
        try:
            return await work(made)
        finally:
            made.close()

    return asyncio.run(ask())


def test_a_rendered_page_gives_markdown_images_and_placeholders() -> None:
    found = _ask(lambda extractor: extractor.page(WALKED, Options(placeholders=True), with_images=True))

    assert found.markdown == "[link](link1)![](img1.png)"
    assert found.placeholders == {"link1": f"{URL}x", "img1.png": f"{URL}i.png"}
    assert [image.url for image in found.images] == [f"{URL}i.png"]


def test_a_page_that_was_sent_wrongly_is_refused() -> None:
    with pytest.raises(UnreadableDocument):
        _ask(lambda extractor: extractor.page(b"{}"))


def test_html_with_a_frame() -> None:
    found = _ask(lambda extractor: extractor.html("<p>Outer", URL, frames=[("https://f.example.org/", "<p>In")]))

    assert found.markdown == "Outer\n\nIFRAME https://f.example.org/:\n\nIn"


def test_html_below_a_selector() -> None:
    found = _ask(lambda extractor: extractor.html("<p>no</p><div id=x><p>yes</p></div>", URL, "#x"))

    assert found.markdown == "yes"


def test_a_selector_that_finds_nothing_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        _ask(lambda extractor: extractor.html("<p>x", URL, "#missing"))


@pytest.mark.parametrize(
    ("content_type", "body", "markdown"),
    [
        ("text/html; charset=iso-8859-1", "<h1>é</h1>".encode("latin-1"), "# é"),
        ("application/xhtml+xml", b"<html><body><p>x</p></body></html>", "x"),
        ("text/plain", b"plain", "plain"),
        ("application/json", b"[]", "```json\n[]\n```"),
        ("", b"<!DOCTYPE html><p>guessed", "guessed"),
        ("application/octet-stream", b"just text", "just text"),
        ("application/pdf", pdf([Words(72, 700, "From a file")]), "From a file"),
        ("text/plain", pdf([Words(72, 700, "Mislabelled")]), "Mislabelled"),
    ],
)
def test_a_file_is_read_by_its_type(content_type: str, body: bytes, markdown: str) -> None:
    assert _ask(lambda extractor: extractor.file(content_type, body, URL)).markdown == markdown


@pytest.mark.parametrize(("content_type", "body"), [("image/png", b"\x89PNG"), ("", b"\x00\x01"), ("", b"")])
def test_a_file_that_is_no_text_is_refused_by_its_type(content_type: str, body: bytes) -> None:
    with pytest.raises(UnreadableDocument, match=r"image/png|octet-stream"):
        _ask(lambda extractor: extractor.file(content_type, body, URL))


def test_what_finds_no_room_is_refused_and_what_waits_is_answered() -> None:
    async def crowd(extractor: Extractor) -> list[Extracted | BaseException]:
        return await asyncio.gather(*(extractor.html(LONG, URL) for _ in range(5)), return_exceptions=True)

    answers = _ask(crowd, lambda: Extractor(threads=1, waiting_limit=2, deadline_seconds=60))

    assert [isinstance(answer, TooBusy) for answer in answers] == [False, False, False, True, True]
    assert all(isinstance(answer, Extracted) for answer in answers[:3])


def test_room_comes_back() -> None:
    async def one_after_another(extractor: Extractor) -> list[str]:
        return [(await extractor.html("<p>x", URL)).markdown for _ in range(5)]

    assert _ask(one_after_another, lambda: Extractor(threads=1, waiting_limit=0)) == ["x"] * 5


def test_what_takes_too_long_is_given_up() -> None:
    with pytest.raises(UnreadableDocument, match="too long"):
        _ask(lambda extractor: extractor.html(LONG, URL), lambda: Extractor(deadline_seconds=0.001))


def test_the_event_loop_goes_on_meanwhile() -> None:
    async def meanwhile(extractor: Extractor) -> int:
        reading = asyncio.ensure_future(extractor.html(LONG, URL))
        turns = 0
        while not reading.done():
            await asyncio.sleep(0)
            turns += 1
        await reading
        return turns

    assert _ask(meanwhile, lambda: Extractor(deadline_seconds=60)) > 10
