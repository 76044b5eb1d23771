"""A 90 MB file up and down, against a bare Starlette route and ``FileResponse`` of the same run.

The bare server parses the form as Starlette does, copies the file into a folder and flushes it to the disk, since what
Noctule acknowledges is there after a power cut, too; without that flush it is measured as well. Both have one process
of their own, uvicorn, uvloop and httptools; one client asks them in turns. Printed too is how far Noctule's memory
rises meanwhile.

    python -m bench.files [--size 90000000] [--rounds 5]
"""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import psutil
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route

from bench._support import ratio, show
from tests.support.ports import free_port
from tests.support.server import Server

TARGET = 2.0
"""Noctule may take twice as long: half the speed."""

MEMORY_TARGET_BYTES = 40 * 1024 * 1024
_BOUNDARY = b"----a-boundary-of-the-bench"
_SETTLE_SECONDS = 1.0


def main() -> None:
    """Measure and print; exit status 1 if a target is missed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--size", type=int, default=90_000_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--bare", type=int, help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.bare is not None:
        uvicorn.run(bare(), port=chosen.bare, log_level="error", access_log=False)
        return
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data", {"NOCTULE_WARM_POOL_SIZE": "0", "NOCTULE_FILES_QUOTA_GB": "0"})
        port = free_port()
        command = [sys.executable, "-m", "bench.files", "--bare", str(port)]
        reference = subprocess.Popen(command, cwd=folder, env=os.environ | {"PYTHONPATH": os.getcwd()})
        try:
            server.start()
            sys.exit(0 if _compare(server, f"http://127.0.0.1:{port}", chosen.size, chosen.rounds) else 1)
        finally:
            reference.kill()
            reference.wait()
            server.close()


def bare() -> Starlette:
    """The least that takes a file and gives it back, below the folder that it runs in."""

    async def upload(request: Request) -> JSONResponse:
        form = await request.form()
        file = form["file"]
        assert isinstance(file, UploadFile)
        is_flushed = "flush" in request.query_params

        def keep() -> None:
            with open("kept.bin", "wb") as kept:
                shutil.copyfileobj(file.file, kept, 1024 * 1024)
                if is_flushed:
                    kept.flush()
                    os.fsync(kept.fileno())

        await asyncio.to_thread(keep)
        await form.close()
        return JSONResponse({"success": True})

    async def download(request: Request) -> FileResponse:
        return FileResponse("kept.bin")

    return Starlette(routes=[Route("/upload", upload, methods=["POST"]), Route("/download", download)])


def _compare(server: Server, url: str, size: int, rounds: int) -> bool:
    content = os.urandom(size)
    with server.client() as api, httpx.Client(trust_env=False, timeout=60) as other:
        _await(other, url)
        watch = Memory(server.process)
        up: list[float] = []
        down: list[float] = []
        bare_up: list[float] = []
        flushed_up: list[float] = []
        bare_down: list[float] = []
        for number in range(rounds + 1):
            if number == 1:
                watch.start()
            took = [
                _timed(lambda: _send(api, "/storage/uploads/large.bin", content)),
                _timed(lambda: _send(other, f"{url}/upload", content)),
                _timed(lambda: _send(other, f"{url}/upload?flush", content)),
            ]
            link = api.get("/storage/uploads/large.bin").json()["url"]
            took += [
                _timed(partial(_read, other, link, size)),
                _timed(lambda: _read(other, f"{url}/download", size)),
            ]
            # The first round is for caches.
            if number:
                for samples, seconds in zip((up, bare_up, flushed_up, down, bare_down), took, strict=True):
                    samples.append(seconds)
        risen = watch.stop()
    print(f"a file of {size / 1e6:g} MB")
    show("noctule, up", up)
    show("bare Starlette, up, flushed to the disk", flushed_up)
    show("bare Starlette, up", bare_up)
    show("noctule, down by link", down)
    show("bare FileResponse, down", bare_down)
    holds = ratio("up: noctule / bare, flushed", up, flushed_up, TARGET) <= TARGET
    holds &= ratio("up: noctule / bare", up, bare_up, TARGET) <= TARGET
    holds &= ratio("down: noctule / FileResponse", down, bare_down, TARGET) <= TARGET
    fits = risen <= MEMORY_TARGET_BYTES
    print(
        f"{'memory that the server took meanwhile':<44} {risen / 2**20:.1f} MiB   "
        f"target <= {MEMORY_TARGET_BYTES / 2**20:g}: {'holds' if fits else 'MISSED'}"
    )
    return holds and fits


class Memory:
    """Watches how far the resident memory of a process rises above where it was."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._before = self._most = 0

    def start(self) -> None:
        """From here on."""
        time.sleep(_SETTLE_SECONDS)
        self._before = self._most = self._process.memory_info().rss
        self._thread.start()

    def stop(self) -> int:
        """The rise, in bytes."""
        self._is_over.set()
        self._thread.join()
        return self._most - self._before

    def _watch(self) -> None:
        while not self._is_over.wait(0.01):
            self._most = max(self._most, self._process.memory_info().rss)


def _send(client: httpx.Client, url: str, content: bytes) -> None:
    """Post a form without copying the file, so that the client costs both servers the same little."""
    head = b"--" + _BOUNDARY + b'\r\ncontent-disposition: form-data; name="file"; filename="large.bin"\r\n\r\n'
    tail = b"\r\n--" + _BOUNDARY + b"--\r\n"

    def body() -> Iterator[bytes]:
        yield head
        view = memoryview(content)
        for begin in range(0, len(view), 1024 * 1024):
            yield bytes(view[begin : begin + 1024 * 1024])
        yield tail

    headers = {
        "content-type": f"multipart/form-data; boundary={_BOUNDARY.decode()}",
        "content-length": str(len(head) + len(content) + len(tail)),
    }
    client.post(url, content=body(), headers=headers).raise_for_status()


def _read(client: httpx.Client, url: str, size: int) -> None:
    with client.stream("GET", url) as reply:
        reply.raise_for_status()
        assert sum(len(chunk) for chunk in reply.iter_raw()) == size


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _await(client: httpx.Client, url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            client.get(url)
            return
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    main()
