"""Browsers' processes, with real ones: how they are started, what they may, how they end."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from noctule.browser import binaries, procfs
from noctule.browser.binaries import NoBrowser
from noctule.browser.process import LaunchFailed
from noctule.browser.rundir import DataDirInUse
from tests.support.launchers import (
    DROPS_UID,
    command_line,
    folders,
    group,
    inhabitants,
    new_launcher,
    run_bounded,
    started,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def passable(tmp_path: Path) -> Iterator[Path]:
    """A folder that other users can walk into, for programs that they are to run."""
    folder = Path("/var/tmp") / f"noctule-test-{os.getpid()}"
    folder.mkdir()
    yield folder
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


@pytest.fixture(params=[False, True], ids=["headless shell", "chromium"])
def wants_chromium(request: pytest.FixtureRequest) -> bool:
    try:
        found = binaries.find()
    except NoBrowser:
        pytest.skip("no Chromium is installed")
    wanted: bool = request.param
    if (found.chromium if wanted else found.headless_shell) is None:
        pytest.skip("not installed")
    return wanted


def test_a_browser_listens_on_loopback_and_is_sandboxed(tmp_path: Path, wants_chromium: bool) -> None:
    async def body() -> None:
        async with started(tmp_path) as launcher:
            assert launcher.sandbox_level().level == "unknown"
            browser = await launcher.launch(wants_chromium=wants_chromium, proxy_port=9)
            assert browser.is_headless_shell is not wants_chromium
            assert (browser.host, browser.path.rpartition("/")[0]) == ("127.0.0.1", "/devtools/browser")
            _, writer = await asyncio.open_connection(browser.host, browser.port)
            writer.close()
            assert launcher.sandbox_level().level == "namespace"
            # A renderer that was just made is still putting its sandbox on.
            async with asyncio.timeout(20):
                while not _sandboxed(browser.pid):
                    await asyncio.sleep(0.05)
            assert browser.memory_pss_bytes() > 10 * 1024**2

    run_bounded(body)


def _sandboxed(pid: int) -> bool:
    """Whether a browser has renderers, and every one of them is inside the sandbox."""
    renderers = [each for each in group(pid) if "--type=renderer" in command_line(each.pid)]
    return bool(renderers) and all(each.seccomp == 2 and each.namespace_depth > 1 for each in renderers)


@pytest.mark.skipif(not DROPS_UID, reason="needs a root that may change users")
def test_a_server_that_is_root_gives_each_browser_a_user_without_any_privilege(
    tmp_path: Path, wants_chromium: bool
) -> None:
    async def body() -> None:
        async with started(tmp_path) as launcher:
            browsers = [await launcher.launch(wants_chromium=wants_chromium, proxy_port=9) for _ in range(2)]
            assert len({browser.uid for browser in browsers}) == 2
            for browser in browsers:
                assert {process.uid for process in group(browser.pid)} == {browser.uid}
                text = Path(f"/proc/{browser.pid}/status").read_text()
                fields = dict(line.split(":", 1) for line in text.splitlines())
                assert fields["Groups"].strip() == ""
                assert fields["NoNewPrivs"].strip() == "1"
                assert {int(fields[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
                assert browser.downloads.stat().st_uid == browser.uid

    run_bounded(body)


def test_a_browser_knows_nothing_of_the_servers_environment(tmp_path: Path, passable: Path) -> None:
    async def body() -> None:
        binary = _stand_in(passable / "shell", 'env > "$HOME/seen"')
        os.environ["NOCTULE_API_KEY"] = "noct_for_this_test_only_and_no_other"
        try:
            async with started(tmp_path, headless_shell=binary) as launcher:
                browser = await launcher.launch(wants_chromium=False, proxy_port=9)
                seen = (browser.directory / "home" / "seen").read_text()
        finally:
            del os.environ["NOCTULE_API_KEY"]
        assert f"HOME={browser.directory}/home\n" in seen
        assert "NOCTULE" not in seen

    run_bounded(body)


def test_destroying_a_browser_leaves_no_process_and_no_folder(tmp_path: Path, wants_chromium: bool) -> None:
    async def body() -> None:
        async with started(tmp_path) as launcher:
            browser = await launcher.launch(wants_chromium=wants_chromium, proxy_port=9)
            (browser.downloads / "file").write_text("x")
            await asyncio.gather(browser.destroy(), browser.destroy())
            await browser.destroy()
            assert not browser.directory.exists()
            assert not group(browser.pid)
            assert not inhabitants(tmp_path)
            assert "SIGKILL" in await browser.wait()

    run_bounded(body)


def test_nothing_accumulates_over_many_launches(tmp_path: Path) -> None:
    async def body() -> None:
        async with started(tmp_path) as launcher:
            baseline: list[int] = []
            for _ in range(5):
                browsers = await asyncio.gather(
                    *(launcher.launch(wants_chromium=False, proxy_port=9) for _ in range(2))
                )
                await asyncio.gather(*(browser.destroy() for browser in browsers))
                baseline.append(len(os.listdir("/proc/self/fd")))
            assert baseline[0] == baseline[-1]
            assert not [p for p in procfs.processes() if p.parent == os.getpid() and not p.is_alive]

    run_bounded(body)


def test_a_browser_that_ends_by_itself_says_how(tmp_path: Path) -> None:
    async def body() -> None:
        async with started(tmp_path) as launcher:
            browser = await launcher.launch(wants_chromium=False, proxy_port=9)
            os.kill(browser.pid, signal.SIGABRT)
            assert "SIGABRT" in await asyncio.wait_for(browser.wait(), 5)
            await browser.destroy()
            assert not browser.directory.exists()

    run_bounded(body)


def test_closing_ends_every_browser_and_removes_the_run_directory(tmp_path: Path) -> None:
    async def body() -> None:
        async with started(tmp_path) as launcher:
            browser = await launcher.launch(wants_chromium=False, proxy_port=9)
            half_done = asyncio.create_task(launcher.launch(wants_chromium=False, proxy_port=9))
            await asyncio.sleep(0.03)
        with pytest.raises(LaunchFailed, match="closing"):
            await half_done
        assert not group(browser.pid)
        assert not inhabitants(tmp_path)
        assert not folders(tmp_path)
        with pytest.raises(LaunchFailed, match="closing"):
            await launcher.launch(wants_chromium=False, proxy_port=9)

    run_bounded(body)


def test_a_launch_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    async def body() -> None:
        async with started(tmp_path) as launcher:
            for delay in (0.0, 0.001, 0.01, 0.05):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(launcher.launch(wants_chromium=False, proxy_port=9), delay)
            with pytest.raises(LaunchFailed, match="0\\.02 seconds"):
                await launcher.launch(wants_chromium=False, proxy_port=9, timeout_seconds=0.02)
            await asyncio.sleep(0.2)
            assert not inhabitants(tmp_path)
            assert not [list(folder.iterdir()) for folder in folders(tmp_path) if list(folder.iterdir())]

    run_bounded(body)


def test_arguments_are_judged_before_anything_is_started(tmp_path: Path) -> None:
    async def body() -> None:
        async with started(tmp_path) as launcher:
            with pytest.raises(ValueError, match="--no-sandbox"):
                await launcher.launch(wants_chromium=False, proxy_port=9, chrome_args=("--no-sandbox",))
            browser = await launcher.launch(wants_chromium=False, proxy_port=9, chrome_args=("--lang=fr",))
            assert "--lang=fr" in command_line(browser.pid)

    run_bounded(body)


def test_two_launchers_on_one_data_directory_refuse(tmp_path: Path) -> None:
    async def body() -> None:
        async with started(tmp_path) as launcher:
            second = new_launcher(tmp_path)
            with pytest.raises(DataDirInUse):
                await second.start()
            browser = await launcher.launch(wants_chromium=False, proxy_port=9)
            await second.close()
            assert group(browser.pid)

    run_bounded(body)


def _stand_in(path: Path, first: str) -> Path:
    """A browser that does something else first."""
    real = binaries.find().choose(wants_chromium=False)[0]
    path.write_text(f'#!/bin/sh\n{first}\nexec {real} "$@"\n')
    path.chmod(0o755)
    return path


_WITHOUT_NAMESPACES = """
import ctypes, os, sys
from pathlib import Path

