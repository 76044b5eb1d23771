"""CDP through the proxy against the browser's own endpoint, in one run.

    python -m bench.cdp_roundtrip [--messages 300] [--rounds 8]

Round trips of ``Runtime.evaluate "1"``, measured in alternating rounds with one client library, and the time
of large replies. The server runs in a process of its own, as it does in life.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
import uvloop
from websockets.asyncio.client import ClientConnection, connect

from bench._support import ratio, show
from tests.unit.browser.relay.stage import SESSION, SHELL, TOKEN, Gate, chromium, server_config

_TARGET_RATIO = 1.25
_LARGE = {
    "10 MB evaluate result": ("Runtime.evaluate", {"expression": "'x'.repeat(1e7)"}, 10),
    "screenshot of a noisy page": ("Page.captureScreenshot", {"format": "png"}, 5),
}
_NOISE = """(() => {
  const c = document.createElement('canvas'); c.width = 1400; c.height = 1000;
  document.body.style.margin = 0; document.body.append(c);
  const g = c.getContext('2d'), d = g.createImageData(1400, 1000);
  for (let i = 0; i < d.data.length; i += 65536) crypto.getRandomValues(d.data.subarray(i, i + 65536));
  for (let i = 3; i < d.data.length; i += 4) d.data[i] = 255;
  g.putImageData(d, 0, 0);
})()"""


class Client:
    """A CDP client of one page that does one thing at a time."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._session: str | None = None
        self._id = 0

    async def attach(self) -> None:
        targets = (await self.call("Target.getTargets"))["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = (await self.call("Target.attachToTarget", targetId=page, flatten=True))["sessionId"]

    async def call(self, method: str, **params: Any) -> Any:
        self._id += 1
        message = {"id": self._id, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        await self._connection.send(json.dumps(message))
        while True:
            answer = json.loads(await self._connection.recv())
            if answer.get("id") == self._id:
                return answer["result"]

    async def time_raw(self, method: str, params: dict[str, Any]) -> float:
        """Seconds of one call, its reply taken as bytes so that the client's own parsing weighs little."""
        self._id += 1
        text = json.dumps({"id": self._id, "method": method, "params": params, "sessionId": self._session})
        begin = time.perf_counter()
        await self._connection.send(text)
        await self._connection.recv(decode=False)
        return time.perf_counter() - begin


async def measure(direct_url: str, proxied_url: str, messages: int, rounds: int) -> float:
    """Print everything; the ratio of the round trips."""
    async with AsyncExitStack() as stack:
        clients = {}
        for name, url in (("direct", direct_url), ("through Noctule", proxied_url)):
            clients[name] = Client(
                await stack.enter_async_context(connect(url, compression=None, max_size=None, proxy=None))
            )
            await clients[name].attach()
        trips: dict[str, list[float]] = {name: [] for name in clients}
        for round_number in range(rounds + 1):
            for name in sorted(clients, reverse=bool(round_number % 2)):
                samples = [
                    await clients[name].time_raw("Runtime.evaluate", {"expression": "1"}) for _ in range(messages)
                ]
                if round_number:
                    trips[name] += samples
        for name, samples in trips.items():
            show(f"round trip, {name}", samples)
        reached = ratio("round trip", trips["through Noctule"], trips["direct"], _TARGET_RATIO)

        await clients["direct"].call("Runtime.evaluate", expression=_NOISE)
        for what, (method, params, repeats) in _LARGE.items():
            large: dict[str, list[float]] = {name: [] for name in clients}
            for _ in range(repeats):
                for name, client in clients.items():
                    large[name].append(await client.time_raw(method, params))
            for name, samples in large.items():
                show(f"{what}, {name}", samples)
            ratio(what, large["through Noctule"], large["direct"])
        return reached


@contextmanager
def _server(port: int, path: str, downloads: str) -> Iterator[str]:
    command = [sys.executable, "-m", "bench.cdp_roundtrip", "--serve", str(port), path, downloads]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"ws://127.0.0.1:{int(process.stdout.readline())}/sessions/{SESSION}/cdp?token={TOKEN}"
    finally:
        process.terminate()
        process.wait(10)


def _serve(port: int, path: str, downloads: str) -> None:
    """Serve on the main thread until the process is told to end."""
    config = server_config(Gate(port, path, Path(downloads)))
    listening = config.bind_socket()
    listening.listen()
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(config).run(sockets=[listening])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--messages", type=int, default=300, help="round trips of one round")
    parser.add_argument("--rounds", type=int, default=8, help="rounds of each side, after one to warm up")
    parser.add_argument("--chromium", default=SHELL, help="the browser's program")
    parser.add_argument("--serve", nargs=3, metavar=("PORT", "PATH", "DOWNLOADS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        _serve(int(arguments.serve[0]), arguments.serve[1], arguments.serve[2])
        return
    with (
        TemporaryDirectory() as downloads,
        chromium(arguments.chromium) as browser,
        _server(browser.port, browser.path, downloads) as proxied_url,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        reached = runner.run(measure(browser.url, proxied_url, arguments.messages, arguments.rounds))
    sys.exit(reached > _TARGET_RATIO)


if __name__ == "__main__":
    main()
