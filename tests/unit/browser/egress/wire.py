"""What the egress tests share: a proxy that runs, a raw client of it, resolvers that answer by a script."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvloop

from noctule.browser.egress import EgressPolicy, EgressProxy, ResolveFailed
from tests.support.origin import Origin

LIMIT_SECONDS = 15.0
Run = Callable[[Coroutine[Any, Any, None]], None]
RUNNERS: tuple[Run, ...] = (asyncio.run, uvloop.run)


class Names:
    """Knows these names and nobody else; counts what it is asked."""

    def __init__(self, **names: Sequence[str]) -> None:
        self.names = {name.replace("_", "."): answers for name, answers in names.items()}
        self.asked: list[str] = []

    async def resolve(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        if host not in self.names:
            raise ResolveFailed(f"{host} could not be resolved")
        return self.names[host]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A connection to a proxy, spoken by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port: int) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, text: str | bytes) -> None:
        self.writer.write(text.encode("latin1") if isinstance(text, str) else text)

    async def answer(self) -> Answer:
        """The next answer: by its Content-Length, or to the end where it has none and the connection closes."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = int(first.split()[1])
        if "content-length" in headers:
            body = await self.reader.readexactly(int(headers["content-length"]))
        else:
            body = b"" if status == 200 and "connection" not in headers else await self.reader.read()
        return Answer(status, headers, body)

    async def get(self, url: str, *headers: str) -> Answer:
        """Ask for an address."""
        self.send("\r\n".join([f"GET {url} HTTP/1.1", "Host: whatever", *headers, "", ""]))
        return await self.answer()

    async def tunnel(self, target: str) -> Answer:
        """CONNECT."""
        self.send(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n")
        return await self.answer()

    async def is_cut_off(self) -> bool:
        """Whether the proxy ended the connection without another byte."""
        try:
            return await self.reader.read() == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self.writer.close()


def allowing(origin: Origin) -> EgressPolicy:
    """A policy that lets an origin's plain port through, and no other of this machine."""
    return EgressPolicy([f"127.0.0.1:{origin.port}"])


@asynccontextmanager
async def running(policy: EgressPolicy, limit_seconds: float = LIMIT_SECONDS) -> AsyncIterator[EgressProxy]:
    """A proxy for the length of a block, all inside a time limit."""
    proxy = EgressProxy(policy)
    async with asyncio.timeout(limit_seconds):
        await proxy.start()
        try:
            yield proxy
        finally:
            await proxy.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens on another side of a socket."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)
