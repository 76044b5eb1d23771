"""A receiver of webhooks on loopback: real sockets, answers as told, everything that came remembered."""

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass

from tests.support.origin import Served

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Received:
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """Which message it carries."""
        return self.headers["webhook-id"]


class Receiver(Served):
    """Answers a path with the bytes that were set for it, in order; the last one stays. Else with 204.

    Paths that begin with ``/hold`` wait for ``release``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.port = 0
        self.requests: list[Received] = []
        self.most_at_once: Counter[str] = Counter()
        self._at_once: Counter[str] = Counter()
        self._answers: dict[str, list[bytes]] = {}
        self._released = threading.Event()

    def start(self) -> None:
        self.port = self.listen(self._serve)

    def url(self, path: str) -> str:
        """The URL of a path here."""
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, path: str, *answers: bytes) -> None:
        """Answer a path so."""
        self._answers[path] = list(answers)

    def release(self) -> None:
        """Answer whoever is held."""
        self._released.set()

    def at(self, path: str) -> list[Received]:
        """The requests for a path."""
        return [each for each in self.requests if each.path == path]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path = first.split(" ")[1]
        self._at_once[path] += 1
        self.most_at_once[path] = max(self.most_at_once[path], self._at_once[path])
        self.requests.append(Received(path, headers, body))
        try:
            while path.startswith("/hold") and not self._released.is_set():
                await asyncio.sleep(0.01)
            answers = self._answers.get(path, [OK])
            writer.write(answers.pop(0) if len(answers) > 1 else answers[0])
            await writer.drain()
            if path.startswith("/endless"):
                while True:
                    writer.write(bytes(64 * 1024))
                    await writer.drain()
            if path.startswith("/mute"):
                await reader.read()
        finally:
            self._at_once[path] -= 1


def status(code: int, **headers: str) -> bytes:
    """An answer without a body."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {code} Said\r\n{lines}Content-Length: 0\r\n\r\n".encode()
