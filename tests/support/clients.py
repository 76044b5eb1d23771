"""Runs other people's clients, unmodified, as their users would: the official SDKs and the npm packages.

Each has an environment of its own (``make test`` makes them); a test skips where one is missing.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SDK_VERSIONS = ("1.8.20", "1.10.0")
NODE_CLIENTS = ("playwright", "puppeteer")

_CLIENTS = ROOT / "tests" / "clients"
_TIMEOUT_SECONDS = 60.0
# The SDKs ask the public package index for their newest version while a client is being made, up to a minute where
# the index cannot be reached, and ignore a failure. A closed port as the proxy for https makes that failure
# immediate; the API itself is plain http on loopback and takes no notice.
_CLOSED_PROXY = "http://127.0.0.1:9"


def sdk_environment(api_url: str, api_key: str) -> dict[str, str]:
    """The environment of a user of the SDK: the API's address and key, and no telemetry."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "NOTTE_API_URL": api_url,
        "NOTTE_API_KEY": api_key,
        "DISABLE_TELEMETRY": "true",
        "HTTPS_PROXY": _CLOSED_PROXY,
        "NO_PROXY": "127.0.0.1,localhost",
    }


def sdk_python(version: str) -> Path:
    """The interpreter of the environment that holds that SDK; skips where it has not been made."""
    python = ROOT / ".venvs" / f"sdk-{version}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"notte-sdk {version} is not installed (make clients)")
    return python


def run_sdk_session(version: str, api_url: str, api_key: str, page_url: str) -> dict[str, Any]:
    """The whole life of a session through that SDK; what it saw, as ``tests/clients/sdk_session.py`` prints it."""
    command = [str(sdk_python(version)), str(_CLIENTS / "sdk_session.py"), page_url]
    return _run(command, _CLIENTS, sdk_environment(api_url, api_key))


def run_sdk_script(version: str, api_url: str, api_key: str, name: str, *arguments: str) -> dict[str, Any]:
    """What another script of ``tests/clients`` prints with that SDK."""
    command = [str(sdk_python(version)), str(_CLIENTS / name), *arguments]
    return _run(command, _CLIENTS, sdk_environment(api_url, api_key))


def run_sdk_code(version: str, api_url: str, api_key: str, code: str) -> str:
    """Standard output of a program such as the README's, run with that SDK."""
    command = [str(sdk_python(version)), "-c", code]
    return _output(command, _CLIENTS, sdk_environment(api_url, api_key))


def run_node_client(name: str, cdp_url: str, page_url: str) -> dict[str, Any]:
    """Connect ``playwright`` or ``puppeteer`` to ``cdp_url``; what it saw, as its script prints it."""
    node = shutil.which("node")
    folder = _CLIENTS / "node"
    if node is None or not (folder / "node_modules").is_dir():
        pytest.skip("the npm clients are not installed (make clients; Debian: apt-get install nodejs npm)")
    return _run([node, f"{name}.mjs", cdp_url, page_url], folder, {"PATH": os.environ["PATH"]})


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    seen: dict[str, Any] = json.loads(_output(command, folder, environment).splitlines()[-1])
    return seen


def _output(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
    )
    assert done.returncode == 0, f"{command[1]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
