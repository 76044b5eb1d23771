"""Only files of DevTools' front end are asked for, and answers are bounded."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from noctule.browser.devtools import Resource, fetch
from noctule.browser.door import Door


def _fetched(path: str, answer: bytes) -> tuple[Resource | None, list[bytes]]:
    """What is fetched from a browser that answers so, and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        writer.close()

    async def act() -> Resource | None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            nobody: Callable[..., Callable[[], None]] = lambda *_: lambda: None  # noqa: E731
            return await _bounded(fetch(Door("127.0.0.1", port, "/x", Path("/"), lambda: None, nobody), path))

    return asyncio.run(act()), asked


async def _bounded(work: Awaitable[Resource | None]) -> Resource | None:
    async with asyncio.timeout(5):
        return await work


@pytest.mark.parametrize("path", ["inspector.html", "entrypoints/shell/shell.js", "Images/issue-text-filled.svg"])
def test_a_file_is_served_as_what_its_name_says(path: str) -> None:
    found, asked = _fetched(path, b"HTTP/1.1 200 OK\r\nContent-Length:4\r\nContent-Type:x/y\r\n\r\nfile")
    assert found is not None
    assert found.body == b"file"
    assert asked[0].startswith(f"GET /devtools/{path} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize(
    "path",
    [
        "",
        "page/0123456789ABCDEF",
        "browser/0123",
        "../json/list.json",
        "../json/version",
        "a/../../json/list.json",
        "/inspector.html",
        "a//b.js",
        ".hidden/x.js",
        "inspector.html?ws=x.js",
        "inspector.html\r\nX: y.js",
        "x y.js",
        "é.js",
        "a.exe",
        "/".join("a" * 20) + ".js",
        "a" * 300 + ".js",
    ],
)
def test_nothing_else_is_even_asked_for(path: str) -> None:
    assert _fetched(path, b"") == (None, [])


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 404 Not Found\r\nContent-Length:4\r\n\r\nfile", b"HTTP/1.1 200 OK\r\nContent-Length:0\r\n\r\n"],
)
def test_a_file_that_is_not_there_is_none(answer: bytes) -> None:
    assert _fetched("nothing.js", answer)[0] is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n\r\nno length",
        b"HTTP/1.1 200 OK\r\nContent-Length:99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length:-1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length:100\r\n\r\nhalf",
        b"x" * 100_000,
    ],
    ids=["nothing", "no length", "too long", "negative", "half", "no head"],
)
def test_an_answer_that_cannot_be_taken_is_an_error(answer: bytes) -> None:
    with pytest.raises(OSError):
        _fetched("inspector.html", answer)
