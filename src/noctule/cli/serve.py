"""``noctule serve``: run the server until it is told to stop."""

import asyncio
import errno
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import click
import uvicorn
import uvloop

from noctule.app.running import Noctule, running
from noctule.cli.common import load_settings, plain_sentences
from noctule.debug.wire import LONGEST_MESSAGE_BYTES
from noctule.http.protocol import BoundedHttp
from noctule.http.upgrade import websocket_protocol
from noctule.kit import log
from noctule.settings import Settings

_BACKLOG = 2048
_PORT_FREED_SECONDS = 2.0
_GRACEFUL_SECONDS = 2


class _Server(uvicorn.Server):
    """uvicorn, told to end the sessions before it waits for their streams to close."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None], on_stop: Callable[[], Awaitable[None]]):
        super().__init__(config)
        self._on_started = on_started
        self._on_stop = on_stop

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT, and end with status 0 then: to be told to stop is no failure."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._on_stop()
        await super().shutdown(sockets)


@click.command()
def serve() -> None:
    """Run the server (on 127.0.0.1:8484 unless NOCTULE_HOST and NOCTULE_PORT say otherwise)."""
    settings = load_settings()
    log.configure(settings.log_level)
    with plain_sentences():
        uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    listener = _listen(settings)
    try:
        host, port = listener.getsockname()[:2]
        async with running(settings, port=port) as noctule:
            config = uvicorn.Config(
                noctule.api,
                http=BoundedHttp,
                ws=websocket_protocol(noctule.streams),
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                # Pictures are compressed already.
                ws_per_message_deflate=False,
                ws_max_size=LONGEST_MESSAGE_BYTES,
                timeout_graceful_shutdown=_GRACEFUL_SECONDS,
                timeout_keep_alive=75,
                h11_max_incomplete_event_size=64 * 1024,
            )
            address = settings.public_url or f"http://{'[' + host + ']' if ':' in host else host}:{port}"
            server = _Server(config, lambda: _greet(address, noctule), noctule.sessions.close)
            await server.serve(sockets=[listener])
    finally:
        listener.close()


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    deadline = time.monotonic() + _PORT_FREED_SECONDS
    while True:
        try:
            listener.bind((settings.host, settings.port))
            listener.listen(_BACKLOG)
            break
        except OSError as error:
            # A server that was killed a moment ago may have its socket still in a child that it was just making.
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            listener.close()
            raise OSError(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from error
    listener.setblocking(False)
    return listener


def _greet(address: str, noctule: Noctule) -> None:
    key = noctule.first_key
    lines = ["", f"Noctule serves on {address}", f"  API reference  {address}/docs"]
    if key is not None:
        lines += [f"  API key        {key}", "                 (shown this once; `noctule keys create` makes another)"]
    shown = key or "$NOTTE_API_KEY"
    lines += [
        "",
        "A first session:",
        f"  curl -X POST {address}/sessions/start -H 'Authorization: Bearer {shown}' \\",
        "       -H 'Content-Type: application/json' -d '{}'",
        "",
    ]
    click.echo("\n".join(lines))