def tell(end): os.write(end, b"x")
unshared, mapped = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    assert ctypes.CDLL(None).unshare(0x10000000) == 0
    tell(unshared[1])
    os.read(mapped[0], 1)
    os.setgid(0)
    os.setuid(0)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    os.execv(sys.executable, [sys.executable, "-c", sys.argv[1], *sys.argv[2:]])
os.read(unshared[0], 1)
for name in ("uid_map", "gid_map"):
    Path(f"/proc/{child}/{name}").write_text("0 0 100000")
tell(mapped[1])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

_REPORT_SANDBOX = """
import asyncio, sys
from pathlib import Path
from noctule.browser.launcher import Launcher

async def main():
    launcher = Launcher(data_dir=Path(sys.argv[1]), headless_shell=None, chromium=None, sandbox=sys.argv[2],
                        uid_base=62200, concurrency=2)
    try:
        await launcher.start()
        browsers = [await launcher.launch(wants_chromium=False, proxy_port=9) for _ in range(2)]
        print(launcher.sandbox_level(), len(browsers))
    except Exception as error:
        print(repr(error))
    finally:
        await launcher.close()

asyncio.run(main())
"""


def _report_sandbox_without_namespaces(data_dir: Path, sandbox: str) -> str:
    """What a server says on a machine that gives nobody a user namespace."""
    script = [sys.executable, "-c", _WITHOUT_NAMESPACES, _REPORT_SANDBOX, str(data_dir), sandbox]
    answer = subprocess.run(script, capture_output=True, text=True, timeout=60, check=True)
    return answer.stdout


