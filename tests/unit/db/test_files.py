"""Files that are there whole or not at all."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from noctule.db.files import draft, publish, write_private


def test_a_draft_is_its_owners_alone_and_gone_with_its_block(tmp_path: Path) -> None:
    with draft(tmp_path / "file", ".partial") as path:
        assert path.stat().st_mode & 0o777 == 0o600
        path.write_text("half")
        path.with_name(path.name + "-wal").write_text("beside")
    assert list(tmp_path.iterdir()) == []


def test_a_draft_that_was_left_behind_is_taken_over_empty(tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_text("left by a process that died")
    (tmp_path / "file.partial").chmod(0o644)
    (tmp_path / "file.partial-journal").write_text("as was this")
    with draft(tmp_path / "file", ".partial") as path:
        assert (path.stat().st_size, path.stat().st_mode & 0o777) == (0, 0o600)
        assert not (tmp_path / "file.partial-journal").exists()


def test_a_draft_that_is_a_link_to_elsewhere_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "file.partial").symlink_to(victim)
    with pytest.raises(OSError), draft(tmp_path / "file", ".partial"):
        pass
    assert victim.read_text() == "precious"


def test_two_processes_never_write_the_same_draft(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, end = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path / "file", ready, end))
    other.start()
    try:
        assert ready.wait(20)
        with pytest.raises(RuntimeError, match="Another process is writing"), draft(tmp_path / "file", ".partial"):
            pass
    finally:
        end.set()
        other.join(20)
    with draft(tmp_path / "file", ".partial"):
        pass


def _hold(target: Path, ready: Event, end: Event) -> None:
    with draft(target, ".partial"):
        ready.set()
        end.wait(20)


@pytest.mark.parametrize("replace", [True, False])
def test_a_published_draft_has_the_name_and_nothing_is_beside_it(tmp_path: Path, replace: bool) -> None:
    with draft(tmp_path / "file", ".partial") as path:
        path.write_text("whole")
        publish(path, tmp_path / "file", replace=replace)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "whole"


def test_only_a_wish_to_replace_replaces(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")

    def write(text: str) -> Callable[[bool], None]:
        def publish_it(replace: bool) -> None:
            with draft(tmp_path / "file", ".partial") as path:
                path.write_text(text)
                publish(path, tmp_path / "file", replace=replace)

        return publish_it

    with pytest.raises(FileExistsError):
        write("new")(False)
    assert (tmp_path / "file").read_text() == "old"
    write("new")(True)
    assert (tmp_path / "file").read_text() == "new"


def test_a_secret_is_written_once_for_its_owner_alone(tmp_path: Path) -> None:
    write_private(tmp_path / "key", b"\x00secret")
    assert ((tmp_path / "key").read_bytes(), (tmp_path / "key").stat().st_mode & 0o777) == (b"\x00secret", 0o600)
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "key", b"other")
    assert (tmp_path / "key").read_bytes() == b"\x00secret"
