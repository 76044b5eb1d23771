"""Glass to glass: from a change in the remote page to the viewer's canvas, against a bare CDP screencast in the same
run.

    python -m bench.viewer [--changes 40] [--viewers 1]

The server, its browser and the viewer's browser are processes of this machine and share its clock. The page changes its
colour and notes when; the viewer's page looks at a pixel of the canvas with every frame of its own and notes when it
sees the other colour. The reference is a client of a browser of its own that does nothing but take the screencast's
frames, acknowledge them at once, and note when the first after a change has come: it draws nothing.
"""

import argparse
import asyncio
import base64
import json
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from websockets.asyncio.client import ClientConnection, connect

from bench._support import ratio, show
from tests.support.origin import Origin
from tests.support.server import Server
from tests.unit.browser.relay.stage import SHELL, chromium

_TARGET_SECONDS = 0.1
_CHANGE_EVERY_MS = 250
_TEXT = " ".join(f"word{number}" for number in range(600))
_PAGE = f"""<!doctype html><title>Changing</title><body style="margin:0;background:#f00;font:16px sans-serif">{_TEXT}
<script>
window.changes = [];
let red = true;
window.begin = () => setInterval(() => {{
  red = !red;
  document.body.style.background = red ? '#f00' : '#00f';
  changes.push([performance.timeOrigin + performance.now(), red]);
}}, {_CHANGE_EVERY_MS} + Math.random() * 20);
</script>"""
_WATCH = """() => {
  window.seen = [];
  const context = document.getElementById('canvas').getContext('2d');
  let last = null;
  const look = () => {
    const [red, , blue] = context.getImageData(1270, 1070, 1, 1).data;
    const isRed = red > blue;
    if (last !== null && isRed !== last) seen.push([performance.timeOrigin + performance.now(), isRed]);
    last = isRed;
    requestAnimationFrame(look);
  };
  look();
}"""


def _delays(changes: list[list[Any]], seen: list[list[Any]]) -> list[float]:
    """Seconds from each change to when it was seen, of the changes that were."""
    delays, later = [], iter(seen)
    sight = next(later, None)
    for at, colour in changes:
        while sight is not None and (sight[0] < at or sight[1] != colour):
            sight = next(later, None)
        if sight is None:
            break
        if sight[0] - at < 1000:
            delays.append((sight[0] - at) / 1000)
    return delays


def _through_noctule(server: Server, origin: Origin, browser: Browser, count: int, viewers: int) -> list[float]:
    with server.client() as api, ExitStack() as stack:
        session = api.post("/sessions/start", json={}).json()
        path = f"/sessions/{session['session_id']}"
        stack.callback(api.delete, f"{path}/stop")

        def act(**action: Any) -> Any:
            reply = api.post(f"{path}/page/execute", json=action).json()
            assert reply["success"], reply["message"]
            return reply["data"]

        act(type="goto", url=origin.url + "changing")
        pages: list[Page] = []
        for _ in range(viewers):
            context = browser.new_context(viewport={"width": 1400, "height": 1250})
            stack.callback(context.close)
            page = context.new_page()
            page.goto(session["viewer_url"])
            page.wait_for_selector("html:not([data-waiting])", state="attached")
            page.evaluate(_WATCH)
            pages.append(page)
        act(type="evaluate_js", code="begin()")
        pages[0].wait_for_timeout(_CHANGE_EVERY_MS * (count + 2))
        changes = json.loads(act(type="evaluate_js", code="JSON.stringify(changes)")["markdown"])
        return [delay for page in pages for delay in _delays(changes, page.evaluate("seen"))]


class _Bare:
    """A CDP client that takes a screencast and nothing else."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._id = 0
        self.arrivals: list[tuple[float, bytes]] = []

    async def send(self, method: str, **params: Any) -> int:
        self._id += 1
        await self._connection.send(json.dumps({"id": self._id, "method": method, "params": params}))
        return self._id

    async def call(self, method: str, **params: Any) -> Any:
        number = await self.send(method, **params)
        while True:
            message = json.loads(await self._connection.recv())
            if message.get("id") == number:
                return message["result"]
            await self._take(message)

    async def listen(self, seconds: float) -> None:
        """Take frames for that long."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self._take(json.loads(await self._connection.recv()))
        except TimeoutError:
            return

    async def _take(self, message: Any) -> None:
        if message.get("method") == "Page.screencastFrame":
            self.arrivals.append((time.time() * 1000, base64.b64decode(message["params"]["data"])))
            await self.send("Page.screencastFrameAck", sessionId=message["params"]["sessionId"])


async def _bare(port: int, count: int) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /json/list HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    targets = json.loads(await reader.readexactly(length))
    writer.close()
    url = next(target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page")
    async with connect(url, compression=None, max_size=None, proxy=None) as connection:
        client = _Bare(connection)
        await client.call("Page.enable")
        metrics = {"width": 1280, "height": 1080, "deviceScaleFactor": 1, "mobile": False}
        await client.call("Emulation.setDeviceMetricsOverride", **metrics)
        page = base64.b64encode(_PAGE.encode()).decode()
        await client.call("Page.navigate", url=f"data:text/html;base64,{page}")
        await client.listen(1)
        await client.call("Page.startScreencast", format="jpeg", quality=75)
        await client.listen(0.5)
        client.arrivals.clear()
        await client.call("Runtime.evaluate", expression="begin()")
        await client.listen(_CHANGE_EVERY_MS * (count + 2) / 1000)
        answer = await client.call("Runtime.evaluate", expression="JSON.stringify(changes)")
        changes = json.loads(answer["result"]["value"])
        delays = []
        for at, _ in changes[:-1]:
            after = [arrival - at for arrival, _ in client.arrivals if arrival > at]
            if after and after[0] < _CHANGE_EVERY_MS:
                delays.append(after[0] / 1000)
        return delays


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--changes", type=int, default=40, help="changes of the page in one round")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of each side")
    parser.add_argument("--viewers", type=int, default=1, help="viewers that look at the same session")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        origin = stack.enter_context(Origin())
        origin.page("/changing", _PAGE)
        folder = Path(stack.enter_context(TemporaryDirectory()))
        server = Server(folder / "data", {"NOCTULE_EGRESS_ALLOW": f"127.0.0.1:{origin.port}"})
        stack.callback(server.close)
        server.start()
        bare = stack.enter_context(chromium(SHELL))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=SHELL, args=["--no-sandbox"])
        stack.callback(browser.close)
        ours: list[float] = []
        reference: list[float] = []
        for _ in range(arguments.rounds):
            # Playwright has a loop of its own on this thread.
            reference += _in_a_thread(bare.port, arguments.changes)
            ours += _through_noctule(server, origin, browser, arguments.changes, arguments.viewers)
        show("bare CDP screencast, frame has come", reference)
        show("viewer, change is on the canvas", ours)
        ratio("glass to glass", ours, reference)
        holds = statistics.median(ours) <= _TARGET_SECONDS
        print(f"median <= {_TARGET_SECONDS * 1000:g} ms: {'holds' if holds else 'MISSED'}")
    sys.exit(not holds)


def _in_a_thread(port: int, count: int) -> list[float]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, _bare(port, count)).result()


if __name__ == "__main__":
    main()
