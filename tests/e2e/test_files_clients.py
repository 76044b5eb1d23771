"""Both official SDKs, unmodified, take files to pages and out of them; both generations see one store."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.page_stage import Stage, staged, visiting
from tests.support import clients
from tests.support.server import KEY

pytestmark = pytest.mark.slow

CONTENT = bytes(range(256)) * 4096
DOWNLOADS = {"report.csv": "month,sessions", "calls.csv": "call,seconds"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("files")) as stage:
        yield stage


@pytest.mark.parametrize("version", clients.SDK_VERSIONS)
def test_the_official_sdk_takes_files_to_pages_and_out_of_them(version: str, stage: Stage, tmp_path: Path) -> None:
    found = clients.run_sdk_script(version, stage.server.url, KEY, "sdk_files.py", stage.site.url(), str(tmp_path))

    name = "night walk 日本.bin"
    assert found["uploaded"] == [True, f"{name} {len(CONTENT)}"]
    assert not found["missing"][0]
    assert "'none.bin'" in found["missing"][1]
    assert sorted(found["uploads"]) == [[name, len(CONTENT), ".bin"], ["other.bin", len(CONTENT), ".bin"]]
    names = [name for name, _ in found["downloads"]]
    assert [name.rpartition("-")[2] for name in names] == list(DOWNLOADS)
    assert all(("-" in name) == (version == "1.8.20") for name in names), "older clients see the time in front"
    for listed, text in found["read"].items():
        assert text.startswith(DOWNLOADS[listed.rpartition("-")[2]])
    if version == "1.8.20":
        assert found["failure"] == "NotteAPIError"
    else:
        assert found["checksums"] == [hashlib.sha256(CONTENT).hexdigest()] * 2
        assert (found["failure"], found["total"]) == ("FileNotFoundError", 3)


def test_a_download_is_in_the_lists_of_both_generations(stage: Stage) -> None:
    with visiting(stage) as visit:
        visit.open("popups.html")
        visit.act(type="download_file", selector="#download-header")
        [older] = visit.api.get(f"/storage/{visit.path.rpartition('/')[2]}/downloads").json()["files"]
        newer = visit.api.get(f"{visit.path}/files?source=session_download").json()
        [file] = newer["files"]
        assert older["name"].endswith("-" + file["filename"])
        assert (older["size"], newer["total"], file["mime_type"]) == (file["size"], 1, "text/csv")
        assert visit.api.get(f"{visit.path}/files?source=user_upload").json()["total"] == 0


def test_a_page_gets_the_sessions_own_file_before_the_workspaces_and_one_by_its_id(stage: Stage) -> None:
    with visiting(stage) as visit:
        visit.api.post("/storage/uploads/same.txt", files={"file": ("x", b"workspace")}).raise_for_status()
        visit.open("uploads.html")
        text = "return document.querySelector('#visible').files[0].text()"
        upload = {"type": "upload_file", "selector": "#visible", "file_path": "same.txt"}
        visit.act(**upload)
        assert visit.act(type="evaluate_js", code=text)["data"]["markdown"] == "workspace"
        own = visit.api.post(f"{visit.path}/files", files={"file": ("same.txt", b"session")}).json()
        other = visit.api.post(f"{visit.path}/files", files={"file": ("other.txt", b"by id")}).json()
        visit.act(**upload)
        assert visit.act(type="evaluate_js", code=text)["data"]["markdown"] == "session"
        before = len(visit.steps())
        for body, told in (
            ({"action": upload, "target_id": other["id"], "record": False}, "by id"),
            ({"action": upload, "target_id": own["id"]}, "session"),
        ):
            reply = visit.api.post(f"{visit.path}/page/execute/file", json=body)
            assert reply.json()["success"], reply.text
            assert visit.act(type="evaluate_js", code=text)["data"]["markdown"] == told
        assert len(visit.steps()) == before + 3


def test_a_file_at_an_address_is_loaded_by_the_browser_and_judged_by_its_egress(stage: Stage) -> None:
    with visiting(stage) as visit:
        visit.open("uploads.html")
        address = stage.site.url("landing.html")
        sent = visit.act(type="upload_file", selector="#visible", file_path=address)
        assert "'landing.html'" in sent["message"]
        length = "return document.querySelector('#visible').files[0].text().then(text => text.includes('<!doctype'))"
        assert visit.act(type="evaluate_js", code=length)["data"]["markdown"] == "true"
        for refused in (f"{stage.server.url}/health", "http://169.254.169.254/latest/meta-data", "http://127.0.0.1:9/"):
            failed = visit.try_to(type="upload_file", selector="#visible", file_path=refused)
            assert not failed["success"]
            assert "could not be loaded" in failed["message"]
