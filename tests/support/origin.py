"""A small web site on loopback: HTTP and WebSocket on one port, both again over TLS on another.

It runs on a thread and an event loop of its own, remembers every request, and counts every byte that it
exchanges over its plain port.

Paths: ``/echo`` (the request as JSON), ``/bytes/N`` and ``/chunked/N`` (N bytes), ``/until-close/N`` (no length),
``/status/N``, ``/redirect?to=URL``, ``/sse?count=N&seconds=S`` (events, one every S seconds), ``/slow?seconds=S``,
``/ws`` (echoes messages); anything set with ``page``; else a page that shows its path.
"""

import asyncio
import datetime
import ipaddress
import json
import ssl
import tempfile
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

import h11
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as WebSocketRequest
from websockets.server import ServerProtocol

_PIECE = 64 * 1024
_CLOSE_SECONDS = 5.0

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Served:
    """TCP servers on a thread of their own, for the length of a ``with`` block."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=type(self).__name__, daemon=True)
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()

    def listen(self, handler: Handler, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> int:
        """Serve on a free port, which is returned."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.add(writer)
            try:
                await handler(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, h11.RemoteProtocolError):
                pass
            finally:
                self._writers.discard(writer)
                writer.close()

        async def start() -> int:
            server = await asyncio.start_server(serve, host, 0, ssl=tls)
            self._servers.append(server)
            port: int = server.sockets[0].getsockname()[1]
            return port

        return asyncio.run_coroutine_threadsafe(start(), self._loop).result(_CLOSE_SECONDS)

    def __enter__(self) -> Self:
        self._thread.start()
        self.start()
        return self

    def start(self) -> None:
        """Listen; for subclasses."""
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async def stop() -> None:
            for server in self._servers:
                server.close()
            for writer in list(self._writers):
                writer.transport.abort()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(_CLOSE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSE_SECONDS)
        self._loop.close()


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that reached the origin. ``connection`` numbers the connections."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int
    tls: bool

    def header(self, name: str) -> str | None:
        """The value of a header, lower-case name."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class Origin(Served):
    """The web site; use it in a ``with`` block."""

    def __init__(self) -> None:
        super().__init__()
        self.port = 0
        self.tls_port = 0
        self.requests: list[Seen] = []
        self.messages: list[str | bytes] = []
        self.connections = 0
        self.received_bytes = 0
        self.sent_bytes = 0
        self._pages: dict[str, tuple[str, bytes]] = {}

    def start(self) -> None:
        self.port = self.listen(lambda reader, writer: self._serve(reader, writer, tls=False))
        self.tls_port = self.listen(lambda reader, writer: self._serve(reader, writer, tls=True), tls=tls_context())

    @property
    def url(self) -> str:
        """The first page, over HTTP."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def tls_url(self) -> str:
        """The first page, over HTTPS with a certificate that nobody signed."""
        return f"https://127.0.0.1:{self.tls_port}/"

    def page(self, path: str, text: str, content_type: str = "text/html") -> None:
        """Serve this text under a path."""
        self._pages[path] = (content_type, text.encode())

    def seen(self, path: str) -> list[Seen]:
        """The requests for a path, whatever their query."""
        return [request for request in self.requests if request.target.partition("?")[0] == path]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, tls: bool) -> None:
        self.connections += 1
        line = _Line(self, reader, writer, self.connections, tls)
        while await line.serve_one():
            pass


