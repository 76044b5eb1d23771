"""README.md is true: its blocks run as they are printed, with a page of this machine in example.com's place."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import clients
from tests.support.origin import Origin
from tests.support.readme import block
from tests.support.server import KEY, Server

pytestmark = pytest.mark.slow

_ANYWHERE = "https://example.com"
_TITLE = "Example Domain"


def test_the_first_session_with_curl_is_true(server: Server, origin: Origin, tmp_path: Path) -> None:
    script = "set -euo pipefail\n" + block("session-curl").replace(_ANYWHERE, _here(origin))
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=clients.sdk_environment(server.url, KEY),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    goto, title, stopped, usage = _json_values(done.stdout)
    assert goto["success"]
    assert title["data"]["markdown"] == _TITLE
    assert stopped["status"] == "closed"
    assert usage["session_count"] >= 1
    assert (tmp_path / "page.jpg").read_bytes().startswith(b"\xff\xd8\xff")


def test_the_section_on_money_is_true(server: Server, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", "set -euo pipefail\n" + block("money-curl")],
        cwd=tmp_path,
        env=clients.sdk_environment(server.url, KEY),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cost, _, replies = done.stdout.partition("\n")
    assert cost.strip().lower() == "x-noctule-cost: 0.000833333"
    stopped, breakdown = _json_values(replies)
    assert stopped["status"] == "closed"
    assert {"team=a", "nightly"} <= {row["key"] for row in breakdown["items"]}


@pytest.mark.parametrize("version", clients.SDK_VERSIONS)
def test_the_first_session_with_the_sdk_is_true(version: str, server: Server, origin: Origin) -> None:
    code = block("session-sdk").replace(_ANYWHERE, _here(origin))
    assert clients.run_sdk_code(version, server.url, KEY, code).splitlines()[-1] == _TITLE


@pytest.mark.parametrize("version", clients.SDK_VERSIONS)
def test_the_section_on_what_is_kept_is_true(version: str, server: Server, origin: Origin, tmp_path: Path) -> None:
    film = tmp_path / "session.mp4"
    code = block("keep-sdk").replace(_ANYWHERE, _here(origin)).replace("session.mp4", str(film))
    said = clients.run_sdk_code(version, server.url, KEY, code)
    assert f"{server.url}/viewer?" in said
    assert film.read_bytes()[4:8] == b"ftyp"


def test_the_first_session_with_playwright_is_true(server: Server, origin: Origin) -> None:
    code = block("session-playwright").replace(_ANYWHERE, _here(origin))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=clients.sdk_environment(server.url, KEY),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    title, cost = done.stdout.splitlines()
    assert title == _TITLE
    assert float(cost) > 0


def _here(origin: Origin) -> str:
    origin.page("/example", f"<!doctype html><title>{_TITLE}</title>")
    return f"{origin.url}example"


def _json_values(text: str) -> list[dict[str, Any]]:
    """The JSON objects that stand one after the other in a text."""
    values, rest = [], text.strip()
    while rest:
        value, end = json.JSONDecoder().raw_decode(rest)
        values.append(value)
        rest = rest[end:].lstrip()
    return values
