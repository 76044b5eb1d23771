"""A TCP proxy on loopback that stands between a server and its database, and can cut the two off from each other."""

import asyncio
import socket
from enum import Enum

from tests.support.origin import Served

_PIECE = 64 * 1024


class Line(Enum):
    """What the proxy does: passes bytes on, refuses and breaks every connection, or swallows all that it is sent."""

    OPEN = "open"
    CUT = "cut"
    SILENT = "silent"


class TcpProxy(Served):
    """Forwards connections to one port, as long as the line is open."""

    def __init__(self, target_port: int) -> None:
        super().__init__()
        self.port = 0
        self._target_port = target_port
        self._line = Line.OPEN
        self._sockets: set[asyncio.StreamWriter] = set()
        self._opened = asyncio.Event()

    def start(self) -> None:
        self.port = self.listen(self._serve)

    def set(self, line: Line) -> None:
        """Change the state of the line, from any thread. Connections that stalled while it was silent are broken when
        it opens again, as a network that forgot them would do."""
        asyncio.run_coroutine_threadsafe(self._set(line), self._loop).result(10)

    async def _set(self, line: Line) -> None:
        was, self._line = self._line, line
        if line is Line.CUT or was is Line.SILENT:
            for writer in list(self._sockets):
                writer.transport.abort()
        if line is Line.OPEN:
            self._opened.set()
        else:
            self._opened.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._line is Line.CUT:
            writer.transport.abort()
            return
        self._sockets.add(writer)
        try:
            if self._line is Line.SILENT:
                await self._opened.wait()
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
            for each in (writer, far_writer):
                each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.add(far_writer)
            try:
                ways = [
                    asyncio.ensure_future(self._pump(reader, far_writer)),
                    asyncio.ensure_future(self._pump(far_reader, writer)),
                ]
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
            finally:
                self._sockets.discard(far_writer)
                far_writer.close()
        finally:
            self._sockets.discard(writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_PIECE):
            if self._line is Line.SILENT:
                # Lost on the way: whoever sent it waits.
                await self._opened.wait()
                return
            writer.write(data)
            await writer.drain()
