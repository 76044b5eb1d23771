"""500 sessions in a row and 20 at once: what is left of them afterwards, and what one live session costs.

Prints processes, file descriptors, temp directories and RSS of the server before and after, and Noctule's
own memory per live session beyond its Chromium.

    python -m bench.leaks [--sessions 500] [--at-once 20]
"""

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.leaks import Footprint, settle
from tests.support.server import Server


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sessions", type=int, default=500)
    arguments.add_argument("--at-once", type=int, default=20)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data", {"NOCTULE_WARM_POOL_SIZE": "2"})
        try:
            server.start()
            _run(server, chosen.sessions, chosen.at_once)
        finally:
            server.close()


def _run(server: Server, sessions: int, at_once: int) -> None:
    def life(_: int) -> None:
        with server.client() as client:
            started = client.post("/sessions/start", json={}).raise_for_status().json()
            client.delete(f"/sessions/{started['session_id']}/stop").raise_for_status()

    # The first sessions fill caches that stay; the baseline is a server that has worked.
    for number in range(20):
        life(number)
    baseline = settle(server)
    print(f"baseline            {baseline}")
    for number in range(sessions):
        life(number)
    print(f"after {sessions:4d} in a row  {settle(server)}")
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(life, range(at_once)))
    after = settle(server)
    print(f"after {at_once:4d} at once   {after}")
    print(f"RSS after / before: {after.rss_bytes / baseline.rss_bytes:.3f}")

    with server.client() as client:
        held = [client.post("/sessions/start", json={}).raise_for_status().json() for _ in range(at_once)]
        live = Footprint.of(server)
        print(f"with {at_once:4d} live       {live}")
        print(
            f"own memory per live session: {(live.rss_bytes - after.rss_bytes) / at_once / 2**20:.2f} MiB (target <= 5)"
        )
        for session in held:
            client.delete(f"/sessions/{session['session_id']}/stop").raise_for_status()


if __name__ == "__main__":
    main()
