"""Real upstream proxies on loopback: HTTP CONNECT and SOCKS5, with and without credentials.

They connect to numeric addresses only, as Noctule asks for; a name gets the answer of a proxy that cannot
resolve it. Bytes are counted on the side of the client.
"""

import asyncio
import base64
import ipaddress
import socket

from tests.support.origin import Served

_PIECE = 64 * 1024


class UpstreamProxy(Served):
    """What both kinds share: what they were asked for and how many bytes they exchanged with the client."""

    scheme = ""

    def __init__(self, username: str | None = None, password: str | None = None) -> None:
        super().__init__()
        self.port = 0
        self.username = username
        self.password = password
        self.targets: list[str] = []
        self.received_bytes = 0
        self.sent_bytes = 0

    @property
    def server(self) -> str:
        """Its address, as ``Upstream.server``."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.port = self.listen(self._serve)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    async def exactly(self, reader: asyncio.StreamReader, count: int) -> bytes:
        data = await reader.readexactly(count)
        self.received_bytes += count
        return data

    async def say(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        self.sent_bytes += len(data)
        writer.write(data)
        await writer.drain()

    async def relay(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Both directions until both ended."""

        async def up() -> None:
            while data := await reader.read(_PIECE):
                self.received_bytes += len(data)
                far[1].write(data)
                await far[1].drain()
            far[1].write_eof()

        async def down() -> None:
            while data := await far[0].read(_PIECE):
                await self.say(writer, data)
            writer.write_eof()

        try:
            await asyncio.gather(up(), down(), return_exceptions=True)
        finally:
            far[1].close()


class HttpUpstream(UpstreamProxy):
    """CONNECT alone. ``answer`` replaces every answer after the credentials, ``slowly`` sends answers byte by byte."""

    scheme = "http"

    def __init__(
        self,
        username: str | None = None,
        password: str | None = None,
        *,
        answer: bytes | None = None,
        slowly: bool = False,
    ) -> None:
        super().__init__(username, password)
        self.answer = answer
        self.slowly = slowly

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.received_bytes += len(head)
        lines = head.decode().split("\r\n")
        target = lines[0].split()[1]
        self.targets.append(target)
        if self.username is not None:
            pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            if f"Proxy-Authorization: Basic {pair}" not in lines:
                await self.say(writer, b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
        if self.answer is not None:
            await self.say(writer, self.answer)
            return
        far = await _connect(*_split(target))
        if far is None:
            await self.say(writer, b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        answer = b"HTTP/1.1 200 OK\r\nX-Proxy: test\r\n\r\n"
        for piece in [answer[at : at + 1] for at in range(len(answer))] if self.slowly else [answer]:
            await self.say(writer, piece)
            await asyncio.sleep(0.001 if self.slowly else 0)
        await self.relay(reader, writer, far)


class SocksUpstream(UpstreamProxy):
    """SOCKS5 with CONNECT."""

    scheme = "socks5"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await self.exactly(reader, 2)
        methods = await self.exactly(reader, count)
        wanted = 0 if self.username is None else 2
        if wanted not in methods:
            await self.say(writer, b"\x05\xff")
            return
        await self.say(writer, bytes([5, wanted]))
        if wanted == 2 and not await self._authenticated(reader, writer):
            return
        _, _, _, kind = await self.exactly(reader, 4)
        if kind == 3:
            host = (await self.exactly(reader, (await self.exactly(reader, 1))[0])).decode()
        else:
            host = str(ipaddress.ip_address(await self.exactly(reader, 4 if kind == 1 else 16)))
        port = int.from_bytes(await self.exactly(reader, 2), "big")
        self.targets.append(f"{host}:{port}")
        far = await _connect(host, port)
        reply = 0 if far is not None else 4
        await self.say(writer, bytes([5, reply, 0, 1]) + socket.inet_aton("0.0.0.0") + b"\0\0")
        if far is not None:
            await self.relay(reader, writer, far)

    async def _authenticated(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        assert self.username is not None
        assert self.password is not None
        _, length = await self.exactly(reader, 2)
        username = await self.exactly(reader, length)
        password = await self.exactly(reader, (await self.exactly(reader, 1))[0])
        good = (username.decode(), password.decode()) == (self.username, self.password)
        await self.say(writer, b"\x01\x00" if good else b"\x01\x01")
        return good


async def _connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    try:
        ipaddress.ip_address(host)
        return await asyncio.open_connection(host, port)
    except (ValueError, OSError):
        return None


def _split(target: str) -> tuple[str, int]:
    host, _, port = target.rpartition(":")
    return host.strip("[]"), int(port)
