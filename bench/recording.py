"""What it costs to be filmed, as ratios to sessions that are not, of the same server in turn.

Page loads: one session goes from page to busy page for some seconds, filmed or not, in turn; encoding goes on
meanwhile. Idle: cores that a server with one session on a page that stands still takes. Ready: from the answer of stop
of a session of a minute, on a page that never stands still, to the answer with the film.

    python -m bench.recording [--rounds 4] [--seconds 15]
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from tests.e2e.replay_stage import MOVING, execute, replay, start, stop
from tests.support.origin import Origin
from tests.support.server import Server

_REST_SECONDS = 3.0
_IDLE_SECONDS = 20.0
_LEAST_LOADS = 0.90
_MOST_IDLE_CORES = 0.01
_MOST_READY_SECONDS = 2.0
_CARD = (
    "<div style='float:left;width:180px;margin:6px;padding:8px;border:1px solid #888;background:hsl({hue} 60% 85%)'>"
    "<h3>Item {number}</h3><p>What it is, in some words that take a line or two.</p><button>Buy</button></div>"
)


def _busy_page(seed: int) -> str:
    cards = "".join(_CARD.format(number=seed * 100 + number, hue=number * 7 % 360) for number in range(150))
    return f"<title>{seed}</title>{MOVING}{cards}"


def _loads_a_second(client: httpx.Client, pages: list[str], record: str, seconds: float) -> float:
    session_id = start(client, {"x-noctule-record": record})
    try:
        began, loads = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            execute(client, session_id, type="goto", url=pages[loads % len(pages)])
            loads += 1
        return loads / (time.perf_counter() - began)
    finally:
        stop(client, session_id)


def _cores(server: Server, seconds: float) -> float:
    """Processor time of the server and everything that it started, in cores."""

    def used() -> dict[int, float]:
        times: dict[int, float] = {}
        for process in (server.process, *server.process.children(recursive=True)):
            try:
                told = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            times[process.pid] = told.user + told.system
        return times

    before = used()
    time.sleep(seconds)
    after = used()
    return sum(after[pid] - before.get(pid, 0.0) for pid in after) / seconds


def _idle_cores(server: Server, client: httpx.Client, url: str, record: str) -> float:
    session_id = start(client, {"x-noctule-record": record})
    try:
        execute(client, session_id, type="goto", url=url)
        time.sleep(_REST_SECONDS)
        return _cores(server, _IDLE_SECONDS)
    finally:
        stop(client, session_id)
        time.sleep(_REST_SECONDS)


def _ready_seconds(client: httpx.Client, url: str) -> float:
    session_id = start(client)
    execute(client, session_id, type="goto", url=url)
    time.sleep(60)
    stop(client, session_id)
    began = time.perf_counter()
    replay(client, session_id)
    return time.perf_counter() - began


def main() -> None:
    """Measure, print, and fail where a target is missed."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=4)
    arguments.add_argument("--seconds", type=float, default=15.0)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, Origin() as origin:
        root = f"http://127.0.0.1:{origin.port}"
        pages = [f"{root}/busy/{number}" for number in range(5)]
        for number in range(5):
            origin.page(f"/busy/{number}", _busy_page(number))
        origin.page("/still", "<title>still</title>It stands still.")
        origin.page("/moving", MOVING)
        allow = {"NOCTULE_EGRESS_ALLOW": f"127.0.0.1:{origin.port}"}
        server = Server(Path(folder) / "data", allow)
        try:
            client = server.start().client()
            loads: dict[str, list[float]] = {"on": [], "off": []}
            for _ in range(chosen.rounds):
                for record in ("off", "on"):
                    loads[record].append(_loads_a_second(client, pages, record, chosen.seconds))
                    time.sleep(_REST_SECONDS)
            idle = {record: _idle_cores(server, client, f"{root}/still", record) for record in ("off", "on")}
            ready = _ready_seconds(client, f"{root}/moving")
        finally:
            server.close()
    kept = statistics.median(loads["on"]) / statistics.median(loads["off"])
    more = idle["on"] - idle["off"]
    for record in ("off", "on"):
        rates = ", ".join(f"{rate:.1f}" for rate in loads[record])
        print(f"page loads a second, recording {record:<4} median {statistics.median(loads[record]):6.2f}   of {rates}")
    held = [
        _verdict("page loads, recording on to off", kept, kept >= _LEAST_LOADS, f">= {_LEAST_LOADS}"),
        _verdict("cores of an idle page, on over off", more, more <= _MOST_IDLE_CORES, f"<= {_MOST_IDLE_CORES}"),
        _verdict("seconds from stop to the film of a minute", ready, ready <= _MOST_READY_SECONDS, "<= 2"),
    ]
    if not all(held):
        raise SystemExit(1)


def _verdict(name: str, value: float, holds: bool, target: str) -> bool:
    print(f"{name:<44} {value:>10.3f}   target {target}: {'holds' if holds else 'MISSED'}")
    return holds


if __name__ == "__main__":
    main()
