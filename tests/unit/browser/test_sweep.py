"""What a killed server leaves behind, and how the next start ends it: with real processes."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from noctule.browser import procfs, rundir
from tests.support.launchers import folders, group, run_bounded, started

pytestmark = pytest.mark.slow


_OTHER_SERVER = """
import asyncio, sys
from pathlib import Path
from noctule.browser.launcher import Launcher

async def main():
    launcher = Launcher(data_dir=Path(sys.argv[1]), headless_shell=None, chromium=None, sandbox="auto",
                        uid_base=62200, concurrency=2)
    await launcher.start()
    for full in (False, True):
        browser = await launcher.launch(wants_chromium=full, proxy_port=9)
        print(browser.pid, browser.directory, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


class _OtherServer:
    """Another process with a launcher and two browsers."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _OTHER_SERVER, str(data_dir)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.browsers = []
        for _ in range(2):
            pid, directory = self.process.stdout.readline().split()
            self.browsers.append((int(pid), Path(directory)))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def _ended(pids: list[int], inside_seconds: float) -> bool:
    deadline = time.monotonic() + inside_seconds
    while time.monotonic() < deadline:
        if not any(group(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def test_browsers_die_with_a_server_that_is_killed_and_the_next_start_removes_their_folders(tmp_path: Path) -> None:
    other = _OtherServer(tmp_path)
    folders = [directory for _, directory in other.browsers]
    other.kill()
    assert _ended([pid for pid, _ in other.browsers], 5)
    assert all(folder.exists() for folder in folders)

    async def body() -> None:
        async with started(tmp_path):
            assert not any(folder.exists() for folder in folders)

    run_bounded(body)


def test_the_sweep_ends_orphans_of_the_same_data_directory_and_only_those(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    neighbour = _OtherServer(theirs)
    run = rundir.choose(ours, for_other_users=True)
    noted, helper_only, unnoted = (run.new_browser(None) for _ in range(3))
    orphans: list[subprocess.Popen[bytes]] = []

    def orphan(*command: str, **options: Any) -> int:
        orphans.append(subprocess.Popen(command, start_new_session=True, **options))
        return orphans[-1].pid

    try:
        noted_pid = orphan("sleep", "60")
        noted.write_owner(noted_pid, os.geteuid())
        helper = f"{sys.executable} -c 'import time; time.sleep(60)' --type=renderer & exec sleep 60"
        leader_pid = orphan("sh", "-c", helper)
        time.sleep(0.2)
        helper_only.write_owner(leader_pid, os.geteuid())
        os.kill(leader_pid, signal.SIGKILL)
        orphans[-1].wait()
        assert group(leader_pid)
        unnoted_pid = orphan("sleep", "60", env={**os.environ, "HOME": str(unnoted.home)})
        bystander_pid = orphan("sh", "-c", "while sleep 1; do :; done", str(unnoted.path))

        async def body() -> None:
            async with started(ours):
                assert not group(noted_pid)
                assert not group(leader_pid)
                assert not group(unnoted_pid)
                assert not noted.path.exists()
                assert not unnoted.path.exists()
                assert group(bystander_pid)
                assert all(group(pid) and directory.exists() for pid, directory in neighbour.browsers)

        run_bounded(body)
    finally:
        for process in orphans:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        neighbour.kill()

    async def tidy() -> None:
        async with started(theirs):
            pass

    run_bounded(tidy)
    assert not folders(ours)
    assert not folders(theirs)


def test_a_number_that_has_gone_to_another_process_is_not_taken_for_a_browser(tmp_path: Path) -> None:
    run = rundir.choose(tmp_path, for_other_users=True)
    directory = run.new_browser(None)
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        directory.write_owner(stranger.pid, os.geteuid())
        note = directory.path / "owner.json"
        ticks = procfs.started_ticks(stranger.pid)
        note.write_text(note.read_text().replace(str(ticks), str((ticks or 0) - 1)))

        async def body() -> None:
            async with started(tmp_path):
                assert stranger.poll() is None
                assert not directory.path.exists()

        run_bounded(body)
    finally:
        stranger.kill()
        stranger.wait()
