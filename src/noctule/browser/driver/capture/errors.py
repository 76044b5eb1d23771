"""Errors that no script of a page caught, read from what the browser writes to its log.

DevTools tells of them only to a client that has switched ``Runtime`` on, and pages can tell that it is: their
``Error.prepareStackTrace`` is called for what they log, and logging costs six times as much. An isolated world does not
hear of errors of the page's own. The log has them all, whoever listens (measured on Chromium 156).

What must always hold: what a page writes to its console in the same words is no error, as soon as the browser has told
of both; a page that writes without end costs no more than ``MAX_RECORD_BYTES``, and whatever it writes is searched in
time proportional to its length, since that is done on the loop.
"""

import re
from collections import Counter
from dataclasses import dataclass

MAX_RECORD_BYTES = 16 * 1024
_MAX_REMEMBERED = 500
_BEGIN = re.compile(rb'^\[[^\[\]\n]{1,120}:(?:INFO|WARNING|ERROR):CONSOLE:\d{1,9}\] "', re.MULTILINE)
# A source that could hold the mark itself would be looked through from each of its marks on.
_END = re.compile(rb'", source: ((?:(?!", source: )[^\n]){0,4096}?) \((\d{1,9})\)\n')
_ERROR = b"Uncaught "


@dataclass(frozen=True, slots=True)
class PageError:
    """An error; ``heard`` is when we read of it, in seconds on the browser's clock."""

    text: str
    url: str
    line: int
    heard: float


class ErrorLog:
    """Reads the log of one browser, in the pieces in which it comes."""

    def __init__(self) -> None:
        self._rest = b""
        self._waiting: list[PageError] = []
        self._said: Counter[str] = Counter()

    def feed(self, data: bytes, now: float) -> None:
        """Take a piece of the log in."""
        text = self._rest + data
        if _ERROR not in text and not self._rest:
            # Nearly always; but a record may begin in one piece and go on in the next.
            last = text.rfind(b"\n")
            self._rest = text[last + 1 :][:MAX_RECORD_BYTES]
            return
        position = 0
        while (begin := _BEGIN.search(text, position)) is not None:
            end = _END.search(text, begin.end())
            if end is None:
                break
            message = text[begin.end() : end.start()]
            position = end.end()
            if message.startswith(_ERROR) and len(self._waiting) < _MAX_REMEMBERED:
                self._waiting.append(
                    PageError(message.decode("utf-8", "replace"), end[1].decode("utf-8", "replace"), int(end[2]), now)
                )
        rest = text[position:]
        started = _BEGIN.search(rest)
        self._rest = rest[started.start() :] if started else rest[rest.rfind(b"\n") + 1 :]
        if len(self._rest) > MAX_RECORD_BYTES:
            self._rest = b""

    def heard(self, text: str) -> None:
        """A page wrote this to its console."""
        if text.startswith("Uncaught ") and len(self._said) < _MAX_REMEMBERED:
            self._said[text] += 1

    def settled(self, before: float) -> list[PageError]:
        """The errors that were read before then, and that no page wrote itself."""
        found: list[PageError] = []
        waiting: list[PageError] = []
        for error in self._waiting:
            if error.heard >= before:
                waiting.append(error)
            elif self._said[error.text] > 0:
                self._said[error.text] -= 1
            else:
                found.append(error)
        self._waiting = waiting
        if not waiting:
            self._said.clear()
        return found
