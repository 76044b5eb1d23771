"""What the relay's tests stand on: a Chromium, a gate with one session, and a server in a thread."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn
from fastapi import FastAPI, WebSocket

from noctule.browser.commands import SESSION_OVER
from noctule.browser.door import Closer, Door
from noctule.browser.relay import Patience, handshake
from noctule.http.upgrade import websocket_protocol
from noctule.kit.errors import Conflict, NotFound, Unauthenticated

SHELL = "/usr/bin/chromium-headless-shell"
FULL = "/usr/bin/chromium"
SESSION = "11111111-2222-4333-8444-555555555555"
ENDED_SESSION = "99999999-2222-4333-8444-555555555555"
TOKEN = "a-token-of-the-first-session"
TAB = "0123456789ABCDEF"


class Chromium:
    """A running browser: ``port`` and ``path`` of its DevTools endpoint."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.port = 0
        self.path = ""

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}{self.path}"

    def wait_ready(self) -> None:
        noted = self.folder / "DevToolsActivePort"
        for _ in range(600):
            if noted.exists() and len(lines := noted.read_text().split("\n")) >= 2:
                self.port, self.path = int(lines[0]), lines[1]
                return
            assert self.process.poll() is None, "Chromium ended"
            time.sleep(0.05)
        raise AssertionError("Chromium does not start")


@contextmanager
def chromium(binary: str = SHELL) -> Iterator[Chromium]:
    """A Chromium in a process group of its own, ended with its folder."""
    folder = Path(tempfile.mkdtemp(prefix="noctule-test-relay-"))
    arguments = [
        binary,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
        "about:blank",
    ]
    process = subprocess.Popen(
        arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd=folder
    )
    browser = Chromium(process, folder)
    try:
        browser.wait_ready()
        yield browser
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


class Gate:
    """A real gate with one live session; what the node and the sessions' service do elsewhere."""

    def __init__(self, port: int, path: str, downloads: Path) -> None:
        self.door = Door("127.0.0.1", port, path, downloads, self._touch, self._on_release)
        self.touched = 0
        self.tab_id = TAB
        self.page_is_open = True
        self.closers: list[Closer] = []

    async def open_cdp(self, session_id: str, token: str) -> Door:
        if session_id == ENDED_SESSION:
            raise Conflict("The session has ended.")
        if session_id != SESSION:
            raise NotFound("There is no such session.")
        if token != TOKEN:
            raise Unauthenticated("The token is not this session's.")
        return self.door

    async def open_page(self, session_id: str, tab_id: str, token: str) -> Door:
        door = await self.open_cdp(session_id, token)
        if tab_id != self.tab_id:
            raise NotFound("There is no such tab.")
        return replace(door, path=f"/devtools/page/{tab_id}", page_is_open=lambda: self.page_is_open)

    def release(self, reason: str = SESSION_OVER) -> None:
        for closer in list(self.closers):
            closer(reason)

    def _touch(self) -> None:
        self.touched += 1

    def _on_release(self, closer: Closer) -> Callable[[], None]:
        self.closers.append(closer)
        return lambda: self.closers.remove(closer)


class Stage:
    """A served gate: ``url`` is the session's CDP address, ``loop`` the server's event loop."""

    def __init__(self, gate: Gate, port: int, loop: asyncio.AbstractEventLoop) -> None:
        self.gate = gate
        self.port = port
        self.loop = loop

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/sessions/{SESSION}/cdp?token={TOKEN}"


def app() -> FastAPI:
    """An application with a route and a WebSocket of its own, which the hook must leave alone."""
    application = FastAPI()

    @application.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @application.websocket("/echo")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()

    @application.websocket("/flood")
    async def flood(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("x" * (16 << 20))

    return application


def server_config(gate: Gate, patience: Patience | None = None) -> uvicorn.Config:
    """How uvicorn is configured with the hook."""
    return uvicorn.Config(
        app(),
        host="127.0.0.1",
        port=0,
        ws=websocket_protocol(gate, patience),
        http="httptools",
        loop="uvloop",
        lifespan="off",
        log_level="error",
        timeout_graceful_shutdown=5,
    )


@contextmanager
def served(gate: Gate, patience: Patience | None = None) -> Iterator[Stage]:
    """A uvicorn server with the hook, on a loop in a thread of its own."""
    config = server_config(gate, patience)
    server = uvicorn.Server(config)
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve()

    def run() -> None:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive(), "the server ended"
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.01)
        yield Stage(gate, server.servers[0].sockets[0].getsockname()[1], loops[0])
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server does not stop"


@contextmanager
def staged(browser: Chromium, downloads: Path) -> Iterator[Stage]:
    """A server before this browser."""
    with served(Gate(browser.port, browser.path, downloads)) as stage:
        yield stage


@contextmanager
def puppet(play: Callable[[socket.socket], None]) -> Iterator[int]:
    """A stand-in for a browser on a port of its own: opens one WebSocket, then does as ``play`` says.

    For what no Chromium does on demand: floods, silence, broken frames.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(20)

    def run() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(20)
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(4096)
                connection.sendall(handshake.accept(handshake.parse_head(head.partition(b"\r\n\r\n")[0])))
                play(connection)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.close()
        thread.join(25)
