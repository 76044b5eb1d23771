"""The one file of a form, as it comes: ``multipart/form-data`` (RFC 7578), read a message at a time.

What must always hold: no more of the file is in memory than one message of the client's; a form that ends before its
last boundary is an error, also if its file looked whole; what stands around the file is bounded.
"""

from collections import deque
from collections.abc import AsyncIterator

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from noctule.kit.errors import InvalidRequest
from noctule.kit.files import MAX_FILE_BYTES
from noctule.storage.service import too_large

_FIELD = b"file"
_MOST_OTHER_BYTES = 1024 * 1024
_MOST_PARTS = 100
_MOST_DIGITS = 18
# What browsers and clients put for the signs that cannot stand in a name, and only for those (WHATWG, "multipart form
# data").
_ESCAPED = ((b"%22", b'"'), (b"%0D", b"\r"), (b"%0A", b"\n"))


class FilePart:
    """The part ``file`` of a form: its name and type, and its content, which can be read once.

    ``name`` is ``None`` where the client gave none.
    """

    def __init__(self, parser: "_Parser", body: AsyncIterator[bytes]) -> None:
        self.name = parser.name
        self.content_type = parser.content_type
        self._parser = parser
        self._body = body

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its bytes. Raises ``InvalidRequest`` for a form that turns out to be broken."""
        parser = self._parser
        while True:
            while parser.data:
                yield parser.data.popleft()
            chunk = await anext(self._body, None)
            if chunk is None:
                parser.finish()
                return
            parser.feed(chunk)


async def file_part(request: Request) -> FilePart:
    """Read a form as far as the beginning of its file.

    Raises ``InvalidRequest`` for one that has none, ``TooLarge`` for one whose file would be refused in any case.
    """
    content_type, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if content_type != b"multipart/form-data" or not boundary:
        raise _bad("send the file as multipart/form-data, in a part that is called file")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and (len(length) > _MOST_DIGITS or int(length) > MAX_FILE_BYTES + _MOST_OTHER_BYTES):
        raise too_large()
    parser, body = _Parser(boundary), request.stream()
    while not parser.has_file:
        chunk = await anext(body, None)
        if chunk is None:
            parser.finish()
            break
        parser.feed(chunk)
    return FilePart(parser, body)


class _Parser:
    """Sorts what comes into the file and the rest."""

    def __init__(self, boundary: bytes) -> None:
        self.data: deque[bytes] = deque()
        self.has_file = False
        self.name: str | None = None
        self.content_type: str | None = None
        self._is_in_file = False
        self._is_over = False
        self._parts = 0
        self._other_bytes = 0
        self._headers: dict[bytes, bytes] = {}
        self._field = b""
        self._value = b""
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError:
            raise _bad("the boundary of the form is too long") from None

    def feed(self, chunk: bytes) -> None:
        """Read on."""
        if self._is_over:
            self._count(len(chunk))
            return
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _bad("the form cannot be read: it is not what its boundary says") from None

    def finish(self) -> None:
        """There is no more. Raises ``InvalidRequest`` unless that is the end of a form that has a file."""
        if not self._is_over:
            raise _bad("the form is cut off: its last boundary is missing")
        if not self.has_file:
            raise InvalidRequest(
                "body.file: Field required",
                detail=[{"type": "missing", "loc": ["body", "file"], "msg": "Field required", "input": None}],
            )

    def _on_part_begin(self) -> None:
        self._headers = {}
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise _bad(f"the form has more than {_MOST_PARTS} parts")

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._is_in_file = options.get(b"name") == _FIELD
        if not self._is_in_file:
            return
        if self.has_file:
            raise _bad("the form has more than one file, and one was expected")
        self.has_file = True
        self.content_type = self._headers.get(b"content-type", b"").decode("latin-1") or None
        if (name := options.get(b"filename")) is not None:
            self.name = _decoded(name)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_in_file:
            self.data.append(data[start:end])
            return
        self._count(end - start)

    def _count(self, size: int) -> None:
        self._other_bytes += size
        if self._other_bytes > _MOST_OTHER_BYTES:
            raise _bad("the form has too much in other parts than its file")

    def _on_part_end(self) -> None:
        self._is_in_file = False

    def _on_end(self) -> None:
        self._is_over = True


def _decoded(name: bytes) -> str:
    for escaped, sign in _ESCAPED:
        name = name.replace(escaped, sign)
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise _bad("the file's name is not UTF-8") from None


def _bad(problem: str) -> InvalidRequest:
    return InvalidRequest(
        f"body.file: {problem}", detail=[{"loc": ["body", "file"], "msg": problem, "type": "value_error"}]
    )
