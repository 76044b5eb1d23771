"""``noctule demo``: one metered session against a bundled page, and what it cost.

Everything happens on this machine and leaves nothing but a screenshot: a real server in a temporary folder, a page
served from the package, and plain HTTP between them, as any client would speak it. Whatever goes wrong, Ctrl-C
included, the server is ended and the folder removed.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import click

from noctule.kit.ids import new_api_key
from noctule.kit.money import format_dollars, parse_dollars

_PAGE = Path(__file__).with_name("demo_page")
_STEPS = 8
_READY_SECONDS = 60.0
_REQUEST_SECONDS = 45.0
_STOP_SECONDS = 20.0

_CATCH_THREE = """
const button = document.getElementById('catch');
button.click(); button.click(); button.click();
return document.getElementById('count').value;
"""
_READ_TABLE = (
    "return [...document.querySelectorAll('#log tbody tr')].map(row => [...row.cells].map(c => c.textContent))"
)


class _Api:
    """One server, spoken to as its clients do."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self._key = key

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON of one request. Raises ``ClickException`` with the server's own sentence if it is refused."""
        return json.loads(self.fetch(method, path, body))

    def fetch(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> bytes:
        """The body of one request, as bytes."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
        )
        try:
            with _direct.open(request, timeout=_REQUEST_SECONDS) as reply:
                content: bytes = reply.read()
                return content
        except urllib.error.HTTPError as error:
            raise click.ClickException(f"{method} {path} answered {error.code}: {_message(error)}") from error
        except OSError as error:
            raise click.ClickException(f"{method} {path} got no answer: {error}") from error

    def execute(self, session_id: str, action: Mapping[str, Any]) -> str:
        """Carry out one action and return its text. Raises ``ClickException`` if it did not succeed."""
        result = self.call("POST", f"/sessions/{session_id}/page/execute", action)
        if not result["success"]:
            raise click.ClickException(f"{action['type']} failed: {result['message']}")
        data = result.get("data") or {}
        return str(data.get("markdown", result["message"]))


# A proxy of the user's environment is for the internet, not for this machine.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class _QuietPages(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Keep the page's requests out of the demo's own lines."""


class _Progress:
    """One line a step: its number, what happened, how long it took."""

    def __init__(self) -> None:
        self._step = 0
        self._since = time.monotonic()

    def done(self, what: str) -> None:
        self._step += 1
        now = time.monotonic()
        taken = f"{(now - self._since) * 1000:6.0f} ms"
        self._since = now
        click.echo(f"  {self._step}/{_STEPS}  {taken}  {what}")


@click.command()
@click.option(
    "--screenshot",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    default=Path("noctule-demo.jpg"),
    show_default=True,
    help="Where to save the screenshot.",
)
def demo(screenshot: Path) -> None:
    """Run one metered session against a bundled page, offline, and print the bill."""
    click.echo("A server of its own, a real browser, a bundled page; no network is needed.\n")
    # Being asked to end is a Ctrl-C: the server and its browser go first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = _Progress()
    with _bundled_page() as page_url, _server(page_url) as api:
        progress.done(f"server up on {api.url}")
        session_id: str = api.call("POST", "/sessions/start", {})["session_id"]
        progress.done(f"session {session_id} started, its browser is ready")
        api.execute(session_id, {"type": "goto", "url": page_url})
        title = api.execute(session_id, {"type": "evaluate_js", "code": "document.title"})
        progress.done(f"opened “{title}”")
        caught = api.execute(session_id, {"type": "evaluate_js", "code": _CATCH_THREE})
        rows = json.loads(api.execute(session_id, {"type": "evaluate_js", "code": _READ_TABLE}))
        earlier = sum(int(row[-1]) for row in rows)
        progress.done(f"pressed the button: {caught} moths caught; the table lists {earlier} of earlier nights")
        progress.done(f"cookies: {_exchange_cookie(api, session_id)}")
        picture = api.fetch("POST", f"/sessions/{session_id}/page/screenshot")
        screenshot.write_bytes(picture)
        progress.done(f"screenshot saved to {screenshot} ({len(picture) / 1000:.0f} kB)")
        status = api.call("DELETE", f"/sessions/{session_id}/stop")["status"]
        progress.done(f"session stopped: {status}")
        usage = api.call("GET", "/usage")
        progress.done("asked GET /usage for the bill")
    click.echo("\n" + _bill(usage))


def _exchange_cookie(api: _Api, session_id: str) -> str:
    cookie = {"name": "roost", "value": "old-beech", "domain": "127.0.0.1", "path": "/", "httpOnly": False}
    api.call("POST", f"/sessions/{session_id}/cookies", {"cookies": [cookie]})
    cookies = api.call("GET", f"/sessions/{session_id}/cookies")["cookies"]
    return ", ".join(f"{each['name']}={each['value']}" for each in cookies)


def _bill(usage: Mapping[str, Any]) -> str:
    """The reply of ``GET /usage`` as a bill for people."""

    def amount(field: str) -> str:
        return format_dollars(parse_dollars(repr(usage[field])))

    sessions = int(usage["session_count"])
    lines = [
        (f"Browser ({sessions} session{'' if sessions == 1 else 's'})", amount("browser_usage_cost")),
        ("Proxy", amount("proxy_usage_cost")),
        ("Model tokens", amount("llm_usage_cost")),
        ("Functions", amount("function_usage_cost")),
        ("Total", amount("total_cost")),
        ("Balance left", amount("balance_amount")),
    ]
    label = max(len(name) for name, _ in lines)
    figure = max(len(text) for _, text in lines)
    rule = "-" * (label + figure + 3)
    body = [f"{name:<{label}}   {text:>{figure}}" for name, text in lines]
    return "\n".join([f"Bill for {usage['period']}, plan {usage['plan_type']}", rule, *body[:4], rule, *body[4:]])


@contextmanager
def _bundled_page() -> Iterator[str]:
    """Serve the bundled page on a free loopback port; yields its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietPages, directory=str(_PAGE))) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, name="demo-page", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join(5)


@contextmanager
def _server(page_url: str) -> Iterator[_Api]:
    """A Noctule server in a temporary folder that lets its browsers reach the page, and nothing else private."""
    folder = Path(tempfile.mkdtemp(prefix="noctule-demo-"))
    # Browsers of a server that runs as root have users of their own, who must be able to pass through.
    folder.chmod(0o711)
    key = new_api_key()
    port = _free_port()
    log = folder / "server.log"
    try:
        with log.open("wb") as log_file:
            process = subprocess.Popen(
                [sys.executable, "-m", "noctule", "serve"],
                env=_environment(folder / "data", port, key, page_url.removeprefix("http://").strip("/")),
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the demo, which then ends the server in order.
                start_new_session=True,
            )
        try:
            _wait_until_ready(process, f"http://127.0.0.1:{port}", log)
            yield _Api(f"http://127.0.0.1:{port}", key)
        finally:
            _end(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(data: Path, port: int, key: str, page: str) -> dict[str, str]:
    """The caller's environment, with what tells apart this server from one they may run."""
    own = {
        "NOCTULE_DATA_DIR": str(data),
        "NOCTULE_HOST": "127.0.0.1",
        "NOCTULE_PORT": str(port),
        "NOCTULE_API_KEY": key,
        "NOCTULE_EGRESS_ALLOW": page,
        "NOCTULE_WARM_POOL_SIZE": "1",
    }
    about_this_machine = ("CHROMIUM_PATH", "HEADLESS_SHELL_PATH", "SANDBOX", "BROWSER_UID_BASE")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("NOCTULE_") or name.removeprefix("NOCTULE_") in about_this_machine
    }
    return kept | own


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise click.ClickException(f"the server ended before it was ready:\n{_tail(log)}")
        try:
            with _direct.open(f"{url}/ready", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise click.ClickException(f"the server was not ready after {_READY_SECONDS:.0f} seconds:\n{_tail(log)}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Stop the server in order, and by force if it does not."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["message"])
    except (ValueError, KeyError, TypeError):
        return error.reason


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
