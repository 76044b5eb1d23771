"""What a real browser reaches through our egress proxy, and what it does not, by whatever way it tries.

The browser is started with the flags that matter and nothing of the server: what is refused here is refused by the
proxy. ``secret`` is a site on this machine that would answer if anything came through to it.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from playwright.sync_api import BrowserContext, Playwright

from noctule.browser import binaries
from noctule.browser.egress import EgressPolicy, EgressProxy, ResolveFailed

T = TypeVar("T")

LIMIT_SECONDS = 15.0
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--no-first-run",
    "--remote-debugging-port=0",
    "--disable-background-networking",
    "--disable-component-update",
    "--proxy-bypass-list=<-loopback>",
    "--disable-quic",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
)


class Names:
    """A resolver by script: each answer of a name in its turn, the last one for ever."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._answers: dict[str, list[Sequence[str]]] = {}

    def script(self, name: str, *answers: Sequence[str]) -> None:
        self._answers[name] = list(answers)

    async def resolve(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        answers = self._answers.get(host)
        if not answers:
            raise ResolveFailed(f"{host} could not be resolved")
        return answers.pop(0) if len(answers) > 1 else answers[0]


class Listener:
    """A proxy that runs on a thread of its own."""

    def __init__(self, *allow: str) -> None:
        self.names = Names()
        self.policy = EgressPolicy(allow, resolver=self.names)
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.proxy = EgressProxy(self.policy)
        self.run(self.proxy.start())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT_SECONDS)

    def refused(self, since: int) -> list[tuple[str, int, str]]:
        return [(one.host, one.port, one.rule) for one in self.proxy.refusals_since(since)]

    def close(self) -> None:
        self.run(self.proxy.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT_SECONDS)
        self._loop.close()


@contextmanager
def browsing(listener: Listener, playwright: Playwright) -> Iterator[BrowserContext]:
    """A browser behind that proxy, and a context that takes any certificate."""
    program, _ = binaries.find().choose(wants_chromium=False)
    profile = Path(tempfile.mkdtemp(prefix="noctule-test-egress-"))
    arguments = [str(program), *FLAGS, f"--proxy-server=http://127.0.0.1:{listener.proxy.port}"]
    process = subprocess.Popen(
        [*arguments, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{_devtools_port(profile)}")
        yield browser.new_context(ignore_https_errors=True)
        browser.close()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(LIMIT_SECONDS)
        shutil.rmtree(profile, ignore_errors=True)


def _devtools_port(profile: Path) -> int:
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        try:
            return int((profile / "DevToolsActivePort").read_text().split()[0])
        except (OSError, IndexError):
            time.sleep(0.02)
    raise AssertionError("the browser did not start")


WEB_SOCKET = """url => new Promise(done => {
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send('hello');
    socket.onmessage = message => { socket.close(); done(message.data); };
    socket.onerror = () => done('failed');
})"""


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens in another process."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)
