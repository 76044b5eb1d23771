"""SIGKILL in the middle of a save: the version before stays whole, nothing is left over, the profile is free again."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.profile_stage import TOLD, Stage, staged

pytestmark = pytest.mark.slow


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A server and a site that nobody has signed in to."""
    with staged(tmp_path) as stage:
        yield stage


@pytest.fixture
def signed_in(stage: Stage) -> str:
    """A profile whose browser has signed in."""
    profile_id = stage.create()
    session_id = stage.start(profile_id, persist=True)
    stage.sign_in(session_id)
    stage.stop(session_id)
    return profile_id


def _objects(stage: Stage) -> set[Path]:
    return {path for path in (stage.server.data_dir / "objects").rglob("*") if path.is_file()}


@pytest.mark.parametrize("failpoint", ["profile.after_archive", "profile.after_state", "profile.in_commit"])
def test_a_kill_in_a_save_leaves_the_version_before(stage: Stage, signed_in: str, failpoint: str) -> None:
    # Once it can be read, its save is over.
    stage.stop(stage.start(signed_in))
    assert stage.server.terminate() == 0
    before = _objects(stage)
    stage.server.start({"NOCTULE_FAILPOINT": failpoint})
    session_id = stage.start(signed_in, persist=True)
    stage.goto(session_id)
    stage.js(session_id, "localStorage.setItem('token', 'lost')")
    # The kill may come before the answer.
    with contextlib.suppress(httpx.TransportError):
        stage.stop(session_id)
    assert stage.server.wait(20) == -9
    assert before <= _objects(stage)

    stage.server.start()
    session_id = stage.start(signed_in, persist=True)
    assert stage.tell(session_id) == TOLD
    stage.stop(session_id)


def test_a_killed_writer_leaves_its_profile_free_and_as_it_was(stage: Stage, signed_in: str) -> None:
    session_id = stage.start(signed_in, persist=True)
    stage.goto(session_id)
    stage.js(session_id, "localStorage.setItem('token', 'lost')")
    stage.server.kill()
    stage.server.start()
    session_id = stage.start(signed_in, persist=True)
    assert stage.tell(session_id) == TOLD
    stage.stop(session_id)


def test_a_crashed_browser_leaves_its_profile_free_and_as_it_was(stage: Stage, signed_in: str) -> None:
    session_id = stage.start(signed_in, persist=True)
    stage.goto(session_id)
    stage.js(session_id, "localStorage.setItem('token', 'lost')")
    for pid in stage.server.browsers():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while stage.client.get(f"/sessions/{session_id}").json()["status"] == "active":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    session_id = stage.start(signed_in, persist=True)
    assert stage.tell(session_id) == TOLD
    stage.stop(session_id)


def test_what_was_saved_outlives_the_server_and_sessions_are_saved_when_it_stops(stage: Stage, signed_in: str) -> None:
    session_id = stage.start(signed_in, persist=True)
    stage.goto(session_id)
    stage.js(session_id, "localStorage.setItem('token', 'saved at the last moment')")
    assert stage.server.terminate() == 0
    stage.server.start()
    session_id = stage.start(signed_in)
    assert stage.tell(session_id) == {**TOLD, "token": "saved at the last moment"}
    stage.stop(session_id)
