"""A server that is killed loses of a timeline what it had in hand, and nothing that it had written."""

import json
from pathlib import Path

import pytest

from tests.e2e.timeline_stage import events, execute, started, until
from tests.support.origin import Origin
from tests.support.server import Server

pytestmark = pytest.mark.slow


def test_a_killed_server_loses_at_most_the_batch_in_hand(tmp_path: Path) -> None:
    with Origin() as origin:
        server = Server(tmp_path / "data", {"NOCTULE_EGRESS_ALLOW": f"127.0.0.1:{origin.port}"})
        try:
            server.start()
            with server.client() as api:
                path = started(api)
                execute(api, path, type="goto", url=f"{origin.url}first")
                until(lambda: len(events(api, path, "request")) == 1)
                # To list files is to have them written.
                assert api.get(f"{path}/network/logs").json()["total_batch_count"] == 1
                kept = events(api, path, "request", "navigation", "tab")
                execute(api, path, type="goto", url=f"{origin.url}second")
                server.kill()
            stray = tmp_path / "data" / "objects" / "timeline" / path.rpartition("/")[2] / "000009-1000000000.ndjson"
            stray.write_text("{}\n")
            server.start()
            with server.client() as api:
                told = events(api, path)
                assert [event for event in told if event in kept] == kept
                assert api.get(path).json()["status"] == "error"
                assert told[-1]["data"]["status"] == "error"
                files = api.get(f"{path}/network/logs").json()["batches"]
                (line,) = api.get(files[0]["download_url"]).text.splitlines()
                assert json.loads(line)["data"]["url"].endswith("/first")
                until(lambda: not stray.exists(), 30)
        finally:
            server.close()


def test_a_server_that_is_stopped_loses_nothing(tmp_path: Path) -> None:
    with Origin() as origin:
        server = Server(tmp_path / "data", {"NOCTULE_EGRESS_ALLOW": f"127.0.0.1:{origin.port}"})
        try:
            server.start()
            with server.client() as api:
                path = started(api)
                execute(api, path, type="goto", url=f"{origin.url}last-words")
            assert server.terminate() == 0
            server.start()
            with server.client() as api:
                told = events(api, path)
            kinds = [event["kind"] for event in told]
            assert {"request", "navigation", "step", "session"} <= set(kinds)
            assert told[-1]["data"]["close_reason"] == "server_stopped"
        finally:
            server.close()
