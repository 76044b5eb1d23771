"""Navigations a second with capture on, as ratios to the same with capture off and to the browser's own share of it.

Three sessions of one node take turns on a page of 100 requests, from an origin on loopback in a process of its own, at
once and as late as from elsewhere, and on a page without any. The reference in the middle has the browser send
everything that capture needs (``Network.enable``) and throws it away unread: what is between it and capture is ours,
what is between it and off is Chromium's, whose processes have no second core to do it on where the machine is small.

    python -m bench.capture [--rounds 20]
"""

import argparse
import asyncio
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from bench._many_requests import REQUESTS
from bench._support import show
from noctule.browser.commands import BrowserSpec, Captured, Goto
from noctule.browser.node import Node
from tests.support.nodes import running_node

OFF, UNREAD, ON = "off", "unread", "on"
TARGET_RATE = 0.95
_LATE_MS = 20


async def _unread(node: Node) -> None:
    """Let the browser of that session tell everything, and nobody take it in."""
    capture = node._sessions[UNREAD].browser.driver.capture
    capture._connection.on_taken = lambda payload: None


async def gotos(node: Node, name: str, url: str, rounds: int) -> tuple[float, float]:
    """Print one page; the rates of capture, as shares of that with it off and of that with all thrown away unread."""
    times: dict[str, list[float]] = {mode: [] for mode in (OFF, UNREAD, ON)}
    ours, theirs = dict.fromkeys(times, 0.0), dict.fromkeys(times, 0.0)
    for round_number in range(rounds + 2):
        for mode, samples in times.items():
            cpu, browser_cpu, began = time.process_time(), _browser_cpu(node, mode), time.perf_counter()
            await node.run(mode, Goto(url))
            seconds = time.perf_counter() - began
            # What is read later must not fall on the next one's time.
            await asyncio.sleep(0.4)
            if round_number > 1:
                samples.append(seconds)
                ours[mode] += (time.process_time() - cpu) / rounds
                theirs[mode] += (_browser_cpu(node, mode) - browser_cpu) / rounds
    for mode, samples in times.items():
        show(f"goto {name}, capture {mode}", samples)
    for mode in times:
        # Does not depend on what else the machine does, as times do.
        mine, chromium = ours[mode] * 1e3, theirs[mode] * 1e3
        print(f"  processor time, capture {mode:<8} ours {mine:6.1f} ms   Chromium's {chromium:6.1f} ms")
    return (
        _compare(f"goto {name}, capture to off", times[ON], times[OFF]),
        _compare(f"goto {name}, our share alone", times[ON], times[UNREAD]),
    )


def _browser_cpu(node: Node, mode: str) -> float:
    process = node._sessions[mode].browser.process
    assert process is not None
    total = 0.0
    for member in (parent := psutil.Process(process.pid), *parent.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = member.cpu_times()
            total += times.user + times.system
    return total


def _compare(name: str, ours: list[float], reference: list[float]) -> float:
    """Taken in pairs, so that what else the machine does weighs on both."""
    rate = statistics.median(b / a for a, b in zip(ours, reference, strict=True))
    print(f"{name:<52} rate {rate:>7.3f}   target >= {TARGET_RATE:g}: {'holds' if rate >= TARGET_RATE else 'MISSED'}")
    return rate


async def measure(rounds: int) -> bool:
    """Print everything; whether the targets hold."""
    origin = subprocess.Popen([sys.executable, "-m", "bench._many_requests"], stdout=subprocess.PIPE, text=True)
    try:
        assert origin.stdout is not None
        port = int(origin.stdout.readline())
        with tempfile.TemporaryDirectory() as folder:
            async with running_node(Path(folder), allow=[f"127.0.0.1:{port}"], warm=3) as node:
                told: Counter[str] = Counter()

                def count(captured: Captured) -> None:
                    told.update(event.kind for event in captured.events if captured.session_id == ON)

                node.on_captured(count)
                for mode in (OFF, UNREAD, ON):
                    await node.acquire(BrowserSpec(mode, capture="off" if mode == OFF else "on"), 30)
                await _unread(node)
                base = f"http://127.0.0.1:{port}"
                small = await gotos(node, "a page alone", f"{base}/small", rounds * 3)
                late = await gotos(
                    node, f"{REQUESTS} requests, {_LATE_MS} ms away", f"{base}/page?wait={_LATE_MS}", rounds
                )
                at_once = await gotos(node, f"{REQUESTS} requests at once", f"{base}/page?wait=0", rounds)
                await node.release(ON)
                await asyncio.sleep(0.5)
        asked = (rounds + 2) * (REQUESTS + 1) * 2 + rounds * 3 + 2
        print(f"exchanges told of {told['request']} of {asked}, left out {told['left_out']}")
        return min(*small, *late, at_once[1]) >= TARGET_RATE and told["request"] == asked
    finally:
        origin.kill()
        origin.wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=20)
    sys.exit(not asyncio.run(measure(arguments.parse_args().rounds)))
