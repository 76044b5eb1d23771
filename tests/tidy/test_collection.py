"""Every process that collects the tests finds the same ones: several run them side by side."""

import os
import subprocess
import sys
import time

import pytest

from tests.tidy.repository import ROOT


def _collected(hash_seed: str) -> list[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return [line for line in done.stdout.splitlines() if "::" in line]


@pytest.mark.slow
def test_names_follow_neither_from_the_clock_nor_from_chance() -> None:
    first = _collected("1")
    time.sleep(1.1)
    second = _collected("2")
    assert len(first) > 1000
    assert [(one, other) for one, other in zip(first, second, strict=True) if one != other] == []
