"""A PDF is read by a process of its own, which nothing outlives."""

import asyncio

import pytest

from noctule.extraction.errors import UnreadableDocument
from noctule.extraction.pdf import MAX_PDF_BYTES, read_pdf
from tests.unit.extraction.pdfs import ENCRYPTED, Words, lines, pdf

GOOD = pdf([Words(72, 760, "The title", 24), *lines("A paragraph of the", "file.")])


def _read(data: bytes, deadline_seconds: float = 30) -> str:
    return asyncio.run(read_pdf(data, deadline_seconds))


def test_a_file_becomes_markdown() -> None:
    assert _read(GOOD) == "# The title\n\nA paragraph of the file."


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "damaged"),
        (GOOD[:300], "damaged"),
        (b"%PDF-1.4" + b"\xff" * 10_000, "damaged"),
        (pdf([]), "no text"),
        (
            pdf(
                [],
                trailer=ENCRYPTED,
            ),
            "encrypted",
        ),
        (bytes(MAX_PDF_BYTES + 1), "too large"),
    ],
)
def test_a_file_that_cannot_be_read_says_so(data: bytes, message: str) -> None:
    with pytest.raises(UnreadableDocument, match=message):
        _read(data)


def test_a_file_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(UnreadableDocument, match="too long"):
        _read(GOOD, 0.001)


def test_whoever_stops_waiting_leaves_no_process_behind() -> None:
    async def give_up() -> int:
        reading = asyncio.ensure_future(read_pdf(GOOD, 30))
        await asyncio.sleep(0.05)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        return len(asyncio.all_tasks())

    assert asyncio.run(give_up()) == 1


def test_several_are_read_at_once() -> None:
    async def both() -> tuple[str, str]:
        first, second = await asyncio.gather(read_pdf(GOOD, 30), read_pdf(pdf([Words(72, 700, "other")]), 30))
        return first, second

    assert asyncio.run(both()) == ("# The title\n\nA paragraph of the file.", "other")
