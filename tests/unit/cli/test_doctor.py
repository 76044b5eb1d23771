"""What ``noctule doctor`` says about a machine."""

import http.server
import os
import socket
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from noctule.browser import binaries
from noctule.browser.binaries import NoBrowser
from noctule.cli.doctor import Check, checks, doctor
from noctule.db.engine import Database
from noctule.db.migrate import migrate
from noctule.settings import Settings
from tests.support import s3

pytestmark = pytest.mark.slow


def _settings(tmp_path: Path, **changes: object) -> Settings:
    return Settings(**{"data_dir": tmp_path / "data", "port": 0, **changes})  # type: ignore[arg-type]


def _look(settings: Settings) -> dict[str, Check]:
    return {check.name: check for check in checks(settings)}


def _run(**environment: str) -> Result:
    return CliRunner().invoke(doctor, env=environment)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def _browser() -> None:
    try:
        binaries.find()
    except NoBrowser:
        pytest.skip("no Chromium is installed")


@pytest.mark.usefixtures("_browser")
def test_a_good_machine_can_run_noctule(tmp_path: Path) -> None:
    result = _run(NOCTULE_DATA_DIR=str(tmp_path / "data"), NOCTULE_PORT="0")
    assert result.exit_code == 0, result.output
    assert "Sandbox: namespace" in result.output
    assert "(will be made)" in result.output
    assert not (tmp_path / "data").exists()


def test_a_browser_that_cannot_be_run_is_an_error_with_exit_status_1(tmp_path: Path) -> None:
    result = _run(
        NOCTULE_DATA_DIR=str(tmp_path), NOCTULE_PORT="0", NOCTULE_HEADLESS_SHELL_PATH=str(tmp_path / "missing")
    )
    assert result.exit_code == 1
    assert "NOCTULE_HEADLESS_SHELL_PATH names" in result.output


@pytest.mark.usefixtures("_browser")
def test_a_sandbox_that_is_switched_off_is_a_warning(tmp_path: Path) -> None:
    check = _look(_settings(tmp_path, sandbox="off"))["Sandbox"]
    assert check.level == "warning"
    assert "NOCTULE_SANDBOX" in check.remedy


def test_a_browser_that_does_not_start_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    broken = tmp_path / "shell"
    broken.write_text("#!/bin/sh\necho 'libnss3.so: cannot open shared object file' >&2\nexit 127\n")
    broken.chmod(0o755)
    # Whoever runs the browser must be able to read the program; beside other workers its folder lies one deeper.
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o055)
    found = _look(_settings(tmp_path, headless_shell_path=broken))
    assert found["Chromium"].level == "error"
    assert found["Sandbox"].level == "error"
    assert "libnss3.so" in found["Sandbox"].message


def test_a_port_that_something_else_has_is_an_error(tmp_path: Path, listener: socket.socket) -> None:
    check = _look(_settings(tmp_path, port=listener.getsockname()[1]))["Port"]
    assert check.level == "error"
    assert "NOCTULE_PORT" in check.remedy


class _Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status":"healthy","version":"1.4.40","description":"Noctule, and so on"}')

    def log_message(self, *_: object) -> None:
        pass


def test_a_port_that_noctule_itself_serves_is_well(tmp_path: Path) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _Health) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            check = _look(_settings(tmp_path, port=server.server_port))["Port"]
        finally:
            server.shutdown()
            thread.join()
    assert check.level == "ok"
    assert "served by Noctule" in check.message


def test_a_database_says_whether_its_schema_is_up_to_date(tmp_path: Path, empty_database_url: str) -> None:
    settings = _settings(tmp_path, database_url=empty_database_url)
    database = Database(empty_database_url)
    database.engine.connect().close()
    assert "brought up to date" in _look(settings)["Database"].message
    migrate(database.engine)
    database.close()
    assert "is up to date" in _look(settings)["Database"].message


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "noctule.db").write_bytes(b"no database at all" * 100)
    check = _look(_settings(tmp_path, data_dir=tmp_path))["Database"]
    assert check.level == "error"
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(tmp_path / "noctule.db").execute("SELECT * FROM sqlite_master")


def test_a_database_out_of_reach_is_an_error_that_keeps_the_password(tmp_path: Path, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    check = _look(_settings(tmp_path, database_url=f"postgresql://noctule:hunter2@127.0.0.1:{port}/x"))["Database"]
    assert check.level == "error"
    assert "hunter2" not in check.message


@pytest.mark.parametrize("url", ["nonsense", "mysql://a@b/c"])
def test_a_database_url_that_makes_no_sense_is_an_error(tmp_path: Path, url: str) -> None:
    assert _look(_settings(tmp_path, database_url=url))["Database"].level == "error"


def test_a_data_folder_in_the_way_of_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert _look(_settings(tmp_path, data_dir=tmp_path / "file"))["Data folder"].level == "error"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_user_ids_that_do_not_exist_are_a_warning(tmp_path: Path) -> None:
    check = _look(_settings(tmp_path, browser_uid_base=2**32 - 10))["Browsers' users"]
    assert check.level == "warning"


def test_files_go_to_a_folder_of_the_data_folder_unless_told_otherwise(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    assert _look(settings)["Files"] == Check("Files", "ok", f"{tmp_path / 'data' / 'objects'} (will be made)")
    settings.data_dir.mkdir()
    (settings.data_dir / "objects").write_text("in the way")
    assert not _look(settings)["Files"].ok


def test_a_bucket_that_can_be_written_to_is_well_and_one_that_cannot_is_an_error_without_credentials(
    tmp_path: Path, s3_server: s3.S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3_server.bucket()
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    look = _look(_settings(tmp_path))["Files"]
    assert (look.level, look.message) == ("ok", bucket.url)
    assert bucket.stored() == []
    look = _look(_settings(tmp_path, objects_url="s3://not-there/x"))["Files"]
    assert look.level == "error"
    assert s3.SECRET_KEY not in look.message
    assert _look(_settings(tmp_path, objects_url="ftp://x"))["Files"].level == "error"


def test_without_ffmpeg_sessions_cannot_be_recorded_and_all_else_works(tmp_path: Path) -> None:
    found = _look(_settings(tmp_path, ffmpeg_path=Path("/nowhere/ffmpeg")))["Recording"]
    assert (found.level, found.message) == ("warning", "sessions cannot be recorded")
    assert "/nowhere/ffmpeg" in found.remedy
    assert "recording is on" in _look(_settings(tmp_path))["Recording"].message
    assert "off unless a session asks" in _look(_settings(tmp_path, recording=False))["Recording"].message
