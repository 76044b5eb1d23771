"""The one door to extraction: documents in, markdown and images out, never on the event loop.

What must always hold: the work runs on a few threads of its own; only so many documents wait for them, each only
so long, and what does not get its turn is refused before anything was done. Whatever a document holds, the
answer is markdown or one of the errors named here.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, TypeVar

from noctule.extraction import plain, tree
from noctule.extraction.document import Document
from noctule.extraction.errors import TooBusy, UnreadableDocument
from noctule.extraction.images import Image, images
from noctule.extraction.markdown import Options, to_markdown
from noctule.extraction.parser import parse
from noctule.extraction.pdf import read_pdf

T = TypeVar("T")

_THREADS = 2
_WAITING_LIMIT = 64
_DEADLINE_SECONDS = 20.0
_MAX_PDFS = 2
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_PDF = frozenset({"application/pdf", "application/x-pdf"})
_UNKNOWN = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/unknown"})
_BUSY = "Too many pages are being read right now; nothing was done."
_TOO_SLOW = "The document takes too long to read."
_TOO_DEEP = "The document is nested too deeply to be read."


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a document holds. ``placeholders`` are the addresses that placeholders in the markdown stand for."""

    markdown: str
    images: tuple[Image, ...] = ()
    placeholders: dict[str, str] = field(default_factory=dict)


class Extractor:
    """Reads documents on ``threads`` threads; at most ``waiting_limit`` wait, each at most ``deadline_seconds``.

    Methods raise ``TooBusy`` and ``UnreadableDocument``. Whoever makes one must ``close`` it.
    """

    def __init__(
        self,
        *,
        threads: int = _THREADS,
        waiting_limit: int = _WAITING_LIMIT,
        deadline_seconds: float = _DEADLINE_SECONDS,
    ) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="extraction")
        self._lock = Lock()
        self._room = threads + waiting_limit
        self._deadline_seconds = deadline_seconds
        self._pdfs = asyncio.Semaphore(_MAX_PDFS)

    async def page(self, walked: bytes, options: Options | None = None, *, with_images: bool = False) -> Extracted:
        """A rendered page, as the JSON that its walk sends (``tree``)."""
        return await self._run(lambda: _extracted(tree.decode(walked), options, with_images))

    async def html(
        self,
        html: bytes | str,
        url: str,
        selector: str | None = None,
        frames: Sequence[tuple[str, str]] = (),
        options: Options | None = None,
        *,
        with_images: bool = False,
    ) -> Extracted:
        """A document from its HTML; ``frames`` are addresses and HTML of its iframes.

        Raises ``InvalidRequest`` for a selector that finds nothing.
        """

        def work() -> Extracted:
            main = parse(html, url, selector=selector)
            inner = tuple(parse(content, address) for address, content in frames)
            return _extracted(replace(main, frames=inner), options, with_images)

        return await self._run(work)

    async def file(self, content_type: str, body: bytes, url: str, options: Options | None = None) -> Extracted:
        """What an address answered with: HTML, PDF or any text."""
        kind = plain.media_type(content_type)
        if kind in _UNKNOWN:
            kind = content_type = _guessed(body)
        if kind in _PDF or body.startswith(b"%PDF-"):
            return await self._pdf(body)
        if kind in _HTML:
            charset = plain.charset(content_type)
            return await self._run(lambda: _extracted(parse(body, url, charset=charset), options, False))
        if not plain.supported(content_type):
            raise plain.unsupported(content_type)

        def work() -> Extracted:
            markdown = plain.read(content_type, body, url, options)
            return Extracted(markdown.text, (), markdown.placeholders)

        return await self._run(work)

    def close(self) -> None:
        """End the threads; what waits is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _pdf(self, body: bytes) -> Extracted:
        self._enter()
        try:
            async with asyncio.timeout(self._deadline_seconds), self._pdfs:
                return Extracted(await read_pdf(body, self._deadline_seconds))
        except TimeoutError:
            raise UnreadableDocument(_TOO_SLOW) from None
        finally:
            self._leave()

    async def _run(self, work: Callable[[], T]) -> T:
        self._enter()
        # The thread's end counts, not the caller's: work that is given up still takes its place.
        future: Future[T] = self._threads.submit(_bounded, work)
        future.add_done_callback(self._leave)
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise UnreadableDocument(_TOO_SLOW) from None

    def _enter(self) -> None:
        with self._lock:
            if self._room == 0:
                raise TooBusy(_BUSY)
            self._room -= 1

    def _leave(self, _: "Future[Any] | None" = None) -> None:
        with self._lock:
            self._room += 1


def _extracted(document: Document, options: Options | None, with_images: bool) -> Extracted:
    markdown = to_markdown(document, options)
    found = images(document) if with_images else ()
    return Extracted(markdown.text, found, markdown.placeholders)


def _bounded(work: Callable[[], T]) -> T:
    try:
        return work()
    except RecursionError:
        raise UnreadableDocument(_TOO_DEEP) from None


def _guessed(body: bytes) -> str:
    """The type of a file that came without one."""
    start = body[:1024].lstrip().lower()
    if start.startswith(b"%pdf-"):
        return "application/pdf"
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "text/html"
    if start.startswith(b"<?xml"):
        return "application/xml"
    return "text/plain" if body and b"\0" not in body[:4096] else "application/octet-stream"
