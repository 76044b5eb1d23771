"""A page that does everything that is captured, and sessions that are told apart by what is kept of them."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright

from noctule.browser.binaries import find
from tests.support.origin import Origin
from tests.support.ports import free_port

SECRET = "hunter2-of-the-form"

# What no exchange has: heads that a connection lost, a proxy's greeting, what the browser asks for beside its pages.
_OVERHEAD_BYTES = 300
_OVERHEAD_SHARE = 0.05

_PAGE = """<!doctype html><title>Busy</title><link rel=icon href="data:,"><img src="/bytes/700">
<script>
const text = (url, more) => fetch(url, more).then(answer => answer.text()).catch(() => 0);
(async () => {
  await navigator.serviceWorker.register('/captured-worker.js');
  await navigator.serviceWorker.ready;
  await Promise.all([
    text('/redirect?to=/bytes/1000'), text('/status/404'), text('/status/500'), text('http://10.0.0.1/'),
    text('/echo?api_key=%(secret)s', {method: 'POST', body: 'user=me&password=%(secret)s',
         headers: {'Content-Type': 'application/x-www-form-urlencoded'}}),
    text('data:text/plain,inline'), text(URL.createObjectURL(new Blob(['blob']))),
  ]);
  await text('/captured-cached'); await text('/captured-cached');
  await new Promise(done => {
    const socket = new WebSocket(location.href.replace('http', 'ws').replace(/captured.*/, 'ws'));
    socket.onopen = () => { socket.send('x'.repeat(300)) };
    socket.onmessage = () => socket.close();
    socket.onclose = done;
  });
  await text('/captured-from-worker');
  console.warn('careful', 1);
  setTimeout(() => { throw new Error('nobody caught this') });
  Promise.reject(new Error('nor this'));
  confirm('Really?');
  document.title = 'Done';
})();
</script>"""

_WORKER = """
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', event => {
  if (event.request.url.endsWith('/captured-from-worker')) event.respondWith(new Response('made by the worker'));
});
"""


def busy_page(origin: Origin) -> str:
    """Put the page up; its address. Its title becomes ``Done``."""
    origin.page("/captured", _PAGE % {"secret": SECRET})
    origin.page("/captured-worker.js", _WORKER, "text/javascript")
    return f"{origin.url}captured"


def started(api: httpx.Client, **headers: str) -> str:
    """A session with these headers; its path."""
    reply = api.post("/sessions/start", json={}, headers=headers)
    assert reply.status_code == 200, reply.text
    return f"/sessions/{reply.json()['session_id']}"


def execute(api: httpx.Client, path: str, **action: Any) -> dict[str, Any]:
    """An action that has to succeed."""
    result: dict[str, Any] = api.post(f"{path}/page/execute", json=action).raise_for_status().json()
    assert result["success"], result["message"]
    return result


def visit(api: httpx.Client, path: str, url: str) -> None:
    """Go to the busy page and wait until it is done."""
    execute(api, path, type="goto", url=url)
    until(lambda: "Done" in str(execute(api, path, type="evaluate_js", code="document.title")["data"]))


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.1)


@contextmanager
def devtools(folder: Path) -> Iterator[Page]:
    """The page of Chromium's own DevTools, served by a browser of its own."""
    port = free_port()
    binary, _ = find().choose(wants_chromium=True)
    with sync_playwright() as playwright:
        arguments = [f"--remote-debugging-port={port}", "--remote-allow-origins=*"]
        browser = playwright.chromium.launch_persistent_context(
            folder / "devtools", executable_path=binary, chromium_sandbox=False, args=arguments
        )
        try:
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{port}/devtools/devtools_app.html")
            yield page
        finally:
            browser.close()


def agree(told: int, measured: int) -> bool:
    """Whether the bytes of exchanges are those that went over the wire, but for the overhead."""
    return abs(told - measured) <= _OVERHEAD_BYTES + measured * _OVERHEAD_SHARE


def events(api: httpx.Client, path: str, *kinds: str) -> list[dict[str, Any]]:
    """The whole timeline, or these kinds of it."""
    lines = api.get(f"{path}/timeline.ndjson", params={"kind": list(kinds)}).raise_for_status().text.splitlines()
    return [json.loads(line) for line in lines]
