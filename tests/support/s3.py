"""An S3-compatible server of the tests' own: moto, in an environment and a process of its own, on loopback."""

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.ports import free_port

PYTHON = Path(__file__).parents[2] / ".venvs" / "s3-server" / "bin" / "python"
ACCESS_KEY = "AKIANOCTULETESTS"
SECRET_KEY = "secret-of-the-tests-0123456789"
_START_SECONDS = 30.0
_names = itertools.count()


@dataclass
class Bucket:
    """An empty bucket of a server that is there until ``server.close()``."""

    server: "S3"
    name: str

    @property
    def url(self) -> str:
        """The bucket, and a prefix in it."""
        return f"s3://{self.name}/some/where"

    @property
    def options(self) -> dict[str, str]:
        """What ``ObjectStore.at`` takes."""
        return {
            "endpoint": self.server.url,
            "access_key_id": ACCESS_KEY,
            "secret_access_key": SECRET_KEY,
            "region": "us-east-1",
        }

    @property
    def environment(self) -> dict[str, str]:
        """What ``noctule serve`` takes."""
        return {
            "NOCTULE_OBJECTS_URL": self.url,
            "NOCTULE_OBJECTS_ENDPOINT": self.server.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
        }

    def stored(self) -> list[str]:
        """The keys of all its objects, as the server tells them."""
        listed = httpx.get(f"{self.server.url}/{self.name}?list-type=2", trust_env=False).text
        return [part.split("</Key>")[0] for part in listed.split("<Key>")[1:]]

    def unfinished(self) -> int:
        """How many uploads were begun and neither finished nor given up."""
        return httpx.get(f"{self.server.url}/{self.name}?uploads", trust_env=False).text.count("<Upload>")


class S3:
    """The server."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = subprocess.Popen(
            [PYTHON, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        )
        self._await()

    def bucket(self) -> Bucket:
        """A new, empty one."""
        name = f"bucket-{next(_names)}"
        httpx.put(f"{self.url}/{name}", trust_env=False).raise_for_status()
        return Bucket(self, name)

    def close(self) -> None:
        """End it."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def _await(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                httpx.get(self.url, timeout=2, trust_env=False)
                return
            except httpx.TransportError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.close()
                    raise AssertionError("moto did not start") from None
                time.sleep(0.05)


@contextmanager
def serving_s3() -> Iterator[S3]:
    """The server, for the length of the block."""
    server = S3()
    try:
        yield server
    finally:
        server.close()
