"""``noctule demo``: a metered session against the bundled page, offline, with its bill; nothing stays behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder for the demo's temporary files, through which browsers with users of their own can pass."""
    folder = Path(tempfile.mkdtemp(prefix="noctule-test-demo-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def test_the_demo_runs_a_session_and_prints_its_bill(tmp_path: Path, scratch: Path) -> None:
    done = subprocess.run(
        _command(tmp_path), env=_environment(scratch), capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for step in range(1, 9):
        assert f"  {step}/8  " in done.stdout
    assert "3 moths caught; the table lists 162 of earlier nights" in done.stdout
    assert "Browser (1 session)         $0.000833333" in done.stdout
    assert (tmp_path / "page.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    assert list(scratch.iterdir()) == []
    assert _processes_of(scratch) == []


def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path, scratch: Path) -> None:
    with subprocess.Popen(
        _command(tmp_path),
        env=_environment(scratch),
        stdout=subprocess.PIPE,
        text=True,
        # In the background of a script, Ctrl-C is ignored, and a child inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as demo:
        try:
            assert demo.stdout is not None
            for line in demo.stdout:
                if line.startswith("  1/8"):
                    break
            demo.send_signal(signal.SIGINT)
            assert demo.wait(30) != 0
        finally:
            demo.kill()
    assert list(scratch.iterdir()) == []
    assert _processes_of(scratch) == []


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "noctule", "demo", "--screenshot", str(folder / "page.jpg")]


def _environment(scratch: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(scratch), "TMPDIR": str(scratch)}


def _processes_of(scratch: Path) -> list[str]:
    """Processes that have not ended some seconds later, of a demo with these temporary files."""
    deadline = time.monotonic() + 5
    while (found := list(_mentioning(str(scratch)))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _mentioning(text: str) -> Iterator[str]:
    for process in psutil.process_iter(["pid", "cmdline", "environ"]):
        about = [*(process.info["cmdline"] or ()), *(process.info["environ"] or {}).values()]
        if any(text in each for each in about):
            yield f"{process.pid} {' '.join(about)[:200]}"