class _Line:
    """One connection."""

    def __init__(
        self, origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, tls: bool
    ) -> None:
        self._origin, self._reader, self._writer = origin, reader, writer
        self._number, self._tls = number, tls
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=128 * 1024)

    async def serve_one(self) -> bool:
        """One request; whether another may follow."""
        request, body = await self._next_request()
        if request is None:
            return False
        target = request.target.decode()
        headers = tuple((name.decode(), value.decode("latin1")) for name, value in request.headers.raw_items())
        self._origin.requests.append(Seen(request.method.decode(), target, headers, body, self._number, self._tls))
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/ws":
            await self._web_socket(target, headers)
            return False
        await self._answer(parts.path, query, self._origin.requests[-1])
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    async def _next_request(self) -> tuple[h11.Request | None, bytes]:
        request, body = None, bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._read())
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) or event is h11.PAUSED:
                return request, bytes(body)
            else:
                return None, b""

    async def _read(self) -> bytes:
        data = await self._reader.read(_PIECE)
        if not self._tls:
            self._origin.received_bytes += len(data)
        return data

    async def _write(self, data: bytes) -> None:
        if not self._tls:
            self._origin.sent_bytes += len(data)
        self._writer.write(data)
        await self._writer.drain()

    async def _send(self, event: h11.Event) -> None:
        await self._write(self._http.send(event) or b"")

    async def _answer(self, path: str, query: dict[str, str], seen: Seen) -> None:
        if path in self._origin._pages:
            content_type, content = self._origin._pages[path]
            return await self._whole(200, content_type, content)
        match path.split("/")[1:]:
            case ["echo"]:
                shown = {"method": seen.method, "headers": seen.headers, "body": seen.body.decode("latin1")}
                return await self._whole(200, "application/json", json.dumps(shown).encode())
            case ["bytes", count]:
                return await self._stream([("Content-Length", count)], int(count))
            case ["chunked", count]:
                return await self._stream([("Transfer-Encoding", "chunked")], int(count))
            case ["until-close", count]:
                return await self._stream([("Connection", "close")], int(count), raw=True)
            case ["status", status]:
                return await self._whole(int(status), "text/plain", b"as asked")
            case ["redirect"]:
                return await self._whole(302, "text/plain", b"", (("Location", query["to"]),))
            case ["sse"]:
                return await self._events(int(query["count"]), float(query["seconds"]))
            case ["slow"]:
                await asyncio.sleep(float(query["seconds"]))
        shown_path = f"<!doctype html><title>Origin</title><h1>{path}</h1>"
        return await self._whole(200, "text/html", shown_path.encode())

    async def _whole(
        self, status: int, content_type: str, content: bytes, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        common = _common(content_type, len(content))
        await self._send(h11.Response(status_code=status, headers=[*common, *headers]))
        await self._send(h11.Data(data=content))
        await self._send(h11.EndOfMessage())

    async def _stream(self, headers: list[tuple[str, str]], count: int, *, raw: bool = False) -> None:
        version = h11.Response(status_code=200, headers=[("Content-Type", "application/octet-stream"), *headers])
        if raw:
            head = "".join(f"{name}: {value}\r\n" for name, value in headers)
            await self._write(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode())
        else:
            await self._send(version)
        piece = bytes(_PIECE)
        left = count
        while left:
            part = piece[: min(left, _PIECE)]
            left -= len(part)
            if raw:
                await self._write(part)
            else:
                await self._send(h11.Data(data=part))
        if not raw:
            await self._send(h11.EndOfMessage())

    async def _events(self, count: int, seconds: float) -> None:
        headers = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        await self._send(h11.Response(status_code=200, headers=headers))
        for number in range(count):
            await self._send(h11.Data(data=f"data: {number}\n\n".encode()))
            await asyncio.sleep(seconds)
        await self._send(h11.EndOfMessage())

    async def _web_socket(self, target: str, headers: tuple[tuple[str, str], ...]) -> None:
        protocol = ServerProtocol(max_size=None)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        protocol.receive_data(f"GET {target} HTTP/1.1\r\n{head}\r\n".encode())
        opened = protocol.events_received()[0]
        assert isinstance(opened, WebSocketRequest)
        protocol.send_response(protocol.accept(opened))
        trailing = self._http.trailing_data[0]
        if trailing:
            protocol.receive_data(trailing)
        while True:
            for data in protocol.data_to_send():
                if data:
                    await self._write(data)
            if protocol.close_expected():
                return
            data = await self._read()
            if not data:
                return
            protocol.receive_data(data)
            for event in protocol.events_received():
                if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                    self._origin.messages.append(event.data.decode() if isinstance(event.data, bytes) else "")
                    protocol.send_text(event.data)
                elif isinstance(event, Frame) and event.opcode is Opcode.BINARY:
                    self._origin.messages.append(bytes(event.data))
                    protocol.send_binary(event.data)


def _common(content_type: str, length: int) -> list[tuple[str, str]]:
    return [
        ("Content-Type", content_type),
        ("Content-Length", str(length)),
        ("Cache-Control", "no-store"),
        ("Access-Control-Allow-Origin", "*"),
    ]


def tls_context() -> ssl.SSLContext:
    """A server's context with a fresh self-signed certificate for loopback."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "noctule test origin")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory(prefix="noctule-test-tls-") as folder:
        chain = Path(folder) / "chain.pem"
        chain.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(chain)
    return context