@pytest.mark.skipif(not DROPS_UID, reason="needs a root that may make namespaces")
def test_without_user_namespaces_auto_goes_on_and_says_so(tmp_path: Path) -> None:
    said = _report_sandbox_without_namespaces(tmp_path, "auto")
    assert "level='none'" in said
    assert "No usable sandbox!" in said
    assert said.endswith(" 2\n")
    assert not folders(tmp_path)


@pytest.mark.skipif(not DROPS_UID, reason="needs a root that may make namespaces")
def test_without_user_namespaces_require_does_not_start(tmp_path: Path) -> None:
    said = _report_sandbox_without_namespaces(tmp_path, "require")
    assert said.startswith("SandboxMissing")
    assert "NOCTULE_SANDBOX=require" in said
    assert not folders(tmp_path)


def test_a_failure_that_is_not_the_sandboxs_never_switches_it_off(tmp_path: Path, passable: Path) -> None:
    async def body() -> None:
        complaint = "[1:1:FATAL:zygote_host_impl_linux.cc(1)] out of memory"
        binary = _stand_in(passable / "shell", f'echo "{complaint}" >&2; exit 1')
        async with started(tmp_path, headless_shell=binary) as launcher:
            with pytest.raises(LaunchFailed, match=r"exit code 1.*out of memory"):
                await launcher.launch(wants_chromium=False, proxy_port=9)
            assert launcher.sandbox_level().level == "unknown"
            assert not [list(folder.iterdir()) for folder in folders(tmp_path) if list(folder.iterdir())]

    run_bounded(body)


def test_what_pages_wrote_is_not_among_the_last_words_of_a_browser(tmp_path: Path, passable: Path) -> None:
    async def body() -> None:
        console = '[1123/1.1:INFO:CONSOLE:1] "one\\nFATAL hunter2", source: http://a/ (1)\\n'
        says = f"printf 'DevTools listening on ws://127.0.0.1:9/devtools/browser/a\\n{console}' >&2"
        complaint = "echo '[1:1:1123/1.2:ERROR:gpu.cc(3)] no picture' >&2"
        binary = _stand_in(passable / "shell", f"{says}; {complaint}; printf '{console}' >&2; sleep 0.3; exit 3")
        async with started(tmp_path, headless_shell=binary) as launcher:
            browser = await launcher.launch(wants_chromium=False, proxy_port=9)
            how = await browser.wait()
        assert "exit code 3" in how
        assert "no picture" in how
        assert "hunter2" not in how

    run_bounded(body)


def test_require_is_content_with_a_machine_that_has_namespaces(tmp_path: Path) -> None:
    async def body() -> None:
        async with started(tmp_path, sandbox="require") as launcher:
            assert launcher.sandbox_level().level == "namespace"
            assert not inhabitants(tmp_path)

    run_bounded(body)


def test_a_sandbox_that_is_switched_off_is_off(tmp_path: Path) -> None:
    async def body() -> None:
        async with started(tmp_path, sandbox="off") as launcher:
            browser = await launcher.launch(wants_chromium=False, proxy_port=9)
            assert "--no-sandbox" in command_line(browser.pid)
            assert launcher.sandbox_level().level == "none"

    run_bounded(body)
