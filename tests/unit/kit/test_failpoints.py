"""Failpoints kill where they are told to, and nowhere else."""

import os
import signal
import subprocess
import sys

import pytest

_SCRIPT = """
from noctule.kit.failpoints import failpoint
for _ in range(3):
    failpoint("a")
    print("passed", flush=True)
    failpoint("b")
"""


@pytest.mark.parametrize(
    ("armed", "passed", "status"),
    [
        (None, 3, 0),
        ("", 3, 0),
        ("elsewhere", 3, 0),
        ("a", 0, -signal.SIGKILL),
        ("a:2", 1, -signal.SIGKILL),
        ("b:3", 3, -signal.SIGKILL),
        ("b:4", 3, 0),
    ],
)
def test_the_nth_passage_of_the_armed_name_is_the_last(armed: str | None, passed: int, status: int) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "NOCTULE_FAILPOINT"}
    if armed is not None:
        environment["NOCTULE_FAILPOINT"] = armed
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], env=environment, capture_output=True, timeout=30, check=False
    )
    assert done.stdout.count(b"passed") == passed
    assert done.returncode == status
