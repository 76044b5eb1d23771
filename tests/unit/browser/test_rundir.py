"""Where browsers live."""

import json
import os
import stat
import tempfile
from pathlib import Path

import pytest

from noctule.browser import rundir
from noctule.browser.rundir import DataDirInUse, DataDirLock, RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = RunDirectory(tmp_path / "run")
    run.make()
    return run


def test_a_data_directory_has_one_owner_at_a_time(tmp_path: Path) -> None:
    first = DataDirLock(tmp_path)
    with pytest.raises(DataDirInUse, match="NOCTULE_DATA_DIR"):
        DataDirLock(tmp_path)
    first.release()
    DataDirLock(tmp_path).release()


def test_a_data_directory_is_made_private(tmp_path: Path) -> None:
    DataDirLock(tmp_path / "data").release()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_the_places_of_a_data_directory_depend_on_its_path_alone(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    places = [candidate.path for candidate in rundir.candidates(tmp_path)]
    assert [candidate.path for candidate in rundir.candidates(tmp_path / "link")] == places
    assert [candidate.path for candidate in rundir.candidates(tmp_path / "other")] != places
    assert places[1] == tmp_path.resolve() / "run"


def test_a_path_too_long_for_chromiums_socket_is_not_chosen(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    chosen = rundir.choose(deep, for_other_users=False)
    try:
        assert len(str(chosen.path)) < 50
    finally:
        chosen.remove_if_empty()


def test_a_browsers_folder_lets_strangers_pass_but_not_look(run: RunDirectory) -> None:
    directory = run.new_browser(None)
    assert stat.S_IMODE(run.path.stat().st_mode) == 0o711
    assert stat.S_IMODE(directory.path.stat().st_mode) == 0o711
    for folder in (directory.home, directory.profile, directory.tmp, directory.downloads):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_browsers_folders_belong_to_its_user_and_the_rest_to_us(run: RunDirectory) -> None:
    directory = run.new_browser(61999)
    assert directory.profile.stat().st_uid == directory.downloads.stat().st_uid == 61999
    assert directory.path.stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_place_that_somebody_else_took_first_is_refused(tmp_path: Path) -> None:
    taken = tmp_path / "run"
    taken.mkdir()
    os.chown(taken, 61999, 61999)
    with pytest.raises(PermissionError):
        RunDirectory(taken).make()
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(PermissionError):
        RunDirectory(link).make()


def test_the_owner_of_a_folder_is_remembered(run: RunDirectory) -> None:
    directory = run.new_browser(None)
    assert directory.owner() is None
    directory.write_owner(os.getpid(), os.geteuid())
    owner = directory.owner()
    assert owner is not None
    assert (owner.pid, owner.uid) == (os.getpid(), os.geteuid())


def test_preferences_are_the_browsers_own_and_beside_those_that_it_has(run: RunDirectory) -> None:
    directory = run.new_browser(None)
    directory.write_preferences({"a": {"x": 1}}, None)
    file = directory.profile / "Default" / "Preferences"
    file.write_text('{"kept": 1, "a": 2}')
    directory.write_preferences({"a": {"x": 1}}, None)
    assert json.loads(file.read_text()) == {"kept": 1, "a": {"x": 1}}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.unlink()
    file.symlink_to("/etc/passwd")
    directory.write_preferences({}, None)
    assert not file.is_symlink()
    elsewhere = directory.tmp
    file.unlink()
    (directory.profile / "Default").rmdir()
    (directory.profile / "Default").symlink_to(elsewhere)
    with pytest.raises(OSError, match="is a link"):
        directory.write_preferences({}, None)
    assert not list(elsewhere.iterdir())


def test_removing_a_folder_takes_all_of_it_and_nothing_that_it_points_to(run: RunDirectory, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o755)
    directory = run.new_browser(None)
    (directory.profile / "link").symlink_to(kept)
    (directory.profile / "closed").mkdir(mode=0o700)
    (directory.profile / "closed" / "file").write_text("x")
    (directory.profile / "closed").chmod(0)
    assert directory.remove()
    assert not directory.path.exists()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o755


def test_a_run_directory_goes_when_it_is_empty(run: RunDirectory) -> None:
    directory = run.new_browser(None)
    run.remove_if_empty()
    assert [found.path for found in run.browsers()] == [directory.path]
    assert directory.remove()
    run.remove_if_empty()
    assert not run.path.exists()


def test_a_data_directory_that_strangers_cannot_reach_is_no_place_for_their_browsers() -> None:
    with tempfile.TemporaryDirectory() as closed:
        Path(closed).chmod(0o700)
        chosen = rundir.choose(Path(closed) / "d", for_other_users=True)
        try:
            assert Path(closed) not in chosen.path.parents
        finally:
            chosen.remove_if_empty()
